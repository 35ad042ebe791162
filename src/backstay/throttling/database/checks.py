"""System checks of the limits in the database: E011, E012."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections, router

from backstay.throttling.database.models import BucketRow
from backstay.throttling.database.table import DIALECTS


def check_limits_database(**_: Any) -> list[CheckMessage]:
    """E011, E012: limits are kept where they cannot be counted."""
    alias = router.db_for_write(BucketRow)
    connection = connections[alias]
    if connection.vendor not in DIALECTS:
        known = ", ".join(sorted(DIALECTS))
        return [
            Error(
                f"Limits are counted in the database {alias!r} ({connection.vendor}), which has "
                "no limiter, so every throttled request fails.",
                hint=f"Route backstay.throttling.database to one of: {known}.",
                id="backstay.E011",
            )
        ]
    if connection.settings_dict["ATOMIC_REQUESTS"]:
        return [
            Error(
                f"The database {alias!r} has ATOMIC_REQUESTS, so a request that fails would give "
                "back what it was charged; every throttled request is refused instead.",
                hint="Route backstay.throttling.database to an alias without ATOMIC_REQUESTS.",
                id="backstay.E012",
            )
        ]
    return []
