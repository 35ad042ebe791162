"""
CPU time of this process per call, in microseconds.

Ratios within one run mean something, the numbers of one machine little. Rounds of the
contenders alternate, so that a busy moment falls on all of them, and the best round of each
counts.
"""

import time
from collections.abc import Callable, Mapping

from rich.console import Console
from rich.progress import track
from rich.table import Table

ROUNDS = 5


def race(title: str, contenders: Mapping[str, Callable[[], object]], *, seconds: float) -> None:
    """Measure all for about *seconds* in all, and print them beside the first."""
    console = Console()
    share = seconds / ROUNDS / len(contenders)
    best = dict.fromkeys(contenders, float("inf"))
    for _ in track(range(ROUNDS), description=title, console=console, transient=True):
        for name, call in contenders.items():
            best[name] = min(best[name], cpu_microseconds(call, seconds=share))
    base = next(iter(best.values()))
    table = Table("", "CPU µs", "beside ours", title=title, title_justify="left")
    for name, microseconds in best.items():
        table.add_row(name, f"{microseconds:,.1f}", f"{microseconds / base:.2f}x")
    console.print(table)


def cpu_microseconds(call: Callable[[], object], *, seconds: float) -> float:
    """Call for about *seconds*, twice at least; the mean."""
    call()
    calls, began = 0, time.process_time()
    end = time.perf_counter() + seconds
    while time.perf_counter() < end or not calls:
        call()
        calls += 1
    return (time.process_time() - began) / calls * 1e6
