"""Records of requests that nobody made."""

import time
from typing import Any

from backstay.monitoring import Finding, Record


def record(route: str = "/api/{version}/orders/", **members: Any) -> Record:
    usual: dict[str, Any] = {
        "method": "GET",
        "version": "v1",
        "status": 200,
        "at": time.time(),
        "duration_ms": 20.0,
        "client": "curl/8.5",
    }
    return Record(route=route, **(usual | members))


def finding(where: str = "shop/orders/serializers.py:41", **members: Any) -> Finding:
    usual: dict[str, Any] = {
        "kind": "repeated",
        "field": "items.product.name",
        "count": 12,
        "total_ms": 6.0,
        "sql": "SELECT 1",
        "fix": "Add select_related('product').",
    }
    return Finding(where=where, **(usual | members))
