"""Cursor pages: signed places in a keyset, read in both directions."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode

from django.core import signing
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Model
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param

from backstay.errors import QueryParameterError
from backstay.pagination.keyset import beyond, in_order_of, keyset
from backstay.pagination.sizes import (
    LINK,
    PageSizeMixin,
    page_schema,
    page_size_parameter,
    parameter,
)

Direction = Literal["next", "previous"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows, and which way to read from it."""

    direction: Direction
    position: list[Any]


class CursorPagination(PageSizeMixin, BasePagination):
    """
    Keyset pages in the queryset's own ordering, else in ``ordering``.

    Put ``OrderingFilter`` on the view to let clients choose the ordering.
    """

    cursor_query_param = "cursor"
    ordering: str | Sequence[str] = "-created_at"

    page: Any
    request: Any

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.keys = keyset(queryset, self.ordering)
        size = self.get_page_size(request)
        self.signer = self._signer()
        cursor = self._read_cursor()
        backwards = cursor is not None and cursor.direction == "previous"

        keys = [key.reversed() for key in self.keys] if backwards else self.keys
        rows = in_order_of(keys, queryset)
        if cursor is not None:
            rows = rows.filter(beyond(keys, cursor.position))
        page = list(rows[: size + 1])
        more = len(page) > size
        page = page[:size]
        if backwards:
            page.reverse()

        # Where we came from there is a row, or was one a moment ago.
        self.has_next = backwards or more
        self.has_previous = more if backwards else cursor is not None
        self.page = page
        return page

    def get_paginated_response(self, data: Any) -> Response:
        body = {"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data}
        return Response(body)

    def get_next_link(self) -> str | None:
        return self._link("next", self.page[-1:]) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link("previous", self.page[:1]) if self.has_previous else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(next=LINK, previous=LINK, results=schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = parameter(
            self.cursor_query_param,
            "Where the page begins: from `next` or `previous` of another page.",
            {"type": "string"},
        )
        return [cursor, page_size_parameter(self)]

    def query_parameters(self) -> set[str | None]:
        return {self.cursor_query_param, self.page_size_query_param}

    @cached_property
    def start(self) -> str:
        """The address of the first page."""
        url = self.request.build_absolute_uri()
        return str(remove_query_param(url, self.cursor_query_param))

    def _link(self, direction: Direction, edge: Sequence[Model]) -> str | None:
        """To the rows beyond *edge*; an emptied page has none, so its link starts over."""
        if not edge:
            return self.start
        position = [key.write(edge[0]) for key in self.keys]
        text = self.signer.sign_object([direction[0], *position])
        joint = "&" if "?" in self.start else "?"
        return f"{self.start}{joint}{urlencode({self.cursor_query_param: text})}"

    def _read_cursor(self) -> Cursor | None:
        text = self.request.query_params.get(self.cursor_query_param)
        if text is None:
            return None
        try:
            direction, *position = self.signer.unsign_object(text)
            values = [key.read(value) for key, value in zip(self.keys, position, strict=True)]
        except (signing.BadSignature, ValueError, TypeError, DjangoValidationError):
            raise QueryParameterError(
                self.cursor_query_param,
                "This cursor was not made for this list, its filters and its order. "
                "Start again without it.",
            ) from None
        return Cursor("next" if direction == "n" else "previous", values)

    def _signer(self) -> signing.Signer:
        """Signs for one path, version, query and ordering: elsewhere the signature is wrong."""
        query = sorted(
            (name, value)
            for name, values in self.request.query_params.lists()
            for value in values
            if name not in self.query_parameters()
        )
        ordering = [f"{key.order_by}" for key in self.keys]
        place = [
            ("path", self.request.path),
            ("version", getattr(self.request, "version", None) or ""),
        ]
        bound_to = urlencode([*place, *query, *(("by", by) for by in ordering)])
        digest = sha256(bound_to.encode()).hexdigest()
        return signing.Signer(salt=f"backstay.pagination.cursor.1:{digest}")
