"""
Filters that refuse what they do not know.

django-filter and DRF ignore a misspelt parameter and return the whole table;
here it is a 400 that names the nearest known one, and so is a value that cannot
be used. Parameters belong to lists: on one object none is known.

``DjangoFilterBackend``, ``SearchFilter`` and ``OrderingFilter`` take the place
of the classes of the same name. Any one of them refuses unknown parameters for
the whole view.
"""

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from typing import Any

import django_filters
from django import forms
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.db.models import QuerySet
from django.utils import timezone
from django_filters import rest_framework as drf_filters
from rest_framework import filters
from rest_framework.request import Request
from rest_framework.settings import api_settings
from rest_framework.views import APIView

from backstay.errors import FieldError, InvalidInput, QueryParameterError

PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)

MAX_SEARCH_TERMS = 10
MAX_SEARCH_LENGTH = 200


class InstantField(django_filters.fields.IsoDateTimeField):
    """An ISO-8601 instant that is still one in UTC; without an offset it is UTC."""

    def clean(self, value: Any) -> datetime | None:
        if "\x00" in str(value):  # Python reads an instant with a NUL behind it.
            raise forms.ValidationError("Null characters are not allowed.", code="invalid")
        with timezone.override(UTC):
            instant: datetime | None = super().clean(value)
        if instant is None:
            return None
        try:
            return instant.astimezone(UTC)
        except OverflowError:
            raise forms.ValidationError("This time is out of range.", code="invalid") from None


class InstantFilter(django_filters.IsoDateTimeFilter):
    """Use for every point in time."""

    field_class = InstantField


class PlainNumberField(forms.DecimalField):
    """Digits, a sign, a point: not ``1e3``, ``1_000`` or digits of another script."""

    def to_python(self, value: Any) -> Any:
        if value not in self.empty_values and not PLAIN_NUMBER.fullmatch(str(value)):
            raise forms.ValidationError(self.error_messages["invalid"], code="invalid")
        return super().to_python(value)


class PlainNumberFilter(django_filters.NumberFilter):
    """A number of at most ``max_digits``; NaN, infinity and 1e999999 are refused."""

    field_class = PlainNumberField

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 14)
        kwargs.setdefault("decimal_places", 2)
        super().__init__(*args, **kwargs)

    def get_max_validator(self) -> None:
        """``max_digits`` bounds it on both sides."""


class MoneyFilter(PlainNumberFilter):
    """An amount, to the cent."""


class FlagFilter(django_filters.TypedChoiceFilter):
    """``true`` or ``false``; django-filter's own takes anything else for "not set"."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("choices", [("true", "true"), ("false", "false")])
        kwargs.setdefault("coerce", lambda text: text == "true")
        super().__init__(*args, **kwargs)


class DjangoFilterBackend(drf_filters.DjangoFilterBackend):
    """django-filter's backend; a bad value is a problem of its query parameter."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        refuse_unknown_parameters(request, view)
        if is_detail(view):
            return queryset
        filterset = self.get_filterset(request, queryset, view)
        if filterset is None:
            return queryset
        if not filterset.is_valid():
            raise _problem_of(filterset)
        filtered: QuerySet = filterset.qs
        return filtered


class SearchFilter(filters.SearchFilter):
    """
    DRF's search, bounded to 10 terms and 200 characters.

    ``search_fields`` that begin with ``@``, all of them or none, are searched as one
    full text by PostgreSQL, in the words of the view's ``search_config`` (``simple``) and
    with the syntax of ``websearch_to_tsquery``. A GIN index of that ``SearchVector`` serves
    it. On another database they are searched as the others are: for each term, anywhere.
    """

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        refuse_unknown_parameters(request, view)
        if is_detail(view):
            return queryset
        text = request.query_params.get(self.search_param, "")
        if "\x00" in text:
            raise QueryParameterError(self.search_param, "Null characters are not allowed.")
        too_long = len(text) > MAX_SEARCH_LENGTH
        if too_long or len(self.get_search_terms(request)) > MAX_SEARCH_TERMS:
            raise QueryParameterError(
                self.search_param,
                f"A search has at most {MAX_SEARCH_TERMS} terms "
                f"and {MAX_SEARCH_LENGTH} characters.",
            )
        columns = self._full_text(self.get_search_fields(view, request) or (), queryset)
        if not columns or not text.strip():
            return super().filter_queryset(request, queryset, view)
        config = getattr(view, "search_config", "simple")
        return queryset.filter(_matches(text, columns, config))

    def construct_search(self, field_name: str, queryset: Any) -> str:
        return super().construct_search(field_name.removeprefix("@"), queryset)

    @staticmethod
    def _full_text(fields: Sequence[str], queryset: QuerySet) -> list[str]:
        """
        The columns of a full text that PostgreSQL can search.

        Raises:
            ImproperlyConfigured: some of *fields* are declared to be of it, and some are not.
        """
        columns = [name.removeprefix("@") for name in fields if name.startswith("@")]
        if columns and len(columns) < len(fields):
            raise ImproperlyConfigured('search_fields begin with "@" all, or none of them.')
        return columns if connections[queryset.db].vendor == "postgresql" else []


