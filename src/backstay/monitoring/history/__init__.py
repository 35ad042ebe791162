"""
What happened in the last hour and the last day, for the dashboard.

    add_sink(history.add)
    history.read([...])  # the sheets of backstay.monitoring.history.sheets

``add`` adds to what this process keeps. Where ``REDIS_URL`` is set a thread hands that over
each ``FLUSH_SECONDS`` by one script call, so every process reads what all of them did; no
request waits for it. What is left when the process ends is handed over then.

Memory is bounded, here and in Redis, whatever is asked for: a hundred rows of endpoints for
each five minutes of a day, and a few hundred findings and refusals. While Redis is
out it is all kept here (``history`` in ``backstay.counters``), and handed over later.

Limits: without Redis every process knows itself only. A process that is killed loses what
it had not handed over. Latencies are known within 5 %.
"""

import os
import time
from collections.abc import Iterable, Sequence
from functools import lru_cache
from threading import Lock
from typing import Any

from backstay.background import Repeated
from backstay.conf import settings
from backstay.counters import count, every_count
from backstay.monitoring import sinks
from backstay.monitoring.history.latency import bin_of
from backstay.monitoring.history.redis import RedisSheets
from backstay.monitoring.history.sheets import (
    ENDPOINTS,
    FINDINGS,
    PULSE,
    REFUSALS,
    RULES,
    Row,
    Sheet,
    Sheets,
    is_over,
)
from backstay.monitoring.record import Finding, Record
from backstay.store import Store, StoreUnavailable, store
from backstay.throttling import refusals

FLUSH_SECONDS = 1.5

#: So many are added within a few milliseconds; after an outage there may be thousands.
ROWS_AT_ONCE = 300

_CLASSES = ("", "1xx", "2xx", "3xx", "4xx", "5xx")

_shared_by = lru_cache(maxsize=4)(RedisSheets)


class History:
    """This process's part, and the way to what all have in common."""

    def __init__(self) -> None:
        self.handing_over = Repeated(self.flush, seconds=FLUSH_SECONDS, name="history")
        self.clear()

    def clear(self) -> None:
        """Forget what this process keeps; a process that was forked has its own to tell."""
        _shared_by.cache_clear()
        # What is on its way to Redis is in neither place: readers and the end wait for it.
        self._moving = Lock()
        self._lock = Lock()
        self._kept = Sheets()
        self._outcomes = _throttle_outcomes()

    def add(self, record: Record) -> None:
        """Count *record*; a sink, see ``backstay.monitoring.sinks``."""
        sums = sums_of(record)
        key = f"{record.method} {record.version} {record.route}"
        with self._lock:
            self._kept.add(PULSE.at(record.at), "", sums)
            self._kept.add(ENDPOINTS.at(record.at), key, sums)
            if record.findings:
                self._add_findings(record)
        if settings.REDIS_URL:
            self.handing_over.ensure()

    def _add_findings(self, record: Record) -> None:
        """One line may run several statements for one field: it is told by the longest."""
        places: dict[tuple[str, str], list[Finding]] = {}
        for finding in record.findings:
            places.setdefault((finding.where, finding.field), []).append(finding)
        for (where, field), found in places.items():
            sums = {"n": 1, "queries": 0, "us": 0}
            for finding in found:
                sums["queries"] += finding.count
                sums["us"] += _us(finding.total_ms)
            longest = max(found, key=lambda finding: finding.total_ms)
            key = f"{record.route} {where} {field}"
            self._kept.add(FINDINGS.only, key, sums, self._said(record, longest))

    def _said(self, record: Record, finding: Finding) -> dict[str, Any]:
        return {
            "kind": finding.kind,
            "method": record.method,
            "route": record.route,
            "version": record.version,
            "where": finding.where,
            "field": finding.field,
            "sql": finding.sql,
            "fix": finding.fix,
            "last_at": record.at,
        }

    def read(self, names: Sequence[str]) -> tuple[dict[str, Sheet], bool]:
        """The sheets of *names*, and whether they are of all processes, where there are more."""
        self._gather()
        with self._moving:
            shared, whole = self._shared(names)
            now = time.time()
            with self._lock:
                own = {name: self._kept.read(name) for name in names}
                # What nobody adds to any more needs no copy: of a day there is much.
                own |= {name: _copied(own[name]) for name in names if not is_over(name, now)}
        return {name: _joined(shared.get(name, {}), own[name]) for name in names}, whole

    def flush(self) -> None:
        """Hand over what is kept; it stays where Redis does not answer."""
        self._gather()
        with self._moving:
            # A process that has nothing to tell, as a command, needs no Redis for it.
            redis = store() if self._kept else None
            if redis is not None:
                self._hand_over(redis)

    def _hand_over(self, redis: Store) -> None:
        with self._lock:
            kept, self._kept = self._kept, Sheets()
        try:
            for part in [*kept.parts(ROWS_AT_ONCE)]:
                _shared_by(redis).merge(part)
                kept.remove(part)
        except StoreUnavailable:
            count("history", outcome="kept")
            with self._lock:
                # What was kept meanwhile is newer.
                kept.merge(self._kept)
                self._kept = kept

    def _shared(self, names: Sequence[str]) -> tuple[dict[str, Sheet], bool]:
        redis = store()
        if redis is None:
            return {}, True
        try:
            return _shared_by(redis).read(names), True
        except StoreUnavailable:
            count("history", outcome="unread")
            return {}, False

    def _gather(self) -> None:
        """Add what waits to be told, who was refused, and how often each rule was asked."""
        sinks.deliver()
        now = time.time()
        with self._lock:
            outcomes = _throttle_outcomes()
            for (rule, outcome), number in outcomes.items():
                new = number - self._outcomes.get((rule, outcome), 0)
                if new:
                    self._kept.add(RULES.at(now), rule, {outcome: new})
            self._outcomes = outcomes
            for refusal in refusals.take():
                self._kept.add(REFUSALS.only, refusal.key, {"n": refusal.count}, refusal.said)


