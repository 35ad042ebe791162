"""
Queries that are run for each row, and slow ones, named by route, field and line.

A query that serializing one object of a list runs is one for each row, however many rows
there are at the moment. Queries that load something for all rows at once are none, and so
are the compiled reads'. Anywhere else the same text from the same line ``REPEATED`` times
is one. In production a share of the requests is watched (``QUERY_WATCH_SHARE``), in
tests every one (``backstay.testing.plugin``).
"""

import logging
import random
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from backstay.conf import settings
from backstay.counters import count
from backstay.monitoring.places import Place, here
from backstay.monitoring.record import Finding, Record

#: The same query from the same line in one request.
REPEATED = 10

MAX_SQL = 500
MAX_TOLD = 1_000

#: In tests: every request is watched, and this is told of what was found, in a sentence.
strict: Callable[[str], object] | None = None

logger = logging.getLogger("backstay.monitoring")

_told: set[tuple[str, str]] = set()


class QueryWatch:
    """Looks at each statement of one request where it is run."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, Place], list[int]] = {}

    def saw(self, sql: str, elapsed_ns: int) -> None:
        self._seen.setdefault((sql, here()), []).append(elapsed_ns)

    def findings(self) -> tuple[Finding, ...]:
        slow_ns = settings.SLOW_QUERY.total_seconds() * 1e9
        found = []
        for (sql, place), times in self._seen.items():
            again = len(times) >= REPEATED and sql.lstrip()[:6].upper() == "SELECT"
            again = again and not place.batched  # A long stream reads its rows part by part.
            if place.for_each or again:
                found.append(_finding("repeated", sql, place, times, place.fix))
            if max(times) >= slow_ns:
                fix = "Look at its plan (EXPLAIN ANALYZE), and for an index that it lacks."
                found.append(_finding("slow", sql, place, times, fix))
        return tuple(found)


def begin() -> QueryWatch | None:
    """For one request, if it is one of those that are watched."""
    share = settings.QUERY_WATCH_SHARE
    if strict is not None or (share and random.random() < share):  # noqa: S311  # No secret.
        return QueryWatch()
    return None


def report(record: Record, budget: int | None) -> None:
    """Count and log what was found, once for each place; in tests it is told instead."""
    over = budget is not None and record.sql_count > budget
    if over:
        count("query_budget", outcome="exceeded", route=record.route)
        text = f"{record.sql_count} queries, {budget} are allowed."
        extra = {"event": "query_budget", "sql_count": record.sql_count, "budget": budget}
        _tell(record, text, "", extra)
    for found in record.findings:
        count("query_found", kind=found.kind)
        where = f"{found.field} at {found.where}" if found.field else found.where
        text = f"{found.kind} query, {found.count} times, for {where}. {found.fix} {found.sql}"
        if found.kind == "repeated" or strict is None:
            _tell(record, text, found.where, {"event": "query_found", **asdict(found)})


def _tell(record: Record, text: str, where: str, extra: dict[str, Any]) -> None:
    """*extra* has all that *text* has: a formatter may write the one or the other."""
    told = f"{record.method} {record.route}: {text}"
    if strict is not None:
        strict(told)
        return
    place = (record.route, where or extra["event"])
    if place not in _told and len(_told) < MAX_TOLD:
        _told.add(place)
        request = {
            name: getattr(record, name) for name in ("method", "route", "request_id", "trace_id")
        }
        logger.warning(told, extra={**extra, **request})


def _finding(kind: str, sql: str, place: Place, times: list[int], fix: str) -> Finding:
    total_ms = round(sum(times) / 1e6, 3)
    return Finding(kind, place.where, place.field, len(times), total_ms, sql[:MAX_SQL], fix)
