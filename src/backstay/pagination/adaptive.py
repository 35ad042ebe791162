"""
Page numbers while a list is small, a cursor once it is large.

The first page is the same either way; its links decide. A ``?page=`` goes on by number
and a ``?cursor=`` by cursor, also when the list has grown or shrunk over the threshold
meanwhile: a walk that began stays of one kind, and the next one is of the other.

Nothing is counted where the rows fit on the page. Else the size is PostgreSQL's guess, or
counted up to the threshold, once in ten seconds for each process and filter; so ``count``
may be a moment old, which ``count_is`` says.
"""

from typing import Any

from django.db.models import QuerySet
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from backstay.errors import QueryParameterError
from backstay.pagination.counts import Size, recent
from backstay.pagination.cursors import CursorPagination
from backstay.pagination.keyset import ends, in_order_of, with_places, without_places
from backstay.pagination.pages import PagePagination


class AdaptivePagination(CursorPagination, PagePagination):
    """``PagePagination`` up to ``threshold`` rows, ``CursorPagination`` beyond."""

    threshold = 10_000
    counting = "estimated"

    #: Which of the two this page is.
    kind: Any = PagePagination

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        by_cursor, by_number = (
            name in request.query_params
            for name in (self.cursor_query_param, self.page_query_param)
        )
        if by_cursor and by_number:
            raise QueryParameterError(
                self.page_query_param, "A walk goes by cursor or by page number, not by both."
            )
        self.kind = CursorPagination if by_cursor else PagePagination
        self.keys = self.keyset_of(queryset, request, view)
        rows: list[Any] | None = self.kind.paginate_queryset(self, queryset, request, view)
        if rows is None or by_cursor:
            return rows
        if by_number or self.known.rows <= self.threshold:
            return without_places(self.keys, rows)
        self.kind = CursorPagination
        self.ends = ends(self.keys, rows)
        self.signer, self.base_url = self._signer(), request.build_absolute_uri()
        self.has_next, self.has_previous = True, False
        self.page = without_places(self.keys, rows)
        return rows

    def in_order(self, queryset: Any) -> Any:
        """Both kinds have one order, which is also a keyset's."""
        return with_places(self.keys, in_order_of(self.keys, queryset))

    def measure(self, queryset: QuerySet[Any]) -> Size:
        return recent.of(queryset, self.threshold + 1)

    @property
    def template(self) -> str:  # type: ignore[override]  # Of an instance; DRF's is the class's.
        return str(self.kind.template)

    def get_html_context(self) -> Any:
        return self.kind.get_html_context(self)

    def get_paginated_response(self, data: Any) -> Response:
        response: Response = self.kind.get_paginated_response(self, data)
        return response

    def get_next_link(self) -> str | None:
        link: str | None = self.kind.get_next_link(self)
        return link

    def get_previous_link(self) -> str | None:
        link: str | None = self.kind.get_previous_link(self)
        if link and self.kind is PagePagination:
            # The first page is named too, else the way back could change to a cursor.
            number = self.page.number - 1
            link = str(replace_query_param(link, self.page_query_param, number))
        return link

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        """Of both kinds: a page by cursor has no ``count``."""
        both = self.body_schema(schema)
        return {**both, "required": ["next", "previous", "results"]}

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        by_number = PagePagination.get_schema_operation_parameters(self, view)
        return [*super().get_schema_operation_parameters(view), by_number[0]]

    def query_parameters(self) -> set[str | None]:
        return super().query_parameters() | {self.page_query_param}
