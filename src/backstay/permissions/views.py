"""Rules in a view: the queryset, the codes of refusals, what is saved, what a body names."""

from collections.abc import Iterable, Mapping
from copy import copy
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import Model, Q, QuerySet
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AND, NOT, OR, BasePermission
from rest_framework.relations import PrimaryKeyRelatedField
from rest_framework.request import Request, clone_request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from backstay.permissions.rules import (
    EVERY_ROW,
    NO_ROW,
    AllOf,
    Rule,
    all_of,
    any_of,
    caller,
    none_of,
)


class PermittedRowsMixin(GenericAPIView):
    """
    Put before a DRF view or viewset class.

    ``get_queryset`` holds the rows the caller may read, by the ``permission_classes`` of
    the view: those of a single ``@action`` narrow what it does, not what there is.
    ``save_permitted`` checks an object as it would be saved, also when a change would
    give it to somebody else.
    """

    _scoping = False

    def get_permissions(self) -> list[Any]:
        """``A & B`` as A, then B, so that the answer has the code of the one that refused."""
        return conjuncts(super().get_permissions())

    def get_queryset(self) -> QuerySet:
        queryset: QuerySet[Any] = super().get_queryset()
        # A permission of DRF's may ask for the queryset itself, to know its model.
        if self._scoping or getattr(self, "swagger_fake_view", False):
            return queryset
        reading = clone_request(self.request, "GET")
        model = queryset.model
        self._scoping = True
        try:
            permitted = [
                permitted_rows(permission(), reading, self, model)
                for permission in scoping_permissions(self)
            ]
        finally:
            self._scoping = False
        return queryset.filter(all_of(permitted))

    def rows_hold(self, permission: Any) -> bool:
        """Whether every row of ``get_queryset`` has been found to satisfy *permission*."""
        scoping = conjuncts(one() for one in scoping_permissions(self))
        return isinstance(permission, Rule) and permission in scoping

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.save_permitted(serializer)

    def perform_update(self, serializer: BaseSerializer) -> None:
        self.save_permitted(serializer)

    def save_permitted(self, serializer: BaseSerializer, **values: Any) -> None:
        """
        Save with *values* added, as ``serializer.save(**values)`` does.

        Raises:
            PermissionDenied: the rules do not hold for what would be saved.
        """
        model = self.get_queryset().model
        candidate = copy(serializer.instance) if serializer.instance is not None else model()
        fields = model._meta.concrete_fields
        columns = {field.name: field for field in fields} | {f.attname: f for f in fields}
        for name, value in {**serializer.validated_data, **values}.items():
            # A nested object is made by the serializer, and is nobody's until then.
            nested = name in columns and columns[name].is_relation and isinstance(value, Mapping)
            if name in columns and not nested:
                setattr(candidate, name, value)
        self.check_object_permissions(self.request, candidate)
        serializer.save(**values)


class PermittedRelatedField(PrimaryKeyRelatedField):
    """A related object by its key, of those *rule* lets the caller read; another does not exist."""

    def __init__(self, *, rule: Rule, **kwargs: Any) -> None:
        self.rule = rule
        super().__init__(**kwargs)

    def get_queryset(self) -> QuerySet:
        queryset: Any = super().get_queryset()
        user = self.context["request"].user
        return queryset.filter(self.rule.scope(user, queryset.model))  # type: ignore[no-any-return]  # DRF's stubs let it be None.


def conjuncts(permissions: Iterable[Any]) -> list[Any]:
    """*permissions*, of which each must hold, with no conjunction among them."""
    found: list[Any] = []
    for permission in permissions:
        if isinstance(permission, AllOf):
            found += conjuncts(permission.rules)
        elif isinstance(permission, AND):
            found += conjuncts(operands(permission))
        else:
            found.append(permission)
    return found


def operands(combination: Any) -> tuple[Any, Any]:
    """What DRF's own ``&`` and ``|`` combine."""
    return combination.op1, combination.op2


def scoping_permissions(view: Any) -> Iterable[Any]:
    """What says which rows there are: not what an ``@action`` asks for itself."""
    action = getattr(view, getattr(view, "action", None) or "", None)
    own = "permission_classes" in getattr(action, "kwargs", {})
    return (type(view) if own else view).permission_classes  # type: ignore[no-any-return]  # Of any view.


def permitted_rows(permission: Any, request: Request, view: APIView, model: type[Model]) -> Q:
    """
    The rows that *permission*, a rule, one of DRF's or a combination, permits *request*.

    Raises:
        ImproperlyConfigured: it checks objects and cannot say which rows those are.
    """
    if not permission.has_permission(request, view):
        return NO_ROW
    return checked_rows(permission, request, view, model)


def checked_rows(permission: Any, request: Request, view: APIView, model: type[Model]) -> Q:
    """
    The rows for which ``has_object_permission`` is true.

    It follows DRF's combinations to the letter: an ``OR`` asks each part for both checks,
    ``AND`` and ``NOT`` only for this one.
    """
    if isinstance(permission, Rule):
        return permission.scope(caller(request), model, method=request.method or "GET")
    if isinstance(permission, AND):
        return all_of(checked_rows(p, request, view, model) for p in operands(permission))
    if isinstance(permission, OR):
        return any_of(permitted_rows(p, request, view, model) for p in operands(permission))
    if isinstance(permission, NOT):
        denied: Any = permission
        return none_of(checked_rows(denied.op1, request, view, model))
    if type(permission).has_object_permission is not BasePermission.has_object_permission:
        raise ImproperlyConfigured(
            f"{type(permission).__name__} checks objects but has no rows(), so it cannot scope a "
            "list. Make it a backstay.permissions.Rule."
        )
    return EVERY_ROW
