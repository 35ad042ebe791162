"""
What happened how often in this process: every degraded answer is counted here.

A name and its labels are one counter. Labels come from the code, never from a
request, so their number is bounded. Counters of several processes are added up by
whoever collects them.
"""

from collections import Counter
from collections.abc import Callable
from threading import Lock

Name = tuple[str, tuple[tuple[str, str], ...]]

_counts: Counter[Name] = Counter()
_lock = Lock()
_observers: list[Callable[[Name, int], object]] = []


def count(event: str, by: int = 1, **labels: str) -> None:
    """Add *by* to the counter of *event* with these labels."""
    add(named(event, **labels), by)


def named(event: str, **labels: str) -> Name:
    """The counter of *event* with these labels; for what is counted with every request."""
    return event, tuple(sorted(labels.items()))


def add(name: Name, by: int = 1) -> None:
    """``count``, of a counter that was ``named`` before."""
    with _lock:
        _counts[name] += by
    for observer in _observers:
        observer(name, by)


def observe(observer: Callable[[Name, int], object]) -> None:
    """
    Tell *observer*, an exporter, of every count: of those so far now, then as they come.

    One that is told already is not told twice.
    """
    with _lock:
        if observer in _observers:
            return
        so_far = dict(_counts)
        _observers.append(observer)
    for name, number in so_far.items():
        observer(name, number)


def counted(event: str, **labels: str) -> int:
    """How often so far, over all labels that are not given."""
    wanted = labels.items()
    with _lock:
        return sum(n for (name, own), n in _counts.items() if name == event and wanted <= {*own})


def every_count() -> dict[Name, int]:
    """A copy, for an exporter."""
    with _lock:
        return dict(_counts)
