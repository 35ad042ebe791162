"""
Where a statement was run: the line of the project's code, and the serializer's field.

Read from the stack, so nothing has to be patched and nothing is paid for but by who looks.
The field comes from the frames of DRF's ``to_representation``, whose loop variable it is.
"""

import inspect
import os
import re
import sys
import sysconfig
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import FrameType
from typing import Any

from django.conf import settings as django_settings
from django.db.models.fields.related_descriptors import ForwardManyToOneDescriptor
from django.db.models.query_utils import DeferredAttribute
from rest_framework.relations import ManyRelatedField
from rest_framework.serializers import ListSerializer, Serializer

import backstay

_SERIALIZER = Serializer.to_representation.__code__
_LIST = ListSerializer.to_representation.__code__
_FORWARD = ForwardManyToOneDescriptor.__get__.__code__
_DEFERRED = DeferredAttribute.__get__.__code__

_OWN = os.path.dirname(backstay.__file__)  # Compared as text, with each frame.
_FOREIGN = (_OWN, sysconfig.get_path("stdlib"), "<")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a statement was run, as far as the stack tells."""

    #: ``shop/orders/serializers.py:41``
    where: str
    #: ``items.product.name``; ``""`` outside serializers.
    field: str
    #: Whether it was run to show one object of a list, and not for all of them at once.
    for_each: bool
    fix: str
    #: Whether it was run by a compiled read, which asks for many rows at once.
    batched: bool = False


def here() -> Place:
    """That of the statement that is being run."""
    line, fix, relation, batched, for_each = "", "", "", False, False
    serializers: list[FrameType] = []
    for frame in _frames(sys._getframe(2)):  # noqa: SLF001  # The stack has no other door.
        if frame.f_code is _SERIALIZER:
            serializers.append(frame)
        elif serializers:
            for_each = for_each or frame.f_code is _LIST
        else:
            batched = batched or frame.f_globals.get("__name__", "").startswith("backstay.readplan")
            line = line or _line_of(frame)
            relation = relation or _relation_of(frame)
            fix = fix or _fix_for(frame)
    fields = [frame.f_locals.get("field") for frame in reversed(serializers)]
    if relation:
        fix = _fix_of_relation(relation, fields)
    if not serializers:
        return Place(line or "?", "", False, fix or _FIX_OUTSIDE, batched)
    path = ".".join(_name(one) for one in fields if one is not None)
    kind: Any = type(serializers[0].f_locals["self"])
    where = line or _declaration(kind, _name(fields[-1]))
    return Place(where, path, for_each and not batched, fix or _fix_of(fields[-1]))


def _frames(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _line_of(frame: FrameType) -> str:
    """``""`` for a frame that is not the project's own."""
    name = frame.f_code.co_filename
    if name.startswith(_FOREIGN) or "site-packages" in name or "dist-packages" in name:
        return ""
    return f"{_shown(name)}:{frame.f_lineno}"


@lru_cache(maxsize=1024)
def _shown(filename: str) -> str:
    base = getattr(django_settings, "BASE_DIR", None) or Path.cwd()
    try:
        return str(Path(filename).relative_to(base))
    except ValueError:
        return str(Path(*Path(filename).parts[-3:]))


@lru_cache(maxsize=1024)
def _declaration(kind: Any, field: str) -> str:
    """The line on which the serializer class *kind* declares *field*, or else its own."""
    try:
        lines, first = inspect.getsourcelines(kind)
        name = _shown(inspect.getsourcefile(kind) or "")
    except (OSError, TypeError):  # Made without a file.
        return str(kind.__qualname__)
    declared = re.compile(rf"\s+{re.escape(field)}\s*[:=]")
    found = next((number for number, line in enumerate(lines) if declared.match(line)), 0)
    return f"{name}:{first + found}"


def _name(field: Any) -> str:
    return "" if field is None else str(field.field_name)


_FIX_OUTSIDE = "Read all rows by one query before the loop."


def _relation_of(frame: FrameType) -> str:
    """The foreign key that Django follows here."""
    return str(frame.f_locals["self"].field.name) if frame.f_code is _FORWARD else ""


def _fix_of_relation(name: str, fields: list[Any]) -> str:
    """With the way to *name* from the rows of the list, as far as the fields' sources tell."""
    way = [part for field in fields if field is not None for part in field.source_attrs]
    path = "__".join([*way[: way.index(name)], name] if name in way else [name])
    return f"Add select_related({path!r}) to the queryset, or use ReadPlanMixin."


def _fix_for(frame: FrameType) -> str:
    """What Django's own frame says about why it asks."""
    if frame.f_code is _DEFERRED:
        name = frame.f_locals["self"].field.attname
        return f"Load {name!r} with the rows: it is deferred."
    return ""


def _fix_of(field: Any) -> str:
    if isinstance(field, ListSerializer | ManyRelatedField):
        source = str(field.source).replace(".", "__")
        return f"Add prefetch_related({source!r}) to the queryset, or use ReadPlanMixin."
    return "Annotate the queryset with it, or use ReadPlanMixin with CountField or with_peers."
