"""
Where a plan meets DRF's generic views.

    class OrderViewSet(ReadPlanMixin, viewsets.ModelViewSet): ...

Nothing else changes. The plan is at work where DRF's own ``list`` and ``retrieve`` run and
JSON is rendered: between ``filter_queryset`` and the serializer, so that pagination,
filters, versions, writes, the browsable API and OpenAPI are what they were.

A ``retrieve`` whose permissions look at the object is DRF's, unless the view says that
its rows hold them (``rows_hold``, as ``backstay.permissions.PermittedRowsMixin`` does).
"""

from functools import wraps
from typing import Any

from django.db.models import Model, QuerySet
from rest_framework import renderers
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer, ListSerializer

from backstay.readplan import peers
from backstay.readplan.reading import Row, attach, pages, read
from backstay.readplan.render import JSONRenderer


class _Reading:
    """
    DRF's own ``list`` or ``retrieve``, with the plan at work while it runs.

    A view that has neither DRF's nor another keeps having none, for its routes' sake.
    """

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, view: "ReadPlanMixin | None", owner: type["ReadPlanMixin"]) -> Any:
        following = getattr(super(ReadPlanMixin, view or owner), self.name)
        if view is None or not following.__module__.startswith("rest_framework."):
            return following

        @wraps(following)
        def reading(*args: Any, **kwargs: Any) -> Response:
            view._many = self.name == "list"  # noqa: SLF001  # Of this module.
            view._reading = view._may_read(self.name)  # noqa: SLF001  # As above.
            return following(*args, **kwargs)  # type: ignore[no-any-return]  # DRF's answer.

        return reading


class ReadPlanMixin(GenericAPIView):
    """Put before the generic view or viewset of DRF."""

    #: ``False``: this view is left to DRF.
    read_plan = True

    #: Whether the answer holds only what every encoder of JSON writes alike.
    plain_bodies = False

    _reading = False
    _many = False

    list = _Reading("list")
    retrieve = _Reading("retrieve")

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        filtered = super().filter_queryset(queryset)
        if self._reading:
            serializer = super().get_serializer(many=self._many)
            # Part of a list where there is one, so that it has the same parents as with DRF.
            single = serializer.child if self._many else serializer  # type: ignore[attr-defined]  # A ListSerializer.
            if _shows_rows_of(single, filtered):
                return attach(filtered, single)
        return filtered

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer:
        given = args[0] if args else kwargs.get("instance")
        if type(given) is Row:
            return self._shown([given], given.body, *args, **kwargs)
        if kwargs.get("many") and isinstance(given, QuerySet | list):
            rows = list(given)
            if pages(rows) is not None:
                return self._shown(rows, [row.body for row in rows], *args, **kwargs)
            if rows and isinstance(rows[0], Model):
                peers.join(rows)
        return super().get_serializer(*args, **kwargs)

    def read_back(self, queryset: QuerySet[Any], serializer: Any) -> Any:
        """What *serializer* shows of the first row; ``None`` without one."""
        return next(iter(read(queryset[:1], serializer)), None)

    def check_object_permissions(self, request: Request, obj: Any) -> None:
        if type(obj) is not Row:  # Every row there is holds them; see ``retrieve``.
            super().check_object_permissions(request, obj)

    def get_renderers(self) -> Any:
        return [
            JSONRenderer() if type(one) is renderers.JSONRenderer else one
            for one in super().get_renderers()
        ]

    def _shown(self, rows: Any, bodies: Any, *args: Any, **kwargs: Any) -> BaseSerializer:
        """The serializer, with what it would have made of the rows."""
        page = pages(rows)
        if page is not None and page.touched:
            instances = [row.instance for row in rows]
            given = instances if kwargs.get("many") else instances[0]
            kwargs.pop("instance", None)
            return super().get_serializer(given, *args[1:], **kwargs)
        self.plain_bodies = page is not None and page.plain
        serializer = super().get_serializer(*args, **kwargs)
        serializer._data = bodies  # type: ignore[attr-defined]  # noqa: SLF001  # Where DRF keeps it.
        return serializer

    def _may_read(self, name: str) -> bool:
        """Whether what comes next is JSON, and nobody looks at the object itself."""
        if not self.read_plan or self.request.accepted_renderer.format != "json":
            return False
        return name == "list" or all(map(self._held_by_rows, self.get_permissions()))

    def _held_by_rows(self, permission: Any) -> bool:
        checks = getattr(type(permission), "has_object_permission", None)
        if checks is BasePermission.has_object_permission:
            return True
        holds = getattr(self, "rows_hold", None)
        return holds is not None and holds(permission)


def _shows_rows_of(serializer: Any, queryset: Any) -> bool:
    """Whether it is a model's serializer, of the model, in DRF's own kind of list."""
    meta = getattr(serializer, "Meta", None)
    kind = getattr(meta, "list_serializer_class", ListSerializer)
    own = any(
        getattr(kind, name) is not getattr(ListSerializer, name)
        for name in ("to_representation", "data")
    )
    return (
        isinstance(queryset, QuerySet)
        and queryset.model is getattr(meta, "model", None)
        and not own
    )
