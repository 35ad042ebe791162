"""
One declared rule for who may see what: the object check, the list filter and the
check of what is created come from it, so they cannot disagree.

A :class:`Rule` is a DRF permission, a class or an instance of one, and combines by
``&``, ``|`` and ``~`` with other rules and with DRF's own. In a view with
:class:`PermittedRowsMixin` it also scopes the queryset: a row that may not be read
answers like one that is not there (404), one that may be read and not written with
403. A related object that a body names goes through :class:`PermittedRelatedField`.

A rule can be asked without HTTP: ``rows(user, model)`` is a ``Q`` for querysets,
``holds(user, obj)`` the same for one object. Roles and plans are read from
``user.role``, ``user.organization`` and its ``plan``.

Limit: a permission of another make that checks objects and says no ``rows`` cannot
scope a list; :class:`PermittedRowsMixin` refuses it rather than show too much.
"""

from collections.abc import Iterable
from copy import copy
from datetime import timedelta
from functools import reduce
from operator import and_
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from django.db.models import ForeignKey, Model, Q, QuerySet
from django.utils import timezone
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import (
    AND,
    NOT,
    OR,
    SAFE_METHODS,
    BasePermission,
    OperationHolderMixin,
)
from rest_framework.relations import PrimaryKeyRelatedField
from rest_framework.request import Request
from rest_framework.serializers import BaseSerializer
from rest_framework.views import APIView

from backstay.conf import settings

EVERY_ROW = Q()
NO_ROW = Q(pk__in=())


class Rule(OperationHolderMixin, BasePermission):
    """
    The base of all rules. Override ``admits``, or ``rows`` and ``holds`` together.

    DRF calls what stands in ``permission_classes``; a rule made with arguments
    answers with a copy of itself, so that no request sees another's.
    """

    message: str | None = None
    code: str | None = None

    def __call__(self) -> Self:
        return copy(self)

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        """Whether *user* may use *method* at all, before any object is known."""
        return True

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        """The rows of *model* on which *user* may use *method*."""
        return EVERY_ROW

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        """Whether *obj*, saved or not, is one of ``rows``."""
        return True

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self.admits(request.user, method=request.method or "GET")

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return self.holds(request.user, obj, method=request.method or "GET")


class IsStaff(Rule):
    """Users with ``is_staff``."""

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return bool(user.is_staff)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return EVERY_ROW if user.is_staff else NO_ROW

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return bool(user.is_staff)


class ReadOnly(Rule):
    """Everyone, by the methods that change nothing."""

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return method in SAFE_METHODS

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return EVERY_ROW if method in SAFE_METHODS else NO_ROW

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return method in SAFE_METHODS


class IsOwner(Rule):
    """
    Only the user an object belongs to, by a dotted path of to-one relations.

    ``IsOwner("customer.user")``, or ``owner = "customer.user"`` in a subclass.
    """

    owner = "owner"
    message = "Only the owner may do this."

    def __init__(self, owner: str | None = None) -> None:
        if owner is not None:
            self.owner = owner

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return bool(user.is_authenticated)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return related_rows(model, self.owner, user.pk)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return user.pk is not None and related_key(obj, self.owner) == user.pk


class IsOwnerOrReadOnly(IsOwner):
    """Everyone reads, the owner writes."""

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return method in SAFE_METHODS or super().admits(user, method=method)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return EVERY_ROW if method in SAFE_METHODS else super().rows(user, model, method=method)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return method in SAFE_METHODS or super().holds(user, obj, method=method)


class IsOwnerOrAdmin(IsOwnerOrReadOnly):
    """
    The owner and staff write; other users read what the view's list shows them.

    Add a rule that narrows reading, ``IsOwnerOrAdmin & …``, where not every user may
    read every row.
    """

    message = "Only the owner or staff may do this."

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return bool(user.is_authenticated)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return EVERY_ROW if user.is_staff else super().rows(user, model, method=method)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return bool(user.is_staff) or super().holds(user, obj, method=method)


class HasOrganizationPermission(Rule):
    """
    Members of an organization, on a plan and in a role.

    ``required_plan`` admits that plan of ``PLANS`` and those after it. ``roles`` narrows
    to users in one of them. ``organization`` is the path from an object to its
    organization: with it, only the user's own organization's objects are theirs.
    """

    required_plan: str | None = None
    roles: tuple[str, ...] = ()
    organization: str | None = None
    message = "Only members of an organization with the right role and plan may do this."

    def __init__(
        self,
        *,
        required_plan: str | None = None,
        roles: tuple[str, ...] = (),
        organization: str | None = None,
    ) -> None:
        self.required_plan = required_plan or self.required_plan
        self.roles = roles or self.roles
        self.organization = organization or self.organization
        if self.required_plan is not None:
            self.code = "plan_required"
            self.message = f"This needs an organization on the {self.required_plan} plan or higher."

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        organization = getattr(user, "organization", None)
        if organization is None or (self.roles and user.role not in self.roles):
            return False
        return self.required_plan is None or plan_admits(organization.plan, self.required_plan)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        if not self.admits(user, method=method):
            return NO_ROW
        if self.organization is None:
            return EVERY_ROW
        return related_rows(model, self.organization, user.organization.pk)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        if not self.admits(user, method=method):
            return False
        if self.organization is None:
            return True
        return bool(related_key(obj, self.organization) == user.organization.pk)


class RequireProPlan(HasOrganizationPermission):
    """An organization on ``pro`` or higher."""

    required_plan = "pro"


