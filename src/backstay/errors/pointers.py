"""
From DRF's nested error details to a flat list with JSON Pointers.

``{"items": [{}, {"quantity": ["…"]}]}`` becomes ``/items/1/quantity``. Errors
under ``non_field_errors`` belong to the object that contains them, so their
pointer is that object's; the pointer of the whole body is ``""``.

Limit: a list that mixes errors and objects is read item by item, as DRF means it.

Source: RFC 6901 sections 3 and 4.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from django.core.exceptions import NON_FIELD_ERRORS
from rest_framework.settings import api_settings

from backstay.errors.problems import FieldError


def join(pointer: str, token: object) -> str:
    """
    Extend *pointer* by one reference token.

    >>> join("/a", "b/c~d")
    '/a/b~1c~0d'
    """
    return f"{pointer}/{str(token).replace('~', '~0').replace('/', '~1')}"


def flatten(detail: Any, pointer: str = "") -> Iterator[FieldError]:
    """The leaves of *detail*, each with its pointer and its own code."""
    if isinstance(detail, Mapping):
        for key, value in detail.items():
            whole = key in {api_settings.NON_FIELD_ERRORS_KEY, NON_FIELD_ERRORS}
            yield from flatten(value, pointer if whole else join(pointer, key))
    elif isinstance(detail, list | tuple):
        for index, value in enumerate(detail):
            nested = isinstance(value, Mapping | list | tuple)
            yield from flatten(value, join(pointer, index) if nested else pointer)
    else:
        yield FieldError(pointer, getattr(detail, "code", None) or "invalid", str(detail))
