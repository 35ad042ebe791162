"""What both kinds of pages share: the size a client asks for, and the words of the documents."""

from typing import Any

from rest_framework.request import Request
from rest_framework.settings import api_settings

from backstay.errors import QueryParameterError

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100

#: The address of another page, null where there is none (OpenAPI 3.1).
LINK = {"type": ["string", "null"], "format": "uri"}


class PageSizeMixin:
    """``?page_size=``: 1 to ``max_page_size``; more is capped, anything else refused."""

    #: ``None``: that of ``REST_FRAMEWORK["PAGE_SIZE"]``, else 20.
    page_size: int | None = None
    #: ``None``: 100, or ``page_size`` where that is more.
    max_page_size: int | None = None
    #: ``None``: a client cannot ask.
    page_size_query_param: str | None = "page_size"
    #: Empty: what it does.
    page_size_query_description = ""

    def get_page_size(self, request: Request) -> int | None:
        """``None``, which only a subclass says, is no pages at all, as in DRF."""
        name, size = self.page_size_query_param, default_size(self.page_size)
        if name is None or name not in request.query_params:
            return size
        return min(read_positive(request.query_params[name], name), most(self.max_page_size, size))


def default_size(declared: int | None) -> int:
    """Rows of a page that nobody asked a size of."""
    return declared or api_settings.PAGE_SIZE or DEFAULT_PAGE_SIZE


def most(declared: int | None, default: int) -> int:
    """Rows of the largest page: never fewer than come without asking."""
    return declared or max(MAX_PAGE_SIZE, default)


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


def page_size_parameters(paginator: PageSizeMixin) -> list[dict[str, Any]]:
    """One, or none where a client cannot ask."""
    return size_parameters(
        paginator.page_size_query_param,
        paginator.page_size_query_description,
        default_size(paginator.page_size),
        paginator.max_page_size,
    )


def size_parameters(
    name: str | None, description: str, size: int, largest: int | None
) -> list[dict[str, Any]]:
    if name is None:
        return []
    said = description or f"Rows on a page; more than {most(largest, size)} is capped."
    return [parameter(name, said, {"type": "integer", "minimum": 1, "default": size})]


def parameter(name: str, description: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "description": str(description),
        "schema": schema,
    }
