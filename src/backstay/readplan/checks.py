"""
System checks of what views show: W011, W012, W013, W018.

They look at the ``serializer_class`` and the ``serializer_classes`` of every view that the
URLconf leads to; what a view chooses in code they do not see.
"""

from collections.abc import Iterator
from typing import Any

from django.core.checks import CheckMessage, Warning  # noqa: A004  # Django's own name.
from rest_framework import mixins, serializers

from backstay.readplan.compile import compile_serializer
from backstay.readplan.explain import advice
from backstay.readplan.plan import Call, Statement, outs
from backstay.readplan.views import ReadPlanMixin
from backstay.routes import views


def check_queries_for_each(**_: Any) -> list[CheckMessage]:
    """W011: a method of a serializer that asks the database for each object."""
    return [
        Warning(
            f"{kind.__module__}.{line}",
            hint="The more rows a page has, the slower it is; `manage.py readplan` shows it.",
            obj=kind,
            id="backstay.W011",
        )
        for kind, statement in _plans(_serializers())
        for line in dict.fromkeys(advice(statement))
    ]


def check_all_fields(**_: Any) -> list[CheckMessage]:
    """W012: ``fields = "__all__"``."""
    return [
        Warning(
            f"{_path(kind)} shows every column of {kind.Meta.model.__name__}, also one that is "
            "added later and is nobody's business.",
            hint="Name the fields.",
            obj=kind,
            id="backstay.W012",
        )
        for kind in _serializers()
        if getattr(kind.Meta, "fields", None) == serializers.ALL_FIELDS
    ]


def check_relations(**_: Any) -> list[CheckMessage]:
    """W013: a view that reads by plan shows a nested serializer from instances all the same."""
    return [
        Warning(
            f"{_path(kind)}.{out.field.field_name} is read as model instances and not by plan: "
            f"{out.why}.",
            hint="Give it a source that is a relation, or leave it: it is right, and slower.",
            obj=kind,
            id="backstay.W013",
        )
        for kind, statement in _plans(_serializers(ReadPlanMixin))
        for _, out in outs(statement.node)
        if isinstance(out, Call) and isinstance(out.field, serializers.BaseSerializer)
    ]


def check_order(**_: Any) -> list[CheckMessage]:
    """W018: ``ReadPlanMixin`` after the class whose reading it is for."""
    return [
        Warning(
            f"{_path(kind)} has ReadPlanMixin after DRF's classes, so it reads without a plan.",
            hint="Name it before the view's class.",
            obj=kind,
            id="backstay.W018",
        )
        for kind in dict.fromkeys(type(view) for view in views())
        if any(kind.__mro__.index(one) < kind.__mro__.index(ReadPlanMixin) for one in _read(kind))
    ]


def _read(kind: type[Any]) -> list[type[Any]]:
    """Whose methods a ``ReadPlanMixin`` in it is for."""
    reading = (mixins.ListModelMixin, mixins.RetrieveModelMixin)
    return [one for one in reading if issubclass(kind, one) and issubclass(kind, ReadPlanMixin)]


def _serializers(of: type[Any] = object) -> list[type[Any]]:
    """The serializers of models that views of this class show, each once."""
    found: dict[type[Any], None] = {}
    for view in views():
        if isinstance(view, of):
            named = getattr(view, "serializer_classes", {}).values()
            for kind in (getattr(view, "serializer_class", None), *named):
                if isinstance(kind, type) and issubclass(kind, serializers.ModelSerializer):
                    found[kind] = None
    return [kind for kind in found if hasattr(getattr(kind, "Meta", None), "model")]


def _plans(kinds: list[type[Any]]) -> Iterator[tuple[type[Any], Statement]]:
    for kind in kinds:
        try:
            yield kind, compile_serializer(kind())
        except Exception:  # noqa: BLE001, S112  # It has no plan or wants a request: nothing is said.
            continue


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"
