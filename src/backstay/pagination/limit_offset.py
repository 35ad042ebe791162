"""Any number of rows from any row on, for clients that need it: DRF's, bounded and strict."""

from typing import Any

from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response

from backstay.pagination.offsets import OffsetMixin
from backstay.pagination.sizes import (
    DEFAULT_PAGE_SIZE,
    MAX_PAGE_SIZE,
    parameter,
    read_positive,
    read_whole,
)


class LimitOffsetPagination(OffsetMixin, pagination.LimitOffsetPagination):
    """``?limit=`` from 1 to ``max_limit``, more is capped; ``?offset=`` from 0."""

    # ``None`` is what DRF's stubs allow for; here it means the default.
    default_limit: int | None = DEFAULT_PAGE_SIZE
    max_limit: int | None = MAX_PAGE_SIZE

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.limit, self.offset = self.get_limit(request), self.get_offset(request)
        rows = self.read(self.in_order(queryset), self.offset, self.limit)
        self.count = self.known.rows
        self.display_page_controls = self.count > self.limit and self.template is not None
        return rows

    def get_limit(self, request: Request) -> int:
        text = request.query_params.get(self.limit_query_param)
        if text is None:
            return self.default_limit or DEFAULT_PAGE_SIZE
        return min(read_positive(text, self.limit_query_param), self.max_limit or MAX_PAGE_SIZE)

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
        limit = {"type": "integer", "minimum": 1, "default": self.default_limit}
        return [
            parameter(
                self.limit_query_param, f"Rows; more than {self.max_limit} is capped.", limit
            ),
            parameter(self.offset_query_param, "Rows to skip.", {"type": "integer", "minimum": 0}),
        ]

    def query_parameters(self) -> set[str | None]:
        return {self.limit_query_param, self.offset_query_param}
