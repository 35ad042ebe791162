"""What both kinds of pages share: the size a client asks for, and the words of the documents."""

from typing import Any

from rest_framework.request import Request

from backstay.errors import QueryParameterError

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

#: The address of another page, null where there is none (OpenAPI 3.1).
LINK = {"type": ["string", "null"], "format": "uri"}


class PageSizeMixin:
    """``?page_size=``: 1 to ``max_page_size``; more is capped, anything else refused."""

    # ``None`` is what DRF's stubs allow for; here it means the default.
    page_size: int | None = DEFAULT_PAGE_SIZE
    max_page_size: int | None = MAX_PAGE_SIZE
    page_size_query_param: str | None = "page_size"

    def get_page_size(self, request: Request) -> int:
        parameter = self.page_size_query_param or "page_size"
        text = request.query_params.get(parameter)
        if text is None:
            return self.page_size or DEFAULT_PAGE_SIZE
        return min(read_positive(text, parameter), self.max_page_size or MAX_PAGE_SIZE)


def read_positive(text: str, parameter: str) -> int:
    """
    A whole number above zero.

    Raises:
        QueryParameterError: *text* is none.
    """
    return read_whole(text, parameter, least=1)


def read_whole(text: str, parameter: str, *, least: int = 0) -> int:
    """
    A whole number of *least* or more.

    Raises:
        QueryParameterError: *text* is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) >= least:
        return int(text)
    raise QueryParameterError(parameter, f"Expected a whole number from {least} on.")


def page_schema(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


def page_size_parameter(paginator: PageSizeMixin) -> dict[str, Any]:
    return parameter(
        paginator.page_size_query_param,
        f"Rows on a page; more than {paginator.max_page_size} is capped.",
        {"type": "integer", "minimum": 1, "default": paginator.page_size},
    )


def parameter(name: str | None, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": description,
        "schema": schema,
    }
