"""What was measured: reads as tables in the terminal, all as ``docs/benchmarks.md`` with charts."""

import os
import platform
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from benchmarks import monitoring, orders, pages
from benchmarks.chart import chart
from benchmarks.contenders import PLAN, READ, ROWS, TUNED
from benchmarks.measure import RACE_HEAD, RACES, beside_first
from benchmarks.reads import WORKLOADS

PAGE = Path(__file__).resolve().parent.parent / "docs" / "benchmarks.md"
MARK = "<!-- Below this line the page is written by `WRITE=1 make bench`. -->\n"
HEAD = ("", "CPU µs", "beside DRF tuned", "PostgreSQL’s CPU µs", "SQL")


def show(results: Mapping[str, Any]) -> None:
    for name, found in results["workloads"].items():
        table = Table(
            *HEAD, title=f"{results['database']}: {WORKLOADS[name]}", title_justify="left"
        )
        for row in _rows(found):
            table.add_row(*row)
        Console().print(table)
    Console().print(_compiled(results), highlight=False)
    if ROWS in results["workloads"]["full"]:
        Console().print(_beside_rows(results), highlight=False)


def write(every: list[Mapping[str, Any]], apart: Mapping[str, Any]) -> None:
    """Write the page's tables and charts anew; its text above the mark stays."""
    text, _, _ = PAGE.read_text().partition(MARK)
    told = [*_sections(every, apart.get("pages"))]
    told += ["", orders.section(apart["orders"])] if "orders" in apart else []
    told += [*monitoring.section(apart["monitoring"])] if "monitoring" in apart else []
    PAGE.write_text(text + MARK + "\n".join(told))
    if "pages" in apart:
        pages.draw(apart["pages"], PAGE.parent / "benchmarks")
    for results in every:
        bars = {
            WORKLOADS[name]: {who: one["own"] for who, one in found.items()}
            for name, found in results["workloads"].items()
        }
        picture = _picture(results)
        picture.parent.mkdir(exist_ok=True)
        picture.write_text(chart(f"CPU of the application on {results['database']}", bars, PLAN))


def _sections(every: list[Mapping[str, Any]], deep: Mapping[str, Any] | None) -> Iterator[str]:
    first = every[0]
    yield (
        f"\nPython {first['python']}, Django {first['django']}, {os.cpu_count()} cores "
        f"({platform.machine()}), {first['orders']:,} orders."
    )
    for results in every:
        yield f"\n## {results['database']}\n"
        yield f"![CPU of the application, by workload](benchmarks/{_picture(results).name})\n"
        for name, found in results["workloads"].items():
            yield f"### `{name}`: {WORKLOADS[name]}\n"
            yield from _table(HEAD, _rows(found))
        yield _compiled(results)
        if ROWS in results["workloads"]["full"]:
            yield _beside_rows(results)
    if deep:
        yield from pages.section(deep)
    if RACES:
        yield "\n## Other paths\n"
    for title, best in RACES.items():
        yield f"### {title}\n"
        yield from _table(RACE_HEAD, beside_first(best))


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield "| " + " | ".join(head) + " |"
    yield "|---|" + "--:|" * (len(head) - 1)
    for row in rows:
        yield "| " + " | ".join(row) + " |"
    yield ""


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    base = found[TUNED]["own"]
    for who, one in found.items():
        server = "–" if one["server"] is None else f"{one['server']:,.0f}"
        beside = f"{base / one['own']:.2f}× faster"
        if one["own"] > base:
            beside = f"{one['own'] / base:.2f}× slower"
        if who == TUNED:
            beside = "1"
        yield who, f"{one['own']:,.0f}", beside, server, str(one["statements"])


def _compiled(results: Mapping[str, Any]) -> str:
    told = [f"{name} {one / 1000:.2f} ms" for name, one in results["compile"].items()]
    return f"From a serializer class to its plan, once: {', '.join(told)}."


def _beside_rows(results: Mapping[str, Any]) -> str:
    full = results["workloads"]["full"]
    plan, read = (full[who]["own"] / full[ROWS]["own"] for who in (PLAN, READ))
    return (
        f"On `full`, a plan takes {read:.2f} times the CPU of rows that are read by hand, "
        f"and with DRF's view around it {plan:.2f} times."
    )


def _picture(results: Mapping[str, Any]) -> Path:
    return PAGE.parent / "benchmarks" / f"{results['database'].split()[0].lower()}.svg"
