"""Entries of one process, bounded in bytes; the least recently used go first."""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Lock

from backstay.caching.backends import (
    KEEP_SECONDS,
    LEADER_SECONDS,
    LEASE_SECONDS,
    PASS,
    PASS_SECONDS,
    Backend,
    Fill,
    Found,
)

MOST_BYTES = 67_108_864
_US = 1_000_000


@dataclass(slots=True)
class _Kept:
    data: bytes
    tags: Collection[str]
    stamp: int
    stored_us: int
    fresh_until_us: int
    ends_us: int


class LocalBackend(Backend):
    """By *clock*: seconds since 1970."""

    shared = False

    def __init__(self, clock: Callable[[], float] = time.time, *, most_bytes: int = MOST_BYTES):
        self.clock = clock
        self.most_bytes = most_bytes
        self._lock = Lock()
        self.clear()

    def clear(self) -> None:
        with self._lock:
            self._entries: OrderedDict[str, _Kept] = OrderedDict()
            self._bytes = 0
            self._now = 0
            #: The last changed are at the end.
            self._changed: OrderedDict[str, int] = OrderedDict()
            self._writers: dict[str, dict[str, int]] = {}
            self._leaders: dict[str, tuple[str, int]] = {}
            self._looks: Counter[str] = Counter()

    def look(self, key: str, *, leader: str = "", route: str = "") -> Found:
        with self._lock:
            now = self._time()
            kept = self._entries.get(key)
            if kept is not None and (kept.ends_us <= now or not self._holds(kept)):
                self._drop(key)
                kept = None
            fresh = kept is not None and kept.fresh_until_us > now
            if route:
                self._looks[f"{route} {'hit' if fresh else 'miss'}"] += 1
            leads = self._lead(key, leader, now) if leader and not fresh else ""
            if kept is None:
                return Found(None, 0, False, self._now, now, leads)
            self._entries.move_to_end(key)
            age = (now - kept.stored_us) / _US
            return Found(kept.data, age, fresh, self._now, now, leads)

    def fill(self, fill: Fill) -> bool:
        with self._lock:
            now = self._time()
            self._end_lead(fill.key, fill.leader)
            late = now - fill.found.looked_at_us > LEASE_SECONDS * _US
            if late or any(self._is_written(tag, now) for tag in fill.tags):
                return False
            kept = _Kept(
                fill.data,
                tuple(fill.tags),
                fill.found.stamp,
                now,
                now + round(fill.seconds * _US),
                now + round(fill.lifetime * _US),
            )
            if not self._holds(kept) or len(fill.data) > self.most_bytes:
                return False
            self._drop(fill.key)
            self._entries[fill.key] = kept
            self._bytes += len(fill.data)
            while self._bytes > self.most_bytes:
                self._drop(next(iter(self._entries)))
            return True

    def leave(self, key: str, leader: str, *, others_pass: bool) -> None:
        with self._lock:
            self._end_lead(key, leader)
            if others_pass:
                self._leaders[key] = (PASS, self._time() + PASS_SECONDS * _US)

    def announce(self, tags: Collection[str], writer: str) -> None:
        with self._lock:
            self._change(tags)
            ends = self._time() + LEASE_SECONDS * _US
            for tag in tags:
                self._writers.setdefault(tag, {})[writer] = ends

    def settle(self, tags: Collection[str], writer: str) -> None:
        with self._lock:
            self._change(tags)
            for tag in tags:
                writers = self._writers.get(tag, {})
                writers.pop(writer, None)
                if not writers:
                    self._writers.pop(tag, None)

    def statistics(self) -> dict[str, int]:
        with self._lock:
            return dict(self._looks)

    def _time(self) -> int:
        return round(self.clock() * _US)

    def _holds(self, kept: _Kept) -> bool:
        return all(self._changed.get(tag, 0) <= kept.stamp for tag in kept.tags)

    def _is_written(self, tag: str, now: int) -> bool:
        return any(ends > now for ends in self._writers.get(tag, {}).values())

    def _lead(self, key: str, leader: str, now: int) -> str:
        held, ends = self._leaders.get(key, ("", 0))
        if ends > now:
            return held
        if len(self._leaders) > 1_000:
            self._leaders = {k: one for k, one in self._leaders.items() if one[1] > now}
        self._leaders[key] = (leader, now + LEADER_SECONDS * _US)
        return leader

    def _end_lead(self, key: str, leader: str) -> None:
        if self._leaders.get(key, ("", 0))[0] == leader:
            self._leaders.pop(key, None)

    def _drop(self, key: str) -> None:
        kept = self._entries.pop(key, None)
        if kept is not None:
            self._bytes -= len(kept.data)

    def _change(self, tags: Collection[str]) -> None:
        self._now = max(self._now + 1, self._time())
        for tag in tags:
            self._changed[tag] = self._now
            self._changed.move_to_end(tag)
        # Two for each, so that no write pays for all.
        for _ in range(2 * len(tags)):
            tag, stamp = next(iter(self._changed.items()))
            if stamp > self._now - KEEP_SECONDS * _US:
                break
            del self._changed[tag]


local = LocalBackend()
