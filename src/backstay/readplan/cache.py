"""
Which plan a serializer has, compiled once for as long as it would be the same.

The same are: the class, what the queryset adds (``Shape``), and what each serializer of
the tree says its fields depend on. A class whose fields depend on something says so::

    @classmethod
    def plan_variant(cls, context) -> Hashable: ...

and is compiled once for each answer. A class that decides about its fields in code
(``__init__``, ``get_fields`` …) without saying so is compiled anew for each request; it
counts who does: a subclass that decides more has to say so itself.
"""

import dataclasses
from collections.abc import Callable, Hashable, Iterator
from functools import lru_cache
from typing import Any

from django.core.signals import setting_changed
from django.db.models import QuerySet
from rest_framework import serializers

from backstay.readplan.allowed import is_drfs
from backstay.readplan.compile import compile_serializer
from backstay.readplan.paths import NotPlanned
from backstay.readplan.plan import Statement
from backstay.readplan.shapes import Shape, shape_of

#: Whatever overrides one of these may have other fields the next time.
_DECIDES_FIELDS = {
    *("__init__", "__new__", "many_init", "fields", "_readable_fields", "get_fields"),
    *("get_field_names", "get_default_field_names", "get_extra_kwargs", "include_extra_kwargs"),
    *("build_field", "build_standard_field", "build_relational_field", "build_nested_field"),
    *("build_property_field", "build_url_field", "build_unknown_field"),
    *("get_uniqueness_extra_kwargs", "_get_model_fields"),
}

#: Plans that are kept; the oldest goes for a new one.
MAX_PLANS = 1000

_plans: dict[Hashable, "Plan | str"] = {}


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """A statement, and the serializer that it was compiled from."""

    statement: Statement
    serializer: Any
    #: Queries of the root whose text is kept, by what it depends on; see ``sql``.
    kept: dict[Any, Any] = dataclasses.field(default_factory=dict)

    def explain(self) -> str:
        """Its queries, columns, what runs from instances and why, in words."""
        from backstay.readplan.explain import told

        return told(self.statement)


def plan_for(serializer: Any, queryset: QuerySet[Any]) -> Plan:
    """
    The plan of *serializer*, which is bound to its context, over *queryset*.

    Raises:
        NotPlanned: only DRF itself can show this; the text says why.
    """
    shape = shape_of(queryset)
    kind: Any = type(serializer)
    variants = _variants(kind)
    if variants is None or "fields" in vars(serializer):  # Somebody may have changed them.
        return Plan(compile_serializer(serializer, shape), serializer)
    key: Hashable = (kind, shape, *(variant(serializer.context) for variant in variants))
    plan = _plans.get(key)
    if plan is None:
        plan = _remembered(key, kind(context=serializer.context), shape)
    if isinstance(plan, str):
        raise NotPlanned(plan)
    return plan


def _remembered(key: Hashable, serializer: Any, shape: Shape) -> Plan | str:
    """The plan, or why there is none: an error that is kept would keep whoever it was raised to."""
    try:
        plan: Plan | str = Plan(compile_serializer(serializer, shape), serializer)
    except NotPlanned as reason:
        plan = str(reason)
    # Whoever comes next has a context of their own.
    vars(serializer).update(_context={}, _kwargs={})
    if len(_plans) >= MAX_PLANS:
        _plans.pop(next(iter(_plans)), None)
    return _plans.setdefault(key, plan)


@lru_cache(MAX_PLANS)
def _variants(kind: type[Any]) -> tuple[Callable[[Any], Hashable], ...] | None:
    """What the fields of the tree depend on; ``None`` where nobody says."""
    found: list[Callable[[Any], Hashable]] = []
    for serializer in _tree(kind):
        if not all(is_drfs(field.bind) for field in _fields(serializer)):
            return None
        for owner in serializer.__mro__[:-1]:  # All but ``object``.
            if variant := vars(owner).get("plan_variant"):
                found.append(variant.__get__(None, serializer))
            elif not all(is_drfs(vars(owner)[name]) for name in _DECIDES_FIELDS & {*vars(owner)}):
                return None
    return tuple(found)


def _fields(kind: type[Any]) -> Iterator[type[Any]]:
    """The classes of fields that may be in it."""
    for field in getattr(kind, "_declared_fields", {}).values():
        yield type(field)
        for name in ("child", "child_relation"):
            if inner := vars(field).get(name):
                yield type(inner)
    yield from getattr(kind, "serializer_field_mapping", {}).values()


def _tree(kind: type[Any]) -> Iterator[type[Any]]:
    """The class, and those of the serializers that are declared in it."""
    yield kind
    for field in getattr(kind, "_declared_fields", {}).values():
        inner = getattr(field, "child", field)
        if isinstance(inner, serializers.BaseSerializer):
            yield from _tree(type(inner))


def _forget(**_: Any) -> None:
    """DRF's own settings are compiled in."""
    _plans.clear()


setting_changed.connect(_forget, dispatch_uid="backstay.readplan.cache")