def RequirePlan(plan: str) -> HasOrganizationPermission:  # noqa: N802  # Reads as the class it stands for.
    """An organization on *plan* or higher; otherwise 403 ``plan_required``."""
    return HasOrganizationPermission(required_plan=plan)


class WithinWindow(Rule):
    """
    Only for some time after an object was made: ``WithinWindow(hours=24, methods=("DELETE",))``.

    Elapsed time, so a day is 24 hours also when the clocks change. ``code`` is what a
    client reads when the window is closed.
    """

    def __init__(
        self,
        *,
        hours: float,
        methods: tuple[str, ...],
        field: str = "created_at",
        code: str = "permission_denied",
    ) -> None:
        self.window = timedelta(hours=hours)
        self.methods = methods
        self.field = field
        self.code = code
        self.message = f"This is possible for {hours:g} hours only."

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        if method not in self.methods:
            return EVERY_ROW
        return Q(**{f"{self.field}__gte": timezone.now() - self.window})

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        opened = getattr(obj, self.field)
        return method not in self.methods or bool(opened >= timezone.now() - self.window)


class PermittedRowsMixin(GenericAPIView):
    """
    Put before a DRF view or viewset class.

    ``get_queryset`` holds the rows the caller may read, by the ``permission_classes`` of
    the class: those of a single action narrow what it does, not what there is.
    ``save_permitted`` checks an object as it would be saved, also when a change would
    give it to somebody else.
    """

    def get_permissions(self) -> list[Any]:
        """``A & B`` as A, then B, so that the answer has the code of the one that refused."""
        return conjuncts(super().get_permissions())

    def get_queryset(self) -> QuerySet:
        queryset: QuerySet[Any] = super().get_queryset()
        if getattr(self, "swagger_fake_view", False):
            return queryset
        rules = conjuncts(permission() for permission in type(self).permission_classes)
        found = (permitted_rows(rule, self.request, self, queryset.model) for rule in rules)
        return queryset.filter(reduce(and_, found, EVERY_ROW))

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
        columns = {field.name for field in model._meta.concrete_fields}
        for name, value in {**serializer.validated_data, **values}.items():
            if name in columns:
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
        return queryset.filter(self.rule.rows(user, queryset.model))  # type: ignore[no-any-return]  # DRF's stubs let it be None.


def conjuncts(permissions: Iterable[Any]) -> list[Any]:
    """*permissions*, of which each must hold, without an ``AND`` among them."""
    found: list[Any] = []
    for permission in permissions:
        both = isinstance(permission, AND)
        found += conjuncts(operands(permission)) if both else [permission]
    return found


def operands(combination: Any) -> tuple[Any, Any]:
    return combination.op1, combination.op2


def permitted_rows(permission: Any, request: Request, view: APIView, model: type[Model]) -> Q:
    """
    The rows that *permission*, a rule, one of DRF's or a combination, lets the caller read.

    Raises:
        ImproperlyConfigured: it checks objects and cannot say which rows those are.
    """
    if isinstance(permission, AND | OR):
        first, second = (
            permitted_rows(operand, request, view, model) for operand in operands(permission)
        )
        return _either(first, second) if isinstance(permission, OR) else first & second
    if isinstance(permission, NOT):
        denied: Any = permission
        return _complement(permitted_rows(denied.op1, request, view, model))
    if isinstance(permission, Rule):
        admitted = permission.admits(request.user)
        return permission.rows(request.user, model) if admitted else NO_ROW
    if type(permission).has_object_permission is not BasePermission.has_object_permission:
        raise ImproperlyConfigured(
            f"{type(permission).__name__} checks objects but has no rows(), so it cannot scope a "
            "list. Make it a backstay.permissions.Rule."
        )
    return EVERY_ROW if permission.has_permission(request, view) else NO_ROW


def related_rows(model: type[Model], path: str, key: Any) -> Q:
    """
    Rows whose dotted *path* leads to *key*.

    Where the way goes over one row at most (``customer.user`` with one customer a user), that
    row is a scalar subquery: planners then know it is one value, and read a page off an index
    over it in order; a join they would sort.
    """
    first, _, rest = path.partition(".")
    if key is None:
        return NO_ROW
    if not rest or "." in rest:
        return Q(**{path.replace(".", "__"): key})
    through = model._meta.get_field(first).related_model
    if not isinstance(through, type) or not getattr(through._meta.get_field(rest), "unique", False):
        return Q(**{path.replace(".", "__"): key})
    return Q(**{first: through._default_manager.filter(**{rest: key}).values("pk")[:1]})


def related_key(obj: Any, path: str) -> Any:
    """The key at the end of *path*, ``None`` where a relation on the way is empty."""
    *steps, last = path.split(".")
    for step in steps:
        obj = getattr(obj, step, None)
    if obj is None:
        return None
    field = type(obj)._meta.get_field(last)
    return getattr(obj, field.attname if isinstance(field, ForeignKey) else last, None)


def plan_admits(actual: str, required: str) -> bool:
    """Whether *actual* is *required* or a higher plan of ``PLANS``."""
    plans = settings.PLANS
    return actual in plans and plans.index(actual) >= plans.index(required)


def _either(first: Q, second: Q) -> Q:
    """``|``, but an empty ``Q``, which means every row, wins instead of vanishing."""
    return EVERY_ROW if not first or not second else first | second


def _complement(rows: Q) -> Q:
    return ~rows if rows else NO_ROW
