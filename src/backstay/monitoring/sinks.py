"""
Who is told of finished requests.

A sink is called with each ``Record`` in the thread that answered, after the answer was
made: it has to be quick. One that raises is counted (``monitoring_sink``), its first
failure is logged, and the answer and the other sinks know nothing of it.
"""

import logging
from collections.abc import Callable

from backstay.counters import count, counted
from backstay.monitoring.record import Record

Sink = Callable[[Record], object]

logger = logging.getLogger("backstay.monitoring")

_sinks: list[Sink] = []


def add_sink(sink: Sink) -> None:
    """Hand *sink* every record from now on; one that is there already is not added again."""
    if sink not in _sinks:
        _sinks.append(sink)


def remove_sink(sink: Sink) -> None:
    if sink in _sinks:
        _sinks.remove(sink)


def hand_over(record: Record) -> None:
    for sink in tuple(_sinks):
        try:
            sink(record)
        except Exception:  # A project's sink may raise anything.
            name = getattr(sink, "__qualname__", type(sink).__qualname__)
            if not counted("monitoring_sink", outcome="failed", sink=name):
                logger.exception("A sink of records failed; it is counted from now on.")
            count("monitoring_sink", outcome="failed", sink=name)
