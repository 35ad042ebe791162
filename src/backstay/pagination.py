"""
Pages that are bounded, in one order, and never lose a row.

``CursorPagination`` walks a keyset: the ordering's columns plus the primary
key, so tied rows are told apart and every row that stays is seen exactly once
while others come and go; no COUNT, no OFFSET. Its cursors are signed and hold
only for the path, the query, the ordering and the version they were made for
(the path carries the version); they grant nothing. ``PagePagination`` counts
and numbers.

Both bodies are DRF's own. Limit: a cursor needs an ordering of columns that
are not null; another is refused when it is used.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Any, Literal
from urllib.parse import urlencode

from django.core import signing
from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db.models import Field, Model, Q, QuerySet
from rest_framework import pagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import remove_query_param, replace_query_param

from backstay.errors import QueryParameterError

Direction = Literal["next", "previous"]

DEFAULT_PAGE_SIZE = 20
MAX_PAGE_SIZE = 100


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


class CursorPagination(PageSizeMixin, pagination.BasePagination):
    """
    Keyset pages in the queryset's own ordering, else in ``ordering``.

    Put ``OrderingFilter`` on the view to let clients choose the ordering.
    """

    cursor_query_param = "cursor"
    ordering: str | Sequence[str] = "-created_at"

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.keys = keyset(queryset, self._default_ordering())
        size = self.get_page_size(request)
        cursor = self._read_cursor()
        backwards = cursor is not None and cursor.direction == "previous"

        rows = in_order_of(self.keys, queryset, reverse=backwards)
        if cursor is not None:
            rows = rows.filter(beyond(self.keys, cursor.position, reverse=backwards))
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
        cursor = {
            "name": self.cursor_query_param,
            "in": "query",
            "required": False,
            "description": "Where the page begins: from `next` or `previous` of another page.",
            "schema": {"type": "string"},
        }
        return [cursor, page_size_parameter(self)]

    def query_parameters(self) -> set[str | None]:
        return {self.cursor_query_param, self.page_size_query_param}

    def _default_ordering(self) -> Sequence[str]:
        return (self.ordering,) if isinstance(self.ordering, str) else self.ordering

    def _link(self, direction: Direction, edge: Sequence[Model]) -> str | None:
        """To the rows beyond *edge*; an emptied page has none, so its link starts over."""
        url = self.request.build_absolute_uri()
        if not edge:
            return str(remove_query_param(url, self.cursor_query_param))
        position = [key.write(edge[0]) for key in self.keys]
        text = self._signer().sign_object([direction[0], *position])
        return str(replace_query_param(url, self.cursor_query_param, text))

    def _read_cursor(self) -> "Cursor | None":
        text = self.request.query_params.get(self.cursor_query_param)
        if text is None:
            return None
        try:
            direction, *position = self._signer().unsign_object(text)
            values = [key.read(value) for key, value in zip(self.keys, position, strict=True)]
        except (signing.BadSignature, ValueError, TypeError, DjangoValidationError):
            raise QueryParameterError(
                self.cursor_query_param,
                "This cursor was not made for this list, its filters and its order. "
                "Start again without it.",
            ) from None
        return Cursor("next" if direction == "n" else "previous", values)

    def _signer(self) -> signing.Signer:
        """Signs for one path, query and ordering: elsewhere the signature is wrong."""
        query = sorted(
            (name, value)
            for name, values in self.request.query_params.lists()
            for value in values
            if name not in self.query_parameters()
        )
        ordering = [key.order_by() for key in self.keys]
        bound_to = urlencode(
            [("path", self.request.path), *query, *(("by", by) for by in ordering)]
        )
        digest = sha256(bound_to.encode()).hexdigest()
        return signing.Signer(salt=f"backstay.pagination.cursor.1:{digest}")


class PagePagination(PageSizeMixin, pagination.PageNumberPagination):
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


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place between two rows, and which way to read from it."""

    direction: Direction
    position: list[Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a keyset: its lookup path, its field, its direction."""

    path: str
    field: Field
    descending: bool

    def order_by(self, *, reverse: bool = False) -> str:
        return f"-{self.path}" if self.descending != reverse else self.path

    def write(self, row: Model) -> str:
        """The value of *row* as text."""
        owner: Any = row
        for relation in self.path.split("__")[:-1]:
            owner = getattr(owner, relation)
        return str(self.field.value_to_string(owner))

    def read(self, text: str) -> Any:
        """
        The value that ``write`` wrote.

        Raises:
            ValidationError: it is not a value of this column.
        """
        return self.field.to_python(text)


def keyset(queryset: QuerySet, default: Sequence[str]) -> list[Key]:
    """
    The ordering of *queryset*, else *default*, made total by the primary key.

    Raises:
        ImproperlyConfigured: by something else than columns that are not null.
    """
    ordering = queryset.query.order_by or default or queryset.model._meta.ordering
    keys = [_key(queryset.model, str(name)) for name in ordering]
    if not queryset.query.standard_ordering:  # QuerySet.reverse() was called.
        keys = [replace(key, descending=not key.descending) for key in keys]
    primary = queryset.model._meta.pk
    if not any(key.field is primary and "__" not in key.path for key in keys):
        descending = keys[-1].descending if keys else False
        keys.append(Key(primary.attname, primary, descending))
    return keys


def in_order_of(keys: Sequence[Key], queryset: QuerySet, *, reverse: bool = False) -> QuerySet:
    """The rows of *queryset* by *keys*, whatever its own order was."""
    upright = queryset if queryset.query.standard_ordering else queryset.reverse()
    return upright.order_by(*(key.order_by(reverse=reverse) for key in keys))


def beyond(keys: Sequence[Key], position: Sequence[Any], *, reverse: bool) -> Q:
    """
    Rows after *position*: ``a > x OR (a = x AND b > y) OR …``, by each key's direction.

    The first column is also bounded alone, which lets an index begin there.
    """
    first, first_operator = keys[0], _operator(keys[0], reverse=reverse)
    condition = Q()
    equal = Q()
    for key, value in zip(keys, position, strict=True):
        condition |= equal & Q(**{f"{key.path}__{_operator(key, reverse=reverse)}": value})
        equal &= Q(**{key.path: value})
    return Q(**{f"{first.path}__{first_operator}e": position[0]}) & condition


def read_positive(text: str, parameter: str) -> int:
    """
    A whole number above zero.

    Raises:
        QueryParameterError: *text* is none.
    """
    if text.isascii() and text.isdigit() and len(text) <= 18 and int(text) > 0:
        return int(text)
    raise QueryParameterError(parameter, "Expected a whole number above zero.")


#: The address of another page, null where there is none (OpenAPI 3.1).
LINK = {"type": ["string", "null"], "format": "uri"}


def page_schema(**members: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": list(members), "properties": members}


def page_size_parameter(paginator: PageSizeMixin) -> dict[str, Any]:
    return {
        "name": paginator.page_size_query_param,
        "in": "query",
        "required": False,
        "description": f"Rows on a page; more than {paginator.max_page_size} is capped.",
        "schema": {"type": "integer", "minimum": 1, "default": paginator.page_size},
    }


def _operator(key: Key, *, reverse: bool) -> str:
    return "lt" if key.descending != reverse else "gt"


def _key(model: type[Model], name: str) -> Key:
    path = name.removeprefix("-")
    *relations, column = path.split("__")
    try:
        current: Any = model
        for relation in relations:
            link = current._meta.get_field(relation)
            many = link.many_to_many or link.one_to_many
            current = None if link.null or many else link.related_model
        field = current._meta.pk if column == "pk" else current._meta.get_field(column)
    except (FieldDoesNotExist, AttributeError):
        field = None
    if not isinstance(field, Field) or field.null or field.is_relation:
        raise ImproperlyConfigured(
            f"{model.__name__} cannot be paged in the order of {path!r}: "
            "it is not a column without nulls."
        )
    return Key(path, field, name.startswith("-"))
