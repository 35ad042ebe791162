"""
What the request at hand has cost so far: whoever spends writes it down here.

Nobody measures unless somebody asks: without a current ``Measure`` each of these is one
look at a context variable. Nanoseconds of a monotonic clock.
"""

from contextvars import ContextVar
from time import perf_counter_ns
from typing import Protocol

#: The later one of a request's throttle outcomes is told.
_OUTCOMES = ("", "admitted", "shadow", "degraded", "refused")


class Watch(Protocol):
    """Somebody who looks at each statement where it is run."""

    def saw(self, sql: str, elapsed_ns: int) -> None: ...


class Measure:
    """What was spent on one request."""

    __slots__ = (
        *("sql_count", "sql_ns", "rows", "redis_count", "redis_ns", "serialization_ns"),
        *("cache", "throttle", "watch", "serializing"),
    )

    def __init__(self, watch: Watch | None = None) -> None:
        self.sql_count = self.sql_ns = self.rows = 0
        self.redis_count = self.redis_ns = self.serialization_ns = 0
        self.cache = self.throttle = ""
        self.watch = watch
        #: How many are at it, one inside the other.
        self.serializing = 0

    def throttled(self, outcome: str) -> None:
        """``admitted``, ``shadow``, ``degraded``, ``refused``: the gravest one stays."""
        if _OUTCOMES.index(outcome) > _OUTCOMES.index(self.throttle):
            self.throttle = outcome


current: ContextVar[Measure | None] = ContextVar("backstay_measure", default=None)


class Serializing:
    """``with Serializing():`` the time is one of making a body; the outermost counts."""

    __slots__ = ("_began", "_measure")

    def __enter__(self) -> None:
        self._measure = measure = current.get()
        if measure is not None:
            measure.serializing += 1
            self._began = perf_counter_ns()

    def __exit__(self, *_: object) -> None:
        measure = self._measure
        if measure is not None:
            measure.serializing -= 1
            if not measure.serializing:
                measure.serialization_ns += perf_counter_ns() - self._began


def cached(outcome: str) -> None:
    """What came of looking for a kept answer."""
    measure = current.get()
    if measure is not None:
        measure.cache = outcome


def throttled(outcome: str) -> None:
    """What a limit said."""
    measure = current.get()
    if measure is not None:
        measure.throttled(outcome)
