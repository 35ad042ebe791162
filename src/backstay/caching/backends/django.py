"""
Entries in one of Django's caches: Memcached, a database table, ``RedisCache``, django-redis.

Such a cache has no scripts: of what it does only ``add`` and ``incr`` are one step. So a
tag's stamp is a counter, and an entry holds while the counters of its tags are those of
before its making began. Which those are is known from the making before: the first of a
key tells only what it depends on, the second is kept. A write forbids to keep what
depends on it for a fixed time instead of until it is settled.
"""

import time
from collections.abc import Collection
from pickle import UnpicklingError
from typing import Any

from django.core.cache import caches

from backstay.caching.backends import (
    EVERYTHING,
    KEEP_SECONDS,
    LEADER_SECONDS,
    PASS,
    PASS_SECONDS,
    Backend,
    Fill,
    Found,
)
from backstay.counters import count
from backstay.store import key as named

_US = 1_000_000

#: For so long after a write was announced nothing is kept that depends on it, and an answer
#: that took longer is not kept.
WRITE_SECONDS = 2

#: What comes of a value that is cut, or of code that is no longer there ("pickle", in
#: Python's manual).
_UNREADABLE = (UnpicklingError, AttributeError, EOFError, ImportError, LookupError, ValueError)


class DjangoCache(Backend):
    """Entries are tuples of numbers, text and bytes; whatever else is found is a miss."""

    def __init__(self, alias: str) -> None:
        self.cache = caches[alias]

    def look(self, key: str, *, leader: str = "", route: str = "") -> Found:
        entry, hint, leading = _names(key)
        found = self._readable([entry, hint])
        kept, now = _checked(found.get(entry)), round(time.time() * _US)
        if kept is None and found.get(entry) is not None:
            count("cache_not_kept", reason="corrupt")
        told = found.get(hint)
        tags = [tag for tag in told if isinstance(tag, str)] if isinstance(told, list) else []
        counters = self._counters(tags) if tags else {}
        holds = kept is not None and all(counters.get(tag) == n for tag, n in kept[0].items())
        fresh = holds and kept is not None and kept[2] > now
        leads = ""
        if leader and not fresh:
            free = self.cache.add(leading, leader, LEADER_SECONDS)
            leads = leader if free else str(self._readable([leading]).get(leading, ""))
        if kept is None or not holds:
            return Found(None, 0, False, counters, now, leads)
        return Found(kept[3], (now - kept[1]) / _US, fresh, counters, now, leads)

    def fill(self, fill: Fill) -> bool:
        entry, hint, leading = _names(fill.key)
        now, counters = round(time.time() * _US), fill.found.stamp
        written = self.cache.get_many([f"{_tag(tag)}>" for tag in fill.tags])
        late = now - fill.found.looked_at_us > WRITE_SECONDS * _US
        if not (late or written or set(fill.tags) - counters.keys()):
            counted = {tag: counters[tag] for tag in fill.tags}
            kept = (counted, now, now + round(fill.seconds * _US), fill.data)
            self.cache.set(entry, kept, fill.lifetime)
        else:
            self.cache.delete(entry)
        self.cache.set(hint, list(fill.tags), KEEP_SECONDS)
        self.cache.delete(leading)
        return not (late or written)

    def began(self, found: Found, seconds: float) -> Found | None:
        """Counters do not tell when."""
        return None

    def leave(self, key: str, leader: str, *, others_pass: bool) -> None:
        if others_pass:
            self.cache.set(_names(key)[2], PASS, PASS_SECONDS)
        else:
            self.cache.delete(_names(key)[2])

    def announce(self, tags: Collection[str], writer: str) -> None:
        self.cache.set_many({f"{_tag(tag)}>": 1 for tag in tags}, WRITE_SECONDS)
        self.settle(tags, writer)

    def settle(self, tags: Collection[str], writer: str) -> None:
        for tag in tags:
            # One that was lost begins where none has been.
            if not self.cache.add(_tag(tag), round(time.time() * _US), KEEP_SECONDS):
                try:
                    self.cache.incr(_tag(tag))
                except (TypeError, *_UNREADABLE):  # It has just gone, or is no number.
                    self.cache.set(_tag(tag), round(time.time() * _US), KEEP_SECONDS)

    def _readable(self, names: list[str]) -> dict[str, Any]:
        """What there is; what cannot be unpickled is dropped, as if it had never been there."""
        try:
            found: dict[str, Any] = self.cache.get_many(names)
        except _UNREADABLE:
            found = {}
            for name in names:
                try:
                    found |= self.cache.get_many([name])
                except _UNREADABLE:
                    self.cache.delete(name)
                    count("cache_not_kept", reason="corrupt")
        return found

    def _counters(self, tags: list[str]) -> dict[str, int]:
        """As they are; those that are missing begin."""
        names = {_tag(tag): tag for tag in tags}
        counters = self._readable(list(names))
        for name in [name for name, counter in counters.items() if not isinstance(counter, int)]:
            self.cache.delete(name)
            del counters[name]
        for name in names.keys() - counters.keys():
            began = round(time.time() * _US)
            counters[name] = self.cache.get_or_set(name, began, KEEP_SECONDS)
        return {names[name]: counter for name, counter in counters.items()}


def _names(key: str) -> tuple[str, str, str]:
    """An entry, what it depends on, and who makes it."""
    return named("cache", key), named("cache", key, "tags"), named("cache", key, "leader")


def _tag(tag: str) -> str:
    return named("changed", tag)


def _checked(value: Any) -> tuple[dict[str, int], int, int, bytes] | None:
    """What ``fill`` has written, and nothing else."""
    form = (dict, int, int, bytes)
    if not isinstance(value, tuple) or len(value) != len(form):
        return None
    if not all(map(isinstance, value, form)) or EVERYTHING not in value[0]:
        return None
    return value if all(isinstance(counter, int) for counter in value[0].values()) else None
