"""
A deep page of orders: our cursor beside DRF's cursor and page numbers, at the same row.

The whole of ``paginate_queryset``, its queries included. On SQLite the database works in this
process; on PostgreSQL (``DATABASE_URL``) only the application's share is counted, and the
OFFSET that page numbers make the database read is not.
"""

from typing import Any

from django.core.management import call_command
from rest_framework.pagination import CursorPagination as DrfCursor
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from backstay.pagination import CursorPagination
from benchmarks.measure import race
from shop.orders.models import Order

SIZE = 20


class Ours(CursorPagination):
    page_size = SIZE
    ordering = ("-created_at", "-id")


class Theirs(DrfCursor):
    page_size = SIZE
    ordering = ("-created_at", "-id")


class Numbers(PageNumberPagination):
    page_size = SIZE


def run(*, orders: int, seconds: float) -> None:
    call_command("demo_data", orders=orders)
    depth = orders // SIZE // 2
    queryset = Order.objects.order_by("-created_at", "-id")
    contenders = {
        "backstay's cursor": (Ours, cursor_at(Ours, depth, queryset)),
        "DRF's cursor": (Theirs, cursor_at(Theirs, depth, queryset)),
        "page numbers": (Numbers, f"/?page={depth + 1}"),
    }
    calls = {name: reader(*contender, queryset) for name, contender in contenders.items()}
    pages = {name: [order.pk for order in call()] for name, call in calls.items()}
    assert len({tuple(page) for page in pages.values()}) == 1, pages
    race(f"Page {depth:,} of {orders:,} orders", calls, seconds=seconds)


def reader(kind: type, url: str, queryset: Any) -> Any:
    def read() -> Any:
        return kind().paginate_queryset(queryset.all(), request_of(url))

    return read


def cursor_at(kind: Any, depth: int, queryset: Any) -> str:
    """The address of the page after *depth* pages: that after one page as long as all of them."""
    paginator = kind()
    paginator.page_size = paginator.max_page_size = depth * SIZE
    paginator.paginate_queryset(queryset.only("created_at"), request_of("/"))
    return str(paginator.get_next_link())


def request_of(url: str) -> Request:
    return Request(APIRequestFactory().get(url, SERVER_NAME="localhost"))