class OrderingFilter(filters.OrderingFilter):
    """DRF's ordering over the view's ``ordering_fields``; another field is refused."""

    def filter_queryset(self, request: Request, queryset: QuerySet, view: APIView) -> QuerySet:
        refuse_unknown_parameters(request, view)
        return queryset if is_detail(view) else super().filter_queryset(request, queryset, view)

    def remove_invalid_fields(
        self, queryset: Any, fields: Any, view: APIView, request: Request
    ) -> list[str]:
        allowed = [name for name, _ in self.get_valid_fields(queryset, view, {"request": request})]
        chosen = [name for name in fields if name]
        for name in chosen:
            if name.removeprefix("-") not in allowed:
                raise QueryParameterError(
                    self.ordering_param,
                    f"There is no ordering {name!r}. {suggestion(name, allowed)}",
                )
        if len({name.removeprefix("-") for name in chosen}) < len(chosen):
            raise QueryParameterError(self.ordering_param, "Each field can order only once.")
        return chosen


def refuse_unknown_parameters(request: Request, view: APIView) -> None:
    """
    Raises:
        QueryParameterError: the query names something that the view does not read.
    """
    if not request.query_params:
        return
    known = known_parameters(view)
    for name in request.query_params:
        if name not in known:
            raise QueryParameterError(
                name,
                f"There is no parameter {name!r}. {suggestion(name, sorted(known))}",
                code="unknown_parameter",
            )


def known_parameters(view: Any) -> set[str]:
    """
    Every query parameter *view* reads: for its filters, paginator, format and version.

    Those of other makes count by what they say in the view's documents. A view that reads
    more names it in ``query_parameters``.
    """
    known = {api_settings.URL_FORMAT_OVERRIDE} - {None}
    known |= set(getattr(getattr(view, "versioning_class", None), "query_parameters", ()))
    if is_detail(view):
        return known
    known |= set(getattr(view, "query_parameters", ()))
    known |= _read_by(getattr(view, "paginator", None), view)
    for backend in getattr(view, "filter_backends", ()):
        if issubclass(backend, filters.SearchFilter):
            known |= {backend.search_param} if getattr(view, "search_fields", None) else set()
        elif issubclass(backend, filters.OrderingFilter):
            known.add(backend.ordering_param)
        elif issubclass(backend, drf_filters.DjangoFilterBackend):
            filterset = backend().get_filterset_class(view, _filtered(view))
            known |= set(filterset.get_filters() if filterset else ())
        else:
            known |= _read_by(backend(), view)
    return known


def _read_by(part: Any, view: Any) -> set[Any]:
    own = getattr(part, "query_parameters", None)
    if own is not None:
        return set(own())
    documented = getattr(part, "get_schema_operation_parameters", None)
    return {one["name"] for one in documented(view)} if documented else set()


def _filtered(view: Any) -> Any:
    """The rows that ``filterset_fields`` are fields of; a ``filterset_class`` knows them itself."""
    return view.get_queryset() if getattr(view, "filterset_fields", None) else None


def is_detail(view: Any) -> bool:
    """Whether *view* answers for one object, by its route."""
    return bool(getattr(view, "detail", False))


def suggestion(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    if close:
        return f"Did you mean {close[0]!r}?"
    return f"Known: {', '.join(known)}." if known else "This takes none."


def _matches(text: str, columns: Sequence[str], config: str) -> Any:
    # It needs PostgreSQL's driver, which only its users have.
    from django.contrib.postgres.search import SearchQuery, SearchVector, SearchVectorExact

    query = SearchQuery(text, config=config, search_type="websearch")
    return SearchVectorExact(SearchVector(*columns, config=config), query)


def _problem_of(filterset: django_filters.FilterSet) -> InvalidInput:
    errors = [
        FieldError(pointer=f"?{name}", code=error.code or "invalid", detail=message)
        for name, form_errors in filterset.form.errors.as_data().items()
        for error in form_errors
        for message in error.messages
    ]
    # All of it in one text as well, which is what DRF's own handler shows.
    return InvalidInput(" ".join(f"{one.pointer}: {one.detail}" for one in errors), errors=errors)
