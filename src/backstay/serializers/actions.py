"""
One serializer per action, and answers that are what a GET would return.

``serializer_class`` shows one object. ``serializer_classes`` names what differs:
``{"list": OrderList, "create": OrderCreate}``. A write reads its input with the
action's serializer, and answers with the object read back through
``get_queryset()`` and shown by ``serializer_class``; a creation says
``Location`` (RFC 9110 section 10.2.2).
"""

from collections.abc import Mapping
from typing import Any

from django.db.models import QuerySet
from rest_framework import status
from rest_framework.generics import GenericAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer


class ActionSerializersMixin(GenericAPIView):
    """Put before a DRF viewset class."""

    serializer_classes: Mapping[str, type[BaseSerializer]] = {}

    def get_serializer_class(self) -> type[BaseSerializer]:
        default = super().get_serializer_class()
        return self.serializer_classes.get(self._action() or "", default)

    def get_response_serializer_class(self) -> type[BaseSerializer]:
        """What the answer's body looks like: only a list differs from one object."""
        if self._action() == "list":
            return self.get_serializer_class()
        return super().get_serializer_class()

    def create(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        self.perform_create(serializer)
        key = getattr(serializer.instance, self.lookup_field)
        headers = {"Location": f"{request.path}{key}/"}
        return self.respond(serializer.instance, status=status.HTTP_201_CREATED, headers=headers)

    def update(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        partial = kwargs.pop("partial", False)
        serializer = self.get_serializer(self.get_object(), data=request.data, partial=partial)
        serializer.is_valid(raise_exception=True)
        self.perform_update(serializer)
        return self.respond(serializer.instance)

    def perform_create(self, serializer: BaseSerializer) -> None:
        serializer.save()

    def perform_update(self, serializer: BaseSerializer) -> None:
        serializer.save()

    def respond(self, instance: Any, **kwargs: Any) -> Response:
        """Answer with *instance* as a GET would show it now; without a body where none would."""
        shown = self.get_response_serializer_class()(context=self.get_serializer_context())
        body = self.read_back(self.get_queryset().filter(pk=instance.pk), shown)
        if body is None:
            return Response(**{"status": status.HTTP_204_NO_CONTENT, **kwargs})
        return Response(body, **kwargs)

    def read_back(self, queryset: QuerySet[Any], serializer: Any) -> Any:
        """What *serializer* shows of the first row; ``None`` without one."""
        current = queryset.first()
        return None if current is None else serializer.to_representation(current)

    def _action(self) -> str | None:
        """The action; when OPTIONS describes what another method takes, that method's."""
        action: str | None = getattr(self, "action", None)
        if action == "metadata":
            routed: Mapping[str, str] = getattr(self, "action_map", {})
            return routed.get((self.request.method or "").lower())
        return action
