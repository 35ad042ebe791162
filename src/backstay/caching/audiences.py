"""
Whether what a view shows is the same for all callers of an audience, as far as one sees.

Rules are asked for their rows on behalf of callers who differ in all that the audience does not
tell apart. Of DRF's own permissions it is known who is let in; of serializers, which fields
only some may see. For the public, the code of what chooses and shows rows is looked through
for ``request.user``.

Limits: a permission of another make is not asked, for it may do anything; code is not
followed into what it calls.
"""

import ast
import re
from collections.abc import Iterable, Iterator
from inspect import getsource, unwrap
from textwrap import dedent
from types import SimpleNamespace
from typing import Any

from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import EmptyResultSet
from django.db import DatabaseError
from django.db.models import Model, Q
from rest_framework.permissions import (
    OR,
    DjangoModelPermissions,
    IsAdminUser,
    IsAuthenticated,
    OperandHolder,
)
from rest_framework.serializers import ListSerializer, SerializerMethodField

from backstay.caching.policy import CachePolicy
from backstay.permissions import Rule
from backstay.permissions.rules import as_instance


def personal(view: Any, policy: CachePolicy) -> Iterator[str]:
    """What of the view depends on who calls."""
    for serializer in {getattr(view, "serializer_class", None), *_by_action(view)} - {None}:
        if any(_visible_to(serializer)):
            yield f"{serializer.__name__} shows fields to some callers only"
        if policy.audience == "public":
            yield from (
                f"{name} of {serializer.__name__} reads the user of the request"
                for name in _asking(serializer, _shown_by(serializer))
            )
    yield from _by_permission(view, str(policy.audience))
    if policy.audience == "public":
        yield from (
            f"its {name} reads the user of the request" for name in _asking(type(view), _CHOOSE)
        )


def _by_permission(view: Any, audience: str) -> Iterator[str]:
    permissions = list(getattr(view, "permission_classes", ()))
    model = getattr(getattr(view, "queryset", None), "model", None)
    rules = [one for one in map(as_instance, permissions) if isinstance(one, Rule)]
    if model is not None and any(_tells_apart(rule, audience, model) for rule in rules):
        yield "its permissions choose the rows by the caller"
    refused = any(not _admits(rule, AnonymousUser()) for rule in rules)
    if audience == "public" and (refused or any(map(_needs_login, permissions))):
        yield "only some callers may see it"


def _needs_login(permission: Any) -> bool:
    """One of DRF's, alone or combined."""
    if isinstance(permission, OperandHolder):
        operator: Any = permission.operator_class
        decide = all if operator is OR else any
        return decide(map(_needs_login, (permission.op1_class, permission.op2_class)))
    if not isinstance(permission, type):
        return False
    if issubclass(permission, DjangoModelPermissions):
        return permission.authenticated_users_only
    return issubclass(permission, (IsAuthenticated, IsAdminUser))


def _tells_apart(rule: Rule, audience: str, model: type[Model]) -> bool:
    """
    Whether *rule* has different rows for callers who are one audience.

    One that reads of them what is not known here is taken to tell them apart by it.
    """
    callers = [one for one in _CALLERS[audience] if _admits(rule, one)]
    try:
        return len({_text(rule.rows(one, model)) for one in callers}) > 1
    except _UNKNOWN:
        return True


def _admits(rule: Rule, caller: Any) -> bool:
    try:
        return rule.admits(caller)
    except _UNKNOWN:
        return True


_UNKNOWN = (AttributeError, TypeError, ValueError, DatabaseError, EmptyResultSet)


def _caller(key: int, *, role: str = "member", organization: int = 1, staff: bool = False) -> Any:
    """A user, by what rules read of one."""
    return SimpleNamespace(
        pk=key,
        id=key,
        is_authenticated=True,
        is_anonymous=False,
        is_active=True,
        is_staff=staff,
        is_superuser=staff,
        role=role,
        organization_role=role,
        organization_id=organization,
        organization=SimpleNamespace(pk=organization, id=organization, plan="enterprise"),
    )


_ONE, _COLLEAGUES = _caller(1), [_caller(2, role="owner"), _caller(3, staff=True)]
_OTHERS = [_caller(4, organization=2), _caller(5, organization=2, role="owner", staff=True)]

#: Callers who differ in all that the audience does not tell apart.
_CALLERS: dict[str, list[Any]] = {
    "public": [AnonymousUser(), _ONE, *_COLLEAGUES, *_OTHERS],
    "organization": [_ONE, *_COLLEAGUES],
    "plan": [_ONE, *_COLLEAGUES, *_OTHERS],
    "role": [_ONE, _caller(2, organization=2)],
}


def _text(condition: Any) -> str:
    """*condition* so that equal ones are equal; of a subquery its SQL, which is not run."""
    if isinstance(condition, Q):
        return f"{condition.connector} {condition.negated} {[*map(_text, condition.children)]}"
    if isinstance(condition, tuple):
        name, value = condition
        return f"{name} = {getattr(value, 'query', value)}"
    return str(condition)


#: The methods of a view that choose what is shown.
_CHOOSE = ("get", "list", "retrieve", "get_queryset", "filter_queryset", "get_object")


def _shown_by(serializer: Any) -> list[str]:
    """The methods of a serializer that make what is shown."""
    fields = getattr(serializer, "_declared_fields", {}).items()
    methods = [(name, one) for name, one in fields if isinstance(one, SerializerMethodField)]
    return ["to_representation", *(one.method_name or f"get_{name}" for name, one in methods)]


def _asking(kind: type, methods: Iterable[str]) -> Iterator[str]:
    """Those of *methods* that say ``request.user``, in their own code."""
    for name in methods:
        method: Any = unwrap(getattr(kind, name, None) or _nothing)
        foreign = method.__module__.partition(".")[0] not in {"backstay", "rest_framework"}
        if foreign and _says_user(method):
            yield name


def _nothing() -> None:
    """Stands for a method that is not there."""


def _says_user(method: Any) -> bool:
    try:
        code = ast.parse(dedent(getsource(method)))
    except (OSError, TypeError, SyntaxError):  # Made without a file, or a part of a line.
        return False
    return any(
        isinstance(node, ast.Attribute)
        and node.attr == "user"
        and _REQUEST.search(ast.unparse(node.value))
        for node in ast.walk(code)
    )


#: How the request is called: ``request``, ``self.context["request"]``, ``….get("request")``.
_REQUEST = re.compile(r"""\brequest\b(['"][])]+)?$""")


def _by_action(view: Any) -> Any:
    return getattr(view, "serializer_classes", {}).values()


def _visible_to(serializer: Any) -> Iterator[Any]:
    """The rules of ``Meta.visible_to``, those of nested serializers too."""
    yield from getattr(getattr(serializer, "Meta", None), "visible_to", {})
    if isinstance(serializer, ListSerializer):
        yield from _visible_to(serializer.child)
    for field in getattr(serializer, "_declared_fields", {}).values():
        yield from _visible_to(field)
