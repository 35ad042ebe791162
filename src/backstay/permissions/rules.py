"""
The algebra of rules: what a rule is asked, and ``&``, ``|`` and ``~`` of rules.

``scope`` and ``permits`` of a combination come from those of its parts, so a list and
an object check agree for every combination of parts that agree.
"""

from collections.abc import Callable, Iterable
from copy import copy
from functools import reduce
from operator import and_, or_
from typing import Any, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import BooleanField, Case, Model, Q, Value, When
from rest_framework.permissions import (
    SAFE_METHODS,
    BasePermission,
    BasePermissionMetaclass,
    OperationHolderMixin,
)
from rest_framework.request import Request
from rest_framework.views import APIView

EVERY_ROW = Q()
NO_ROW = Q(pk__in=())


class RuleType(BasePermissionMetaclass):
    """Lets classes of rules combine as their instances do: ``~IsStaff`` is ``~IsStaff()``."""

    def __and__(self, other: Any) -> Any:
        return self() & as_instance(other)

    def __or__(self, other: Any) -> Any:
        return self() | as_instance(other)

    def __invert__(self) -> Any:
        return ~self()


class Rule(OperationHolderMixin, BasePermission, metaclass=RuleType):
    """
    The base of all rules. Override ``admits``, or ``rows`` and ``holds`` together.

    DRF calls what stands in ``permission_classes``; a rule made with arguments
    answers with a copy of itself, so that no request sees another's.
    """

    message: str | None = None
    code: str | None = None

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        """Whether *user* may use *method* at all, before any object is known."""
        return True

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        """Of *model*, the rows on which *user*, once admitted, may use *method*."""
        return EVERY_ROW

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        """Whether *obj*, saved or not, is one of ``rows``."""
        return True

    def scope(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        """The rows on which *user* may use *method*; for a queryset's ``filter``."""
        admitted = self.admits(user, method=method)
        return self.rows(user, model, method=method) if admitted else NO_ROW

    def permits(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        """Whether *user* may use *method* on *obj*."""
        return self.admits(user, method=method) and self.holds(user, obj, method=method)

    def has_permission(self, request: Request, view: APIView) -> bool:
        return self.admits(caller(request), method=request.method or "GET")

    def has_object_permission(self, request: Request, view: APIView, obj: Any) -> bool:
        return self.permits(caller(request), obj, method=request.method or "GET")

    def __call__(self) -> Self:
        return copy(self)

    def __eq__(self, other: object) -> bool:
        """Of the same class, made with the same arguments: a copy asks the same."""
        return type(self) is type(other) and vars(self) == vars(other)

    def __hash__(self) -> int:
        return hash(type(self))

    @property
    def about_objects(self) -> bool:
        """Whether the answer depends on the object, and not on the user and method alone."""
        return type(self).holds is not Rule.holds

    def __and__(self, other: Any) -> Any:
        other = as_instance(other)
        return AllOf(self, other) if isinstance(other, Rule) else super().__and__(other)

    def __or__(self, other: Any) -> Any:
        other = as_instance(other)
        return AnyOf(self, other) if isinstance(other, Rule) else super().__or__(other)

    def __invert__(self) -> Any:
        return Not(self)


class Combination(Rule):
    """Several rules as one; each request gets its own copy of every part."""

    #: What the answers of the parts come to, and what their rows do.
    decide: Callable[[Iterable[bool]], bool]
    join: Callable[[Iterable[Q]], Q]

    def __init__(self, *rules: Rule) -> None:
        self.rules = rules

    def __call__(self) -> Self:
        return type(self)(*(rule() for rule in self.rules))

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return self.decide(rule.admits(user, method=method) for rule in self.rules)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return self.join(rule.scope(user, model, method=method) for rule in self.rules)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return self.decide(rule.permits(user, obj, method=method) for rule in self.rules)


def all_of(conditions: Iterable[Q]) -> Q:
    """Rows that meet every condition."""
    return reduce(and_, conditions, EVERY_ROW)


def any_of(conditions: Iterable[Q]) -> Q:
    """Rows that meet one condition; an empty ``Q`` means every row, and does not vanish."""
    found = list(conditions)
    return reduce(or_, found, NO_ROW) if all(found) else EVERY_ROW


class AllOf(Combination):
    """``A & B``."""

    decide, join = staticmethod(all), staticmethod(all_of)

    def __invert__(self) -> Any:
        return AnyOf(*(~rule for rule in self.rules))


class AnyOf(Combination):
    """``A | B``; a refusal says what the last of them that has a code or a message says."""

    decide, join = staticmethod(any), staticmethod(any_of)

    def __init__(self, *rules: Rule) -> None:
        super().__init__(*rules)
        self.code = next((rule.code for rule in reversed(rules) if rule.code), None)
        self.message = next((rule.message for rule in reversed(rules) if rule.message), None)

    def __invert__(self) -> Any:
        return AllOf(*(~rule for rule in self.rules))


class Not(Rule):
    """
    ``~A``: the users that A does not admit; for a rule about objects, its other objects.

    A is one rule and no combination: ``~(A & B)`` is ``~A | ~B``, so that what refuses a
    user before any object is known still does.
    """

    def __init__(self, rule: Rule) -> None:
        self.rule = rule

    def __call__(self) -> Self:
        return type(self)(self.rule())

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return self.rule.about_objects or not self.rule.admits(user, method=method)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return none_of(self.rule.scope(user, model, method=method))

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return not self.rule.permits(user, obj, method=method)

    def __invert__(self) -> Any:
        return self.rule


class IsStaff(Rule):
    """Users with ``is_staff``."""

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return bool(user.is_staff)


class ReadOnly(Rule):
    """Everyone, by the methods that change nothing."""

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return method in SAFE_METHODS


def as_instance(permission: Any) -> Any:
    """*permission*, an instance where it is a class of rules."""
    return permission() if isinstance(permission, RuleType) else permission


def caller(request: Request) -> Any:
    """The user; DRF's ``UNAUTHENTICATED_USER`` may be ``None``."""
    return request.user or AnonymousUser()


def none_of(condition: Q) -> Q:
    """
    Rows that do not meet the condition, among them those of which SQL cannot tell.

    ``NOT`` of a comparison with NULL is NULL, which would hide the row.
    """
    if not condition:
        return NO_ROW
    met = When(condition, then=Value(False))
    return Q(Case(met, default=Value(True), output_field=BooleanField()))
