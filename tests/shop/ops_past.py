"""An hour of a shop's traffic, drawn from a fixed seed."""

import random
import time
from math import log, sin

from backstay.monitoring import Record
from backstay.monitoring.history import history
from backstay.versioning import usage

#: Method, route, its share of the traffic, and its usual milliseconds.
ROUTES = [
    ("GET", "/api/{version}/orders/", 9, 5.0),
    ("GET", "/api/{version}/products/", 16, 3.0),
    ("GET", "/api/{version}/products/{pk}/", 8, 2.2),
    ("GET", "/api/{version}/articles/{article}/comments/", 4, 6.0),
    ("POST", "/api/{version}/orders/", 3, 38.0),
    ("POST", "/api/{version}/orders/{pk}/pay/", 1.6, 60.0),
    ("PATCH", "/api/{version}/users/me/", 1, 12.0),
    ("POST", "/api/token/", 1, 48.0),
    ("GET", "/api/{version}/orders/export/", 0.1, 900.0),
    ("GET", "unmatched", 0.6, 0.9),
]
CLIENTS = ["okhttp (signed in)", "python-requests (signed in)", "Mozilla", "curl"]
KEPT = ("products", "articles")


def fill(seconds: int = 3_590) -> None:
    """A few requests for each second until now."""
    draw, now = random.Random(7), time.time()  # noqa: S311  # The same traffic each time.
    for second in range(seconds):
        for _ in range(int(9 * (1 + 0.45 * sin(second / 420)) * draw.uniform(0.8, 1.2))):
            record = _record(draw, now - seconds + second)
            history.add(record)
            if record.version:
                usage.add(record.version, record.client, record.at)


def _record(draw: random.Random, at: float) -> Record:
    method, route, _, usual = draw.choices(ROUTES, [weight for _, _, weight, _ in ROUTES])[0]
    kept = method == "GET" and any(name in route for name in KEPT)
    cache = draw.choices(["hit", "miss"], [8, 1])[0] if kept else ""
    status = _status(draw, route)
    duration = draw.lognormvariate(log(usual), 0.45) * (0.3 if cache == "hit" else 1)
    statements = 0 if cache == "hit" else draw.choice([1, 2, 3])
    return Record(
        method=method,
        route=route,
        version=draw.choices(["v2", "v1"], [4, 1])[0] if "{version}" in route else "",
        status=status,
        at=at,
        duration_ms=duration,
        sql_count=statements,
        sql_ms=duration * 0.4 if statements else 0,
        rows=9 * statements,
        redis_count=1,
        redis_ms=0.2,
        serialization_ms=duration * 0.2,
        response_bytes=int(draw.lognormvariate(8, 0.8)),
        cache=cache,
        throttle="refused" if status == 429 else "admitted",
        client=draw.choices(CLIENTS, [4, 3, 2, 1])[0],
    )


def _status(draw: random.Random, route: str) -> int:
    if route == "unmatched":
        return 404
    return draw.choices([200, 429, 400, 404, 409, 500], [960, 9, 8, 8, 5, 2])[0]
