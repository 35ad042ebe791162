"""
How many rows a list has, by what knowing it may cost.

``exact`` reads an index entry for each row. ``capped`` stops after so many. ``estimated``
asks PostgreSQL's planner, which reads none: from what ANALYZE found, filters included,
within a few per cent for a table and sometimes far off for a filter. Below the cap, where
a guess is worst and counting is cheap, it counts; and another database has no such guess.

PostgreSQL: "Row Estimation Examples" and EXPLAIN in its manual.
"""

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal

from django.core.exceptions import EmptyResultSet
from django.db import connections
from django.db.models import QuerySet

from backstay.tables import keeping, noted

Certainty = Literal["exact", "at_least", "estimated"]


@dataclass(frozen=True, slots=True)
class Size:
    """So many rows, and how surely."""

    rows: int
    certainty: Certainty = "exact"

    def beside(self, seen: int, *, more: bool) -> "Size":
        """What is known once *seen* rows were, the last page's end, with *more* or none beyond."""
        if not more:
            return Size(seen)
        return self if self.rows > seen else Size(seen + 1, "at_least")


def exact(queryset: QuerySet, cap: int) -> Size:
    return Size(queryset.count())


def capped(queryset: QuerySet, cap: int) -> Size:
    """At most *cap*, by a COUNT over a LIMIT."""
    found = queryset.order_by()[: cap + 1].count()
    return Size(cap, "at_least") if found > cap else Size(found)


def estimated(queryset: QuerySet, cap: int) -> Size:
    """PostgreSQL's guess where it is above *cap*."""
    has_guess = connections[queryset.db].vendor == "postgresql"
    return bounded(queryset, cap) if has_guess else exact(queryset, cap)


def unknown(queryset: QuerySet, cap: int) -> Size:
    return Size(0, "at_least")


def bounded(queryset: QuerySet, cap: int) -> Size:
    """PostgreSQL's guess where it is above *cap*, else ``capped``: never more rows than that."""
    guess = planned_rows(queryset)
    return Size(guess, "estimated") if guess > cap else capped(queryset, cap)


COUNTING: Mapping[str, Callable[[QuerySet, int], Size]] = {
    "exact": exact,
    "capped": capped,
    "estimated": estimated,
    "none": unknown,
}


def planned_rows(queryset: QuerySet) -> int:
    """What PostgreSQL's planner expects; 0 where there is none to ask."""
    statement = _statement(queryset)
    connection = connections[queryset.db]
    if statement is None or connection.vendor != "postgresql":
        return 0
    with noted(queryset.query), connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (FORMAT JSON) {statement[0]}", statement[1])
        [told] = cursor.fetchone()
    [plan] = json.loads(told) if isinstance(told, str) else told  # As the driver has it.
    return int(plan["Plan"]["Plan Rows"])


class RecentSizes:
    """
    ``bounded`` sizes, each measured once in ``LIFETIME_SECONDS`` by this process.

    Known by statement and parameters, so that what a caller may see, and how it was
    filtered, has a size of its own. One that was not measured just now is ``estimated``, and
    is not told to who keeps answers (``backstay.tables``): theirs would last longer.
    """

    LIFETIME_SECONDS = 10.0
    MOST = 1_000

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._kept: dict[bytes, tuple[float, Size]] = {}

    def of(self, queryset: QuerySet, cap: int) -> Size:
        statement = _statement(queryset)
        if statement is None:
            return Size(0)
        key = sha256(repr((queryset.db, cap, statement)).encode()).digest()
        until, size = self._kept.get(key, (0.0, Size(0)))
        now = self.clock()
        if now < until and not keeping():
            return replace(size, certainty="estimated") if size.certainty == "exact" else size
        size = bounded(queryset, cap)
        if len(self._kept) >= self.MOST:
            self._kept.clear()
        self._kept[key] = now + self.LIFETIME_SECONDS, size
        return size

    def clear(self) -> None:
        """Forget them all."""
        self._kept.clear()


recent = RecentSizes()


def _statement(queryset: QuerySet) -> tuple[str, Any] | None:
    """The keys of all rows, unordered, as SQL and parameters; ``None`` where there can be none."""
    query = queryset.order_by().values("pk").query
    try:
        sql, parameters = query.get_compiler(queryset.db).as_sql()
    except EmptyResultSet:
        return None
    return sql, parameters
