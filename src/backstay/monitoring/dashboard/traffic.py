"""
What the history tells, in the units of the page: rates per second, milliseconds, shares.

A 429 is ``refused`` and no client error. A rate of what is not over yet is taken over the
seconds that have passed.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from backstay.monitoring.history import summed
from backstay.monitoring.history.latency import quantiles
from backstay.monitoring.history.sheets import ENDPOINTS, OTHER, PULSE, Kind, Row, Sheet

#: A rate is taken over these at least: a request in the first instant is no flood.
SHORTEST_SECONDS = 2

Sums = Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Window:
    """A span that the page can show: of which sheets its points are, how many make one."""

    name: str
    seconds: int
    kind: Kind
    sheets_a_point: int = 1

    @property
    def step(self) -> int:
        return self.kind.seconds * self.sheets_a_point

    def begins(self, now: float) -> list[int]:
        """When each point begins; the last is the present one."""
        last = int(now // self.step) * self.step
        return list(range(last - self.seconds + self.step, last + 1, self.step))

    def names(self, begin: int) -> list[str]:
        """The sheets of the point that begins then."""
        return self.kind.since(begin, begin + self.step - 1)


WINDOWS = {
    window.name: window
    for window in (
        Window("15m", 900, PULSE),
        Window("1h", 3_600, PULSE, 3),
        Window("24h", 86_400, ENDPOINTS, 1),
    )
}


def plotted(window: Window, sheets: Mapping[str, Sheet], now: float) -> dict[int, Row]:
    """For each point when it begins, and everything that was asked until the next."""
    return {at: Row(summed(_rows(window.names(at), sheets))) for at in window.begins(now)}


def points(window: Window, rows: Mapping[int, Row], now: float) -> dict[str, Any]:
    """What the plots show: a list for each line, with a value for each step from ``at`` on."""
    each = [_point(row.sums, now - at, window) for at, row in rows.items()]
    lines = {name: [point[name] for point in each] for name in each[0]}
    return {"at": min(rows), "step": window.step, **lines}


def totals(rows: Mapping[int, Row], sheets: Mapping[str, Sheet], now: float) -> dict[str, Any]:
    """The whole window as one, and what is done each second now: over the last minute."""
    minute = summed(_rows(PULSE.since(now - 60, now), sheets))
    passed = 60 + now % PULSE.seconds
    per_second = round(minute.get("n", 0) / passed, 2)
    return {**_figures(summed(rows.values())), "per_second": per_second}


def endpoints(sheets: Iterable[Sheet]) -> list[dict[str, Any]]:
    """A row for each method, version and route, the one that took the most time first."""
    rows: dict[str, list[Any]] = {}
    for sheet in sheets:
        for key, row in sheet.items():
            rows.setdefault(key, []).append(row)
    sums = {key: summed(each) for key, each in rows.items()}
    whole = sum(one.get("us", 0) for one in sums.values())
    told = [_endpoint(key, one, whole) for key, one in sums.items()]
    return sorted(told, key=lambda row: row["total_ms"], reverse=True)


def findings(sheet: Sheet) -> list[dict[str, Any]]:
    """What takes too many queries or too long, the most expensive first."""
    rows = sorted(sheet.values(), key=lambda row: row.sums["us"], reverse=True)
    return [
        {
            **row.said,
            "requests": row.sums["n"],
            "queries": row.sums["queries"],
            "total_ms": round(row.sums["us"] / 1_000, 1),
        }
        for row in rows
    ]


def _rows(names: Sequence[str], sheets: Mapping[str, Sheet]) -> Iterable[Any]:
    return (row for name in names for row in sheets.get(name, {}).values())


def _point(sums: Sums, passed: float, window: Window) -> dict[str, Any]:
    seconds = min(window.step, max(passed, SHORTEST_SECONDS))
    figures = _figures(sums)
    rates = ("requests", "client_errors", "server_errors", "refused")
    kept = ("p50", "p95", "p99", "hit_share")
    return {name: round(figures[name] / seconds, 3) for name in rates} | {
        name: figures[name] for name in kept
    }


def _figures(sums: Sums) -> dict[str, Any]:
    p50, p95, p99 = quantiles(sums, 0.5, 0.95, 0.99)
    refused = sums.get("refused", 0)
    hits = sums.get("hit", 0) + sums.get("stale", 0)
    asked = hits + sums.get("miss", 0)
    return {
        "requests": sums.get("n", 0),
        "p50": p50,
        "p95": p95,
        "p99": p99,
        "client_errors": max(0, sums.get("4xx", 0) - refused),
        "server_errors": sums.get("5xx", 0),
        "refused": refused,
        "hit_share": round(hits / asked, 4) if asked else None,
    }


#: What a request of an endpoint took on average: the member, the sum, and its divisor.
_MEANS = (
    ("sql", "sql", 1),
    ("sql_ms", "sql_us", 1_000),
    ("rows", "rows", 1),
    ("redis", "redis", 1),
    ("redis_ms", "redis_us", 1_000),
    ("serialization_ms", "serialization_us", 1_000),
    ("bytes", "bytes", 1),
)


def _endpoint(key: str, sums: Sums, whole: int) -> dict[str, Any]:
    method, version, route = key.split(" ", 2) if key != OTHER else ("", "", "other")
    us, count = sums.get("us", 0), sums["n"]
    means = {name: round(sums.get(sum_, 0) / by / count, 2) for name, sum_, by in _MEANS}
    return {
        "method": method,
        "version": version,
        "route": route,
        "share": round(us / whole, 4) if whole else 0,
        "total_ms": round(us / 1_000, 1),
        "mean_ms": round(us / 1_000 / count, 2),
        **_figures(sums),
        **means,
    }
