"""Numbered pages."""

from typing import Any

from django.core.paginator import Page
from rest_framework.exceptions import NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response

from backstay.pagination.counts import Size
from backstay.pagination.offsets import OffsetMixin
from backstay.pagination.sizes import PageSizeMixin, page_size_parameters, parameter, read_positive


class PagePagination(PageSizeMixin, OffsetMixin, PageNumberPagination):
    """Numbered pages, for lists that stay small, or people who jump."""

    page_query_description = "The number of the page, from 1."

    # What the stubs of DRF say of them does not hold in ``AdaptivePagination``.
    page: Any
    request: Any

    def paginate_queryset(
        self, queryset: Any, request: Request, view: Any = None
    ) -> list[Any] | None:
        self.request = request
        size = self.get_page_size(request)
        if not size:
            return None
        ordered = self.in_order(queryset)
        # Django's own, of which DRF's links and subclasses ask.
        self.paginator = self.django_paginator_class(ordered, size)
        number = read_positive(
            str(self.get_page_number(request, self.paginator)), self.page_query_param
        )
        rows = self.read(ordered, (number - 1) * size, size)
        if not rows and number > 1:
            raise NotFound(
                self.invalid_page_message.format(page_number=number, message="It has no rows.")
            )
        # Only its count is ours; a class that has a property of that name goes on with it.
        vars(self.paginator)["count"] = self.known.rows
        self.page = Page(rows, number, self.paginator)
        self.display_page_controls = self.paginator.num_pages > 1 and self.template is not None
        return rows

    def get_page_number(self, request: Request, paginator: Any) -> int:
        text = request.query_params.get(self.page_query_param)
        return 1 if text is None else read_positive(text, self.page_query_param)

    def measure(self, queryset: Any) -> Size:
        """An exact count is what the class of the paginator says, which may know better."""
        if self.counting != "exact":
            return super().measure(queryset)
        return Size(self.django_paginator_class(queryset, self.paginator.per_page).count)

    def get_paginated_response(self, data: Any) -> Response:
        links = {"next": self.get_next_link(), "previous": self.get_previous_link()}
        return Response(self.body(data, **links))

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return self.body_schema(schema)

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        page = parameter(
            self.page_query_param,
            self.page_query_description,
            {"type": "integer", "minimum": 1},
        )
        return [page, *page_size_parameters(self)]

    def query_parameters(self) -> set[str | None]:
        return {self.page_query_param, self.page_size_query_param}
