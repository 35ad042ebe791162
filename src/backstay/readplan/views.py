"""
Where a plan meets DRF's generic views.

    class OrderViewSet(ReadPlanMixin, viewsets.ModelViewSet): ...

Nothing else changes. The plan is at work where DRF's own ``list`` and ``retrieve`` run and
JSON is rendered: between ``filter_queryset`` and the serializer, so that pagination,
filters, versions, writes, the browsable API and OpenAPI are what they were.

A ``retrieve`` whose permissions look at the object is DRF's, unless the view says that
its rows hold them (``rows_hold``, as ``backstay.permissions.PermittedRowsMixin`` does).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
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
from backstay.readplan.allowed import is_drfs
from backstay.readplan.paths import NotPlanned
from backstay.readplan.reading import Row, attach, read, shown
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
        if view is None or not is_drfs(following):
            return following

        @wraps(following)
        def method(*args: Any, **kwargs: Any) -> Response:
            with view.reading(self.name):
                return following(*args, **kwargs)  # type: ignore[no-any-return]  # DRF's answer.

        return method


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

    @contextmanager
    def reading(self, name: str) -> Iterator[None]:
        """The plan is at work, if it may be, for DRF's method of this name."""
        self._many = name == "list"
        self._reading = self._may_read(name)
        try:
            yield
        finally:
            self._reading = False

    def filter_queryset(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        filtered = super().filter_queryset(queryset)
        if self._reading and isinstance(filtered, QuerySet):
            return attach(filtered, lambda: self._serializer_of(filtered.model))
        return filtered

    def get_serializer(self, *args: Any, **kwargs: Any) -> BaseSerializer:
        serializer = super().get_serializer(*args, **kwargs)
        given = args[0] if args else kwargs.get("instance")
        if type(given) is Row:
            serializer.to_representation = lambda row: self._shown([row], serializer)[0]  # type: ignore[method-assign, assignment]  # When its data is asked for.
        elif kwargs.get("many") and isinstance(given, QuerySet | list):
            rows = list(given)
            if any(type(one) is Row for one in rows):
                child = serializer.child  # type: ignore[attr-defined]  # A ListSerializer has one.
                serializer.to_representation = lambda _: self._shown(rows, child)  # type: ignore[method-assign, assignment]  # As above.
            elif rows and isinstance(rows[0], Model):
                peers.join(rows)
        return serializer

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

    def _serializer_of(self, model: type[Model]) -> BaseSerializer:
        """
        What will show a row, as far as the view knows before there are any.

        Raises:
            NotPlanned: it is not the model's, or in a list of its own make.
        """
        serializer: Any = self.get_serializer(many=self._many)
        # Part of a list where there is one, so that it has the same parents as with DRF.
        single = serializer.child if self._many else serializer
        if not _shows_rows_of(single, model):
            raise NotPlanned("the serializer is another model's, or in a list of its own make")
        return single  # type: ignore[no-any-return]  # Of a serializer.

    def _shown(self, rows: Sequence[Any], serializer: Any) -> Sequence[Any]:
        bodies, self.plain_bodies = shown(rows, serializer)
        return bodies

    def _may_read(self, name: str) -> bool:
        """Whether what comes next is JSON, and nobody looks at the object itself."""
        renderer = getattr(self.request, "accepted_renderer", None)
        if not self.read_plan or getattr(renderer, "format", None) != "json":
            return False
        return name == "list" or all(map(self._held_by_rows, self.get_permissions()))

    def _held_by_rows(self, permission: Any) -> bool:
        checks = getattr(type(permission), "has_object_permission", None)
        if checks is BasePermission.has_object_permission:
            return True
        holds = getattr(self, "rows_hold", None)
        return holds is not None and holds(permission)


def _shows_rows_of(serializer: Any, model: type[Model]) -> bool:
    """Whether it is the model's serializer, in DRF's own kind of list."""
    meta = getattr(serializer, "Meta", None)
    kind = getattr(meta, "list_serializer_class", ListSerializer)
    own = any(
        getattr(kind, name) is not getattr(ListSerializer, name)
        for name in ("to_representation", "data")
    )
    return model is getattr(meta, "model", None) and not own
