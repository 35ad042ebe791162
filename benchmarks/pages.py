"""
A page of orders at any depth: our cursor and page numbers beside DRF's, the same rows each.

Whole answers of a list view, by one serializer of DRF for all, without a server, middleware
or authentication. Page numbers of ours count no further than their cap, DRF's count all.
CPU is that of this process and, beside it, of PostgreSQL's; the time of its statements is how
long this process waits for them.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from django.core.management import call_command
from django.db import connection
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination as DrfCursor
from rest_framework.pagination import PageNumberPagination
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.serializers import ModelSerializer
from rest_framework.test import APIRequestFactory
from rich.console import Console
from rich.table import Table

from backstay.pagination import CursorPagination, PagePagination
from benchmarks.measure import costs, server_seconds
from benchmarks.plot import plot
from shop.orders.models import Order

SIZE = 20
DEPTHS = (1, 2, 10, 100, 1_000, 10_000)
CALLS = 100

OURS, OUR_NUMBERS = "backstay’s cursor", "backstay’s page numbers, capped count"
HEAD = ("", "page", "SQL ms", "CPU µs", "PostgreSQL’s CPU µs")
PICTURE = "pages.svg"


class OrderRow(ModelSerializer):
    class Meta:
        model = Order
        fields = ["id", "status", "total_amount", "currency", "created_at"]


class OrderRows(ListAPIView):
    queryset = Order.objects.order_by("-created_at", "-id")
    serializer_class = OrderRow
    authentication_classes = permission_classes = throttle_classes = filter_backends = ()
    renderer_classes = (JSONRenderer,)
    versioning_class = None


class Cursor(CursorPagination):
    page_size = SIZE
    ordering = ("-created_at", "-id")


class CursorOfDrf(DrfCursor):
    page_size = SIZE
    ordering = ("-created_at", "-id")


class Numbers(PagePagination):
    page_size = SIZE
    counting = "capped"


class NumbersOfDrf(PageNumberPagination):
    page_size = SIZE


def run(*, orders: int, seconds: float) -> dict[str, Any]:
    """What was measured: by depth and contender, as ``section`` takes it."""
    connection.settings_dict.update(CONN_MAX_AGE=None, CONN_HEALTH_CHECKS=False)
    call_command("demo_data", orders=orders)
    with connection.cursor() as cursor:
        # As autovacuum does by itself in time.
        cursor.execute("VACUUM ANALYZE" if connection.vendor == "postgresql" else "ANALYZE")
    calls: dict[str, Callable[[], Any]] = {}
    for depth in (depth for depth in DEPTHS if depth * SIZE < orders):
        found = contenders(depth)
        pages = {name: [row["id"] for row in call()["results"]] for name, call in found.items()}
        assert len({tuple(page) for page in pages.values()}) == 1, pages
        calls |= {f"{depth} {name}": call for name, call in found.items()}
    # All depths in one run, so that a busy moment falls on all of them.
    taken = costs("Pages", calls, seconds=seconds, other=server_seconds())
    waited = _sql_milliseconds(calls)
    measured: dict[str, Any] = {}
    for key, cost in taken.items():
        depth_text, _, name = key.partition(" ")
        one = {"own": cost.own, "server": cost.other, "sql": waited[key]}
        measured.setdefault(depth_text, {})[name] = one
    return {"orders": orders, "pages": measured}


def contenders(depth: int) -> dict[str, Callable[[], Any]]:
    """What reads the page at *depth*, from 1."""
    number = f"/?page={depth}"
    chosen: dict[str, tuple[Any, str]] = {
        OURS: (Cursor, cursor_at(Cursor, depth)),
        "DRF’s cursor": (CursorOfDrf, cursor_at(CursorOfDrf, depth)),
        OUR_NUMBERS: (Numbers, number),
        "DRF’s page numbers": (NumbersOfDrf, number),
    }
    return {name: reader(*one) for name, one in chosen.items()}


def reader(kind: type, url: str) -> Callable[[], Any]:
    view = OrderRows.as_view(pagination_class=kind)

    def read() -> Any:
        response = view(get(url))
        response.render()
        return response.data

    return read


def cursor_at(kind: Any, depth: int) -> str:
    """The address of the page at *depth*: that after one page as long as all before it."""
    if depth == 1:
        return "/"
    paginator = kind()
    paginator.page_size = paginator.max_page_size = (depth - 1) * SIZE
    paginator.paginate_queryset(OrderRows.queryset.only("created_at"), Request(get("/")))
    return str(paginator.get_next_link())


def get(url: str) -> Any:
    return APIRequestFactory().get(url, SERVER_NAME="localhost")


def _sql_milliseconds(calls: Mapping[str, Callable[[], object]]) -> dict[str, float]:
    """How long each waits for its statements where nobody is in its way: its best of some."""
    waited = 0.0

    def timed(execute: Any, *statement: Any) -> Any:
        nonlocal waited
        began = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            waited += time.perf_counter() - began

    best = dict.fromkeys(calls, float("inf"))
    with connection.execute_wrapper(timed):
        for _ in range(CALLS):
            for name, call in calls.items():
                call()  # Whoever comes after the slowest would find everything cold.
                waited = 0.0
                call()
                best[name] = min(best[name], waited * 1000)
    return best


def show(found: Mapping[str, Any]) -> None:
    table = Table(*HEAD, title=_title(found), title_justify="left")
    for row in _rows(found):
        table.add_row(*row)
    Console().print(table)
    Console().print(_flatness(found), highlight=False)


def section(found: Mapping[str, Any]) -> Iterator[str]:
    """The part of ``docs/benchmarks.md`` that is about pages."""
    yield f"\n## {_title(found)}\n"
    yield f"![Time of the statements of a page, by its number](benchmarks/{PICTURE})\n"
    yield "| " + " | ".join(HEAD) + " |"
    yield "|---|" + "--:|" * (len(HEAD) - 1)
    yield from ("| " + " | ".join(row) + " |" for row in _rows(found))
    yield f"\n{_flatness(found)}"


def draw(found: Mapping[str, Any], folder: Path) -> None:
    lines: dict[str, list[tuple[float, float]]] = {}
    for depth, contenders in found["pages"].items():
        for who, one in contenders.items():
            lines.setdefault(who, []).append((int(depth), one["sql"]))
    picture = plot(_title(found), lines, OURS, ("page", "ms"))
    Path(folder, PICTURE).write_text(picture)


def _title(found: Mapping[str, Any]) -> str:
    return f"Pages of {SIZE} of {found['orders']:,} orders"


def _rows(found: Mapping[str, Any]) -> Iterator[tuple[str, ...]]:
    for depth, contenders in found["pages"].items():
        for who, one in contenders.items():
            server = "–" if one["server"] is None else f"{one['server']:,.0f}"
            yield who, f"{int(depth):,}", f"{one['sql']:,.2f}", f"{one['own']:,.0f}", server


def _flatness(found: Mapping[str, Any]) -> str:
    """The deepest page beside the first, and beside the second, which is the first with a place."""
    pages = found["pages"]
    *_, last = pages
    told = [
        f"{pages[last][OURS]['sql'] / pages[one][OURS]['sql']:.2f} times the SQL time and "
        f"{pages[last][OURS]['own'] / pages[one][OURS]['own']:.2f} times the CPU of page {one}"
        for one in ("1", "2")
    ]
    return f"Page {int(last):,} of the cursor takes {told[0]}; {told[1]}."
