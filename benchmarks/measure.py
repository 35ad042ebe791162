"""
CPU time of this process per call, in microseconds.

Ratios within one run mean something, the numbers of one machine little. Rounds of the
contenders alternate, so that a busy moment falls on all of them. In a ``race`` the best
round of each counts; in ``costs`` the median does, and another process's time beside it.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import median
from typing import NamedTuple

from django.db import connection
from rich.console import Console
from rich.progress import track
from rich.table import Table

ROUNDS = 5

#: A median wants more of them than a best.
MEDIAN_ROUNDS = 9

RACE_HEAD = ("", "CPU µs", "beside ours")

#: The best of each contender by the title of its race, for a report at the end.
RACES: dict[str, dict[str, float]] = {}


def race(title: str, contenders: Mapping[str, Callable[[], object]], *, seconds: float) -> None:
    """Measure all for about *seconds* in all, and print them beside the first."""
    console = Console()
    share = seconds / ROUNDS / len(contenders)
    best = dict.fromkeys(contenders, float("inf"))
    for _ in track(range(ROUNDS), description=title, console=console, transient=True):
        for name, call in contenders.items():
            best[name] = min(best[name], cpu_microseconds(call, seconds=share))
    RACES[title] = best
    table = Table(*RACE_HEAD, title=title, title_justify="left")
    for row in beside_first(best):
        table.add_row(*row)
    console.print(table)


def beside_first(best: Mapping[str, float]) -> Iterator[tuple[str, str, str]]:
    base = next(iter(best.values()))
    for name, microseconds in best.items():
        yield name, f"{microseconds:,.1f}", f"{microseconds / base:.2f}×"


def cpu_microseconds(call: Callable[[], object], *, seconds: float) -> float:
    """Call for about *seconds*, twice at least; the mean."""
    call()
    calls, began = 0, time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not calls:
        call()
        calls += 1
    return (time.process_time() - began) / calls * 1e6


class Cost(NamedTuple):
    """CPU microseconds of a call: of this process, and of another that worked for it."""

    own: float
    other: float | None


def costs(
    title: str,
    contenders: Mapping[str, Callable[[], object]],
    *,
    seconds: float,
    other: Callable[[], float] | None = None,
) -> dict[str, Cost]:
    """
    The median of all rounds, for about *seconds* in all.

    *other* tells the CPU seconds that the other process has used so far. What was there
    before is hidden from the garbage collector: a contender that makes many objects would
    else pay for walking through the modules of all others.
    """
    share = seconds / MEDIAN_ROUNDS / len(contenders)
    rounds: dict[str, list[Cost]] = {name: [] for name in contenders}
    for call in contenders.values():
        call()
    gc.collect()
    gc.freeze()
    for _ in track(range(MEDIAN_ROUNDS), description=title, console=Console(), transient=True):
        for name, call in contenders.items():
            rounds[name].append(_cost(call, share, other))
    gc.unfreeze()
    return {name: _medians(found) for name, found in rounds.items()}


def _cost(call: Callable[[], object], seconds: float, other: Callable[[], float] | None) -> Cost:
    """Call for about *seconds*, once at least; the mean."""
    calls, elsewhere, began = 0, other() if other else 0, time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not calls:
        call()
        calls += 1
    own = time.process_time() - began
    return Cost(own / calls * 1e6, (other() - elsewhere) / calls * 1e6 if other else None)


def _medians(found: list[Cost]) -> Cost:
    others = [cost.other for cost in found if cost.other is not None]
    return Cost(median(cost.own for cost in found), median(others) if others else None)


def server_seconds() -> Callable[[], float] | None:
    """The CPU seconds of PostgreSQL's processes so far; ``None`` where they are out of sight."""
    if connection.vendor != "postgresql":
        return None
    with connection.cursor() as cursor:
        cursor.execute("SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend'")
        processes = [Path("/proc", str(pid)) for (pid,) in cursor.fetchall()]
    try:
        if any(Path(one, "comm").read_text()[:8] != "postgres" for one in processes):
            return None
    except OSError:
        return None

    def seconds() -> float:
        """The kernel's first figure is the nanoseconds that a process has run."""
        return sum(int(Path(one, "schedstat").read_text().split()[0]) for one in processes) / 1e9

    return seconds
