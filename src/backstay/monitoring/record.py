"""
What one request was and what it cost: the value that every sink is handed.

It holds no text that a client chose, but for ``client`` and ``request_id``, which are
bounded and cleaned before: a record may be kept, shown and exported as it is.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A query that is repeated for each row, or is slow."""

    #: ``"repeated"`` or ``"slow"``.
    kind: str
    #: ``"shop/orders/serializers.py:41"``: the nearest line of the project's own code.
    where: str
    #: Dotted serializer field, ``"items.product.name"``, where one is known, else ``""``.
    field: str
    count: int
    total_ms: float
    #: The statement without its parameters, shortened to 500 characters.
    sql: str
    #: What to do, in one sentence.
    fix: str


@dataclass(slots=True)
class Record:
    """What one request was and cost."""

    #: ``"GET"``, …; ``"OTHER"`` for anything that is no standard method (RFC 9110 section 9).
    method: str
    #: ``"/api/{version}/orders/{pk}/"``, as the OpenAPI document writes it; ``"unmatched"``.
    route: str
    #: ``"v1"``; ``""`` without one.
    version: str
    status: int
    #: When it was answered, in seconds since the epoch.
    at: float
    duration_ms: float
    sql_count: int = 0
    sql_ms: float = 0
    #: Rows that the database gave.
    rows: int = 0
    redis_count: int = 0
    redis_ms: float = 0
    serialization_ms: float = 0
    response_bytes: int = 0
    #: ``"hit"``, ``"miss"``, ``"stale"``, ``"bypass"``, or ``""``.
    cache: str = ""
    #: ``"admitted"``, ``"refused"``, ``"shadow"``, ``"degraded"``, or ``""``.
    throttle: str = ""
    #: ``"anonymous"``, ``"user"`` or ``"staff"``: a kind, never a name.
    actor: str = "anonymous"
    #: The primary key, for the log line only.
    user_id: str = ""
    #: The first product of ``User-Agent`` (RFC 9110 section 10.1.5), bounded and cleaned.
    client: str = ""
    request_id: str = ""
    #: Of the distributed trace; ``""`` outside of one.
    trace_id: str = ""
    findings: tuple[Finding, ...] = ()