def sums_of(record: Record) -> dict[str, int]:
    """What a row adds up; what was not done is left out. Times are microseconds."""
    sums = {
        "n": 1,
        "us": _us(record.duration_ms),
        _CLASSES[min(record.status // 100, 5)]: 1,
        bin_of(record.duration_ms): 1,
    }
    if record.sql_count:
        sums |= {"sql": record.sql_count, "sql_us": _us(record.sql_ms), "rows": record.rows}
    if record.redis_count:
        sums |= {"redis": record.redis_count, "redis_us": _us(record.redis_ms)}
    if record.serialization_ms:
        sums["serialization_us"] = _us(record.serialization_ms)
    if record.response_bytes:
        sums["bytes"] = record.response_bytes
    if record.cache:
        sums[record.cache] = 1
    if record.throttle:
        sums[record.throttle] = 1
    return sums


def summed(rows: Iterable[Row]) -> dict[str, int]:
    """The sums of all *rows* together."""
    total = Row()
    for row in rows:
        total.add(row.sums, {})
    return total.sums


def _joined(one: Sheet, other: Sheet) -> Sheet:
    """Both together; the one itself where the other is empty."""
    if not one or not other:
        return one or other
    joined: Sheet = {}
    for sheet in (one, other):
        for key, row in sheet.items():
            joined.setdefault(key, Row()).add(row.sums, row.said)
    return joined


def _copied(sheet: Sheet) -> Sheet:
    return {key: Row({**row.sums}, {**row.said}) for key, row in sheet.items()}


def _us(milliseconds: float) -> int:
    return int(milliseconds * 1_000)


def _throttle_outcomes() -> dict[tuple[str, str], int]:
    found = {}
    for (event, labels), number in every_count().items():
        if event == "throttle":
            named = dict(labels)
            found[named["rule"], named["outcome"]] = number
    return found


history = History()
add, read, flush = history.add, history.read, history.flush

os.register_at_fork(after_in_child=history.clear)
