"""Numbered pages."""

from typing import Any

from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

from backstay.pagination.keyset import in_order_of, keyset
from backstay.pagination.sizes import (
    LINK,
    PageSizeMixin,
    page_schema,
    page_size_parameter,
    read_positive,
)


class PagePagination(PageSizeMixin, PageNumberPagination):
    """Numbered pages with an exact count, for lists that stay small."""

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        text = request.query_params.get(self.page_query_param)
        if text is not None:
            read_positive(text, self.page_query_param)
        ordered = in_order_of(keyset(queryset, ()), queryset)
        page: list[Any] | None = super().paginate_queryset(ordered, request, view)
        return page

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        count = {"type": "integer", "minimum": 0}
        return page_schema(count=count, next=LINK, previous=LINK, results=schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        page = {
            "name": self.page_query_param,
            "in": "query",
            "required": False,
            "description": "The number of the page, from 1.",
            "schema": {"type": "integer", "minimum": 1},
        }
        return [page, page_size_parameter(self)]

    def query_parameters(self) -> set[str | None]:
        return {self.page_query_param, self.page_size_query_param}
