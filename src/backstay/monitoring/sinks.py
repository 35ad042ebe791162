"""
Who is told of finished requests.

A sink is called with each ``Record`` a moment after the answer, in the order of the answers
and in a thread of its own: no request waits for it, and records that are told one after the
other cost half of what each costs alone. Where more wait than ``MOST_WAITING``, the request that
finds it so tells them itself, so a slow sink cannot fill the memory. What is left when the process
ends is told then.

A sink that raises is counted (``monitoring_sink``), its first failure is logged, and the
other sinks know nothing of it.

Limit: of a process that is killed the records of its last ``SECONDS`` are lost.
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

#: So many are told before somebody else may go on telling: nobody waits long for a slow sink.
TOGETHER = 100

#: For so long a request waits for a sink that another is being told by, and a process's end.
OVERFLOW_SECONDS, END_SECONDS = 1.0, 5.0

logger = logging.getLogger("backstay.monitoring")

_sinks: list[Sink] = []
_waiting: deque[Callable[[], Record | None]] = deque()
# A sink may ask for what waits to be told, and is one of those that are telling it.
_one_at_a_time = RLock()


def add_sink(sink: Sink) -> None:
    """Hand *sink* every record from now on; one that is there already is not added again."""
    if sink not in _sinks:
        _sinks.append(sink)


def remove_sink(sink: Sink) -> None:
    if sink in _sinks:
        _sinks.remove(sink)


def hand_over(make: Callable[[], Record | None]) -> None:
    """Have all sinks told of the record that *make* makes then, if it can."""
    _waiting.append(make)
    if len(_waiting) < MOST_WAITING:
        _delivering.ensure()
    elif not _deliver_some(OVERFLOW_SECONDS):
        # A sink hangs: what is never told must not fill the memory.
        with suppress(IndexError):
            _waiting.popleft()
            count("monitoring_sink", outcome="dropped", sink="")


def deliver() -> None:
    """Tell what waits, now; for who is about to show what sinks have made of it."""
    while _waiting and _deliver_some(END_SECONDS):
        pass


def _deliver_some(seconds: float) -> bool:
    """Tell the first ``TOGETHER``; ``False`` where somebody else has been at it for *seconds*."""
    if not _one_at_a_time.acquire(timeout=seconds):
        return False
    try:
        made: list[Callable[[], Record | None]] = []
        with suppress(IndexError):
            while len(made) < TOGETHER:
                made.append(_waiting.popleft())
        # Whoever has them told is somebody else than who they are about.
        Context().run(_tell, made)
    finally:
        _one_at_a_time.release()
    return True


def _tell(made: list[Callable[[], Record | None]]) -> None:
    records = [record for make in made if (record := make()) is not None]
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
