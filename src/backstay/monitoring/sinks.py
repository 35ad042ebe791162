"""
Who is told of finished requests.

A sink is called with each ``Record`` a moment after the answer, in the order of the answers
and in a thread of its own: no request waits for it, and records that are told one after the
other cost half of what each costs alone. It runs in a context of its own: whose request it
was stands in the record. What is left when the process ends is told then.

Where more wait than ``MOST_WAITING``, each request tells the first ``TOGETHER`` itself: a slow
sink slows the service down and fills no memory. One that hangs holds each such request up for
``OVERFLOW_SECONDS``, and the oldest record is dropped and counted (``monitoring_dropped``). One
that raises is counted (``monitoring_sink``), its first failure is logged, and the other sinks
know nothing of it.

Limits: of a process that is killed the records of its last ``SECONDS`` are lost. Where a server
has threads switched off, records are told when ``MOST_WAITING`` of them wait.
"""

import logging
import os
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from threading import RLock

from django.db import close_old_connections

from backstay.background import Repeated
from backstay.counters import count, counted
from backstay.monitoring.record import Record

Sink = Callable[[Record], object]

SECONDS = 0.2

#: 1: each record is told before its answer goes out, as tests like it.
MOST_WAITING = 1_000

#: So many are told before somebody else may go on telling.
TOGETHER = 100

#: For so long a request waits where too many do and another is telling them; and for so long
#: whoever wants all told: a scrape, the dashboard, a process that ends.
OVERFLOW_SECONDS, END_SECONDS = 1.0, 5.0

logger = logging.getLogger("backstay.monitoring")

_sinks: list[Sink] = []
_waiting: deque[Callable[[], Record]] = deque()
# A sink may ask for what waits to be told, and is one of those that are telling it.
_one_at_a_time = RLock()


def add_sink(sink: Sink) -> None:
    """Hand *sink* every record from now on; one that is there already is not added again."""
    if sink not in _sinks:
        _sinks.append(sink)


def remove_sink(sink: Sink) -> None:
    if sink in _sinks:
        _sinks.remove(sink)


def hand_over(make: Callable[[], Record]) -> None:
    """Have all sinks told of the record that *make* makes then."""
    _waiting.append(make)
    if len(_waiting) < MOST_WAITING:
        _delivering.ensure()
    elif not _deliver_some(OVERFLOW_SECONDS):
        with suppress(IndexError):  # Somebody was quicker.
            _waiting.popleft()
            count("monitoring_dropped")


def deliver() -> None:
    """Have all told by now; for who is about to show what sinks have made of it."""
    # Once where nothing waits: somebody may be telling the last ones.
    for _ in range(0, max(1, len(_waiting)), TOGETHER):
        if not _deliver_some(END_SECONDS):
            return


def not_recorded() -> None:
    """Whatever goes wrong in watching a request is counted, and none of the client's."""
    count("monitoring_failed")
    logger.exception("A request could not be recorded.")


def _deliver_some(seconds: float) -> bool:
    """Tell the first ``TOGETHER``; ``False`` where somebody else has been at it for *seconds*."""
    if not _one_at_a_time.acquire(timeout=seconds):
        return False
    try:
        first: list[Callable[[], Record]] = []
        with suppress(IndexError):
            while len(first) < TOGETHER:
                first.append(_waiting.popleft())
        Context().run(_tell, first)
    finally:
        _one_at_a_time.release()
    return True


def _tell(first: list[Callable[[], Record]]) -> None:
    records = []
    for make in first:
        try:
            records.append(make())
        except Exception:  # noqa: BLE001  # Whatever was watched may do anything.
            not_recorded()
    # One sink after the other: what each needs is at hand then.
    for sink in tuple(_sinks):
        for record in records:
            try:
                sink(record)
            except Exception:  # noqa: BLE001  # A project's sink may raise anything.
                _failed(sink)


def _deliver_by_thread() -> None:
    """As a request does: a connection that was lost is not asked again."""
    close_old_connections()
    deliver()
    close_old_connections()


def _failed(sink: Sink) -> None:
    name = getattr(sink, "__qualname__", type(sink).__qualname__)
    if not counted("monitoring_sink", outcome="failed", sink=name):
        logger.exception("A sink of records failed; it is counted from now on.")
    count("monitoring_sink", outcome="failed", sink=name)


def _forget() -> None:
    """In a process that was forked: what waits is told by the one it waits in."""
    global _one_at_a_time  # noqa: PLW0603  # It may be held by a thread that is no more.
    _one_at_a_time = RLock()
    _waiting.clear()


_delivering = Repeated(_deliver_by_thread, seconds=SECONDS, name="records")
os.register_at_fork(after_in_child=_forget)
