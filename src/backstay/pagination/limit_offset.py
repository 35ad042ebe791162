"""Any number of rows from any row on, for clients that need it: DRF's, bounded and strict."""

from typing import Any

from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response

from backstay.pagination.counts import Size
from backstay.pagination.offsets import OffsetMixin
from backstay.pagination.sizes import (
    default_size,
    most,
    parameter,
    read_positive,
    read_whole,
    size_parameters,
)


class LimitOffsetPagination(OffsetMixin, pagination.LimitOffsetPagination):
    """``?limit=`` from 1 to ``max_limit``, more is capped; ``?offset=`` from 0."""

    #: ``None``: that of ``REST_FRAMEWORK["PAGE_SIZE"]``, else 20.
    default_limit: int | None = None
    #: ``None``: 100, or ``default_limit`` where that is more.
    max_limit: int | None = None
    limit_query_description = ""
    offset_query_description = "Rows to skip."

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        self.request = request
        self.limit = self.get_limit(request)
        if not self.limit:
            return None
        self.offset = self.get_offset(request)
        rows = self.read(self.in_order(queryset), self.offset, self.limit)
        self.count = self.known.rows
        self.display_page_controls = self.count > self.limit and self.template is not None
        return rows

    def measure(self, queryset: Any) -> Size:
        """An exact count is what ``get_count`` says, which a project may know better."""
        exact = self.counting == "exact"
        return Size(self.get_count(queryset)) if exact else super().measure(queryset)

    def get_limit(self, request: Request) -> int | None:
        """``None``, which only a subclass says, is no pages at all, as in DRF."""
        name, size = self.limit_query_param, default_size(self.default_limit)
        if name is None or name not in request.query_params:
            return size
        return min(read_positive(request.query_params[name], name), most(self.max_limit, size))

    def get_offset(self, request: Request) -> int:
        return read_whole(
            request.query_params.get(self.offset_query_param, "0"), self.offset_query_param
        )

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response(self.body(data, **links))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self.body_schema(schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        size = default_size(self.default_limit)
        return [
            *size_parameters(
                self.limit_query_param, self.limit_query_description, size, self.max_limit
            ),
            parameter(
                self.offset_query_param,
                self.offset_query_description,
                {"type": "integer", "minimum": 0},
            ),
        ]

    def query_parameters(self) -> set[str | None]:
        return {self.limit_query_param, self.offset_query_param}
