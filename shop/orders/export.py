"""
All orders of an organization as one stream, in constant memory.

NDJSON has one order of the list on each line, in the version asked for. CSV is for
spreadsheets: text that one would run as a formula is neutralised by an apostrophe
(OWASP, CSV Injection). PostgreSQL reads the rows by a server-side cursor inside one
transaction; outside of one it would first copy them all.
"""

import csv
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connection, transaction
from django.db.models import QuerySet
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request

from backstay.errors import QueryParameterError
from backstay.readplan import stream
from shop.orders.models import Order

CHUNK_ROWS = 1000
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


class NDJSON(BaseRenderer):
    """One JSON value a line."""

    media_type = "application/x-ndjson"
    format = "ndjson"


class CSV(BaseRenderer):
    """RFC 4180."""

    media_type = "text/csv"
    format = "csv"


class FormatNegotiation(DefaultContentNegotiation):
    """``?format=`` decides where it is given, whatever ``Accept`` says."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        offered = {renderer.format: renderer for renderer in renderers}
        wanted = request.query_params.get("format")
        if wanted is None:
            return super().select_renderer(request, offered.values(), format_suffix)
        if wanted not in offered:
            raise QueryParameterError("format", f"Choose one of {', '.join(offered)}.")
        return offered[wanted], offered[wanted].media_type


def ndjson_lines(orders: QuerySet[Order], serializer: Any) -> Iterator[bytes]:
    """Each order as *serializer*, a list's child, shows it."""
    renderer = JSONRenderer()
    with reading():
        for body in stream(orders, serializer, chunk_rows=CHUNK_ROWS):
            yield renderer.render(body) + b"\n"


def csv_lines(orders: QuerySet[Order], serializer: Any) -> Iterator[bytes]:
    """A header, then a line an order: the keys and the values of what *serializer* shows."""
    line = csv.writer(Echo())
    yield line.writerow(serializer.fields)
    with reading():
        for body in stream(orders, serializer, chunk_rows=CHUNK_ROWS):
            yield line.writerow(neutral(value) for value in body.values())


def reading() -> AbstractContextManager[Any]:
    """SQLite streams a statement by itself; a transaction there would stop every writer."""
    return transaction.atomic() if connection.vendor == "postgresql" else nullcontext()


def neutral(value: Any) -> Any:
    """
    Text that no spreadsheet runs.

    >>> neutral("=1+1"), neutral("plain"), neutral(-1)
    ("'=1+1", 'plain', -1)
    """
    if isinstance(value, str) and value.startswith(FORMULA_STARTS):
        return f"'{value}"
    return value


class Echo:
    """A file for ``csv.writer`` that gives each line back instead of keeping it."""

    def write(self, line: str) -> bytes:
        return line.encode()
