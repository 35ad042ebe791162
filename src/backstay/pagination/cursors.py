"""Cursor pages: signed places in a keyset, read in both directions."""

from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode

from django.core import signing
from django.core.exceptions import ImproperlyConfigured
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import QuerySet
from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param

from backstay.errors import QueryParameterError
from backstay.pagination.keys import Key
from backstay.pagination.keyset import (
    Position,
    beyond,
    ends,
    in_order_of,
    keyset,
    with_places,
    without_places,
)
from backstay.pagination.sizes import (
    LINK,
    PageSizeMixin,
    page_schema,
    page_size_parameters,
    parameter,
)

Direction = Literal["next", "previous"]


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows, and which way to read from it."""

    direction: Direction
    position: Position


class CursorPagination(PageSizeMixin, pagination.CursorPagination):
    """
    Keyset pages in the order that a filter of the view has chosen, else in ``ordering``.

    Put ``OrderingFilter`` on the view to let clients choose the ordering.
    """

    cursor_query_param = "cursor"
    cursor_query_description = "Where the page begins: from `next` or `previous` of another page."
    #: ``None``: the queryset's own, else ``-created_at``; ``()``: its own, else the model's.
    ordering: Any = None
    invalid_cursor_message = (
        "This cursor was not made for this list, its filters and its order. Start again without it."
    )

    page: Any
    request: Any
    base_url: str

    #: The places of the page's first and last row.
    ends: tuple[Position | None, Position | None]

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        self.request = request
        size = self.page_size = self.get_page_size(request)
        if not size:
            return None
        self.keys = self.keyset_of(queryset, request, view)
        self.signer = self._signer()
        self.base_url = request.build_absolute_uri()
        cursor = self.cursor = self.decode_cursor(request)
        backwards = cursor is not None and cursor.direction == "previous"

        keys = [key.reversed() for key in self.keys] if backwards else self.keys
        rows = with_places(keys, in_order_of(keys, queryset))
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
        several = self.has_next or self.has_previous
        if several:
            self.ends = ends(self.keys, page)
        self.page = without_places(self.keys, page)
        self.display_page_controls = several and self.template is not None
        return page

    def get_ordering(self, request: Request, queryset: Any, view: Any) -> tuple[Any, ...]:
        """As in DRF, what a filter has chosen goes before ``ordering``; ``()``: the queryset's."""
        if not self.ordering:
            return ()
        backends = getattr(view, "filter_backends", ())
        chooses = next((one for one in backends if hasattr(one, "get_ordering")), None)
        chosen = chooses and chooses().get_ordering(request, queryset, view)
        ordering = chosen or self.ordering
        return (ordering,) if isinstance(ordering, str) else tuple(ordering)

    def keyset_of(self, queryset: QuerySet[Any], request: Request, view: Any) -> list[Key]:
        """
        Raises:
            QueryParameterError: a client has chosen an order that no keyset has.
            ImproperlyConfigured: a project has.
        """
        ordering = self.get_ordering(request, queryset, view)
        try:
            default = "-created_at" if self.ordering is None else ()
            return keyset(queryset.order_by(*ordering) if ordering else queryset, default)
        except ImproperlyConfigured:
            for backend in getattr(view, "filter_backends", ()):
                name = getattr(backend, "ordering_param", None)
                if name is not None and name in request.query_params:
                    raise QueryParameterError(name, "No page has this order.") from None
            raise

    def get_paginated_response(self, data: Any) -> Response:
        body = {"next": self.get_next_link(), "previous": self.get_previous_link(), "results": data}
        return Response(body)

    def get_next_link(self) -> str | None:
        return self._link("next", self.ends[1]) if self.has_next else None

    def get_previous_link(self) -> str | None:
        return self._link("previous", self.ends[0]) if self.has_previous else None

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return page_schema(next=LINK, previous=LINK, results=schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        cursor = parameter(
            self.cursor_query_param, self.cursor_query_description, {"type": "string"}
        )
        return [cursor, *page_size_parameters(self)]

    def query_parameters(self) -> set[str | None]:
        return {self.cursor_query_param, self.page_size_query_param}

    @cached_property
    def start(self) -> str:
        """The address of the first page."""
        return str(remove_query_param(self.base_url, self.cursor_query_param))

    def _link(self, direction: Direction, end: Position | None) -> str:
        """To the rows beyond *end*; an emptied page has none, so its link starts over."""
        return self.start if end is None else self.encode_cursor(Cursor(direction, end))

    def encode_cursor(self, cursor: Any) -> str:
        """The address of the rows beyond *cursor*, whose values are as they were written."""
        text = self.signer.sign_object([cursor.direction[0], *cursor.position])
        joint = "&" if "?" in self.start else "?"
        return f"{self.start}{joint}{urlencode({self.cursor_query_param: text})}"

    def decode_cursor(self, request: Request) -> Any:
        """
        Raises:
            QueryParameterError: it was not made here, and for this.
        """
        text = request.query_params.get(self.cursor_query_param)
        if text is None:
            return None
        try:
            direction, *position = self.signer.unsign_object(text)
            values = [key.read(value) for key, value in zip(self.keys, position, strict=True)]
        except (signing.BadSignature, ValueError, TypeError, DjangoValidationError):
            raise QueryParameterError(
                self.cursor_query_param, str(self.invalid_cursor_message)
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
        ordering = [key.written_as for key in self.keys]
        place = [
            ("path", self.request.path),
            ("version", getattr(self.request, "version", None) or ""),
        ]
        bound_to = urlencode([*place, *query, *(("by", by) for by in ordering)])
        digest = sha256(bound_to.encode()).hexdigest()
        return signing.Signer(salt=f"backstay.pagination.cursor.1:{digest}")
