"""
From any exception to the problem it is, or ``None``: a mistake of ours.

``to_problem`` looks its argument up in one table. Whatever is not in the table
is an ``internal_error``; nothing of it may reach the client.

A project's own DRF-style exceptions (``status_code``, ``default_detail``,
``default_code``) work as they are: their ``default_code`` becomes the code.
"""

import re
from collections.abc import Callable, Mapping
from math import ceil
from typing import Any

from django.core import exceptions as django
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf
from rest_framework.serializers import as_serializer_error
from rest_framework.settings import api_settings

from backstay.errors.codes import CATALOGUE, code_of_status
from backstay.errors.drivers import is_outage
from backstay.errors.integrity import integrity_problem
from backstay.errors.pointers import flatten
from backstay.errors.problems import (
    Converted,
    InvalidInput,
    MalformedRequest,
    PayloadTooLarge,
    Problem,
    ServiceUnavailable,
)

#: What DRF hands to an exception handler: ``request`` and ``view``.
Context = Mapping[str, Any]

_OWN_CODE = re.compile(r"[a-z][a-z0-9_]*")

# DRF's codes, and simplejwt's one, where the name here is another.
_RENAMED = {
    "error": "",
    "invalid": "",
    "authentication_failed": "invalid_credentials",
    "token_not_valid": "token_invalid",
}


def to_problem(exc: BaseException, context: Context) -> Problem | None:
    """The problem that *exc* is, ``None`` if it is a mistake in the code."""
    for kinds, conversion in _CONVERSIONS:
        if isinstance(exc, kinds):
            problem = conversion(exc, context)
            return problem and _challenged(problem, exc, context)
    return None


def invalid_input(nested: Any) -> Problem:
    """The problem of validation errors nested as DRF nests them."""
    return InvalidInput(errors=tuple(flatten(nested)), nested=nested)


def challenge(view: Any, request: Any) -> str | None:
    """
    The first challenge that an authenticator of *view*, or of the project, names.

    A view that authenticates nobody, a log-in for one, still has to say how: so
    the project's default authenticators are asked after the view's own.
    """
    own: list[Any] = getattr(view, "get_authenticators", list)()
    classes: Any = api_settings.DEFAULT_AUTHENTICATION_CLASSES
    for authenticator in (*own, *(kind() for kind in classes)):
        header = authenticator.authenticate_header(request)
        if header:
            return str(header)
    return None


def _api_exception(exc: drf.APIException) -> Problem:
    """A DRF-style exception: its sentence, its code, its field errors."""
    said: Any = exc.detail
    detail, code, nested = said, getattr(said, "code", ""), None
    if isinstance(said, Mapping) and "detail" in said:
        detail = said["detail"]
        code = said.get("code", getattr(detail, "code", ""))
    elif isinstance(said, Mapping | list):
        detail, code, nested = None, exc.default_code, said or None
    usual = "validation_error" if exc.status_code == 400 else code_of_status(exc.status_code)
    wait = getattr(exc, "wait", None)
    return Converted(
        exc.status_code,
        _own_code(code) or usual,
        detail,
        errors=tuple(flatten(nested or ())),
        headers={} if wait is None else {"Retry-After": str(max(ceil(wait), 0))},
        nested=nested,
    )


def _own_code(code: object) -> str:
    """The code that the client gets, ``""`` where only the status tells."""
    name = str(code or "")
    name = _RENAMED.get(name, name)
    return name if name in CATALOGUE or _OWN_CODE.fullmatch(name) else ""


def _csrf_or_permission(exc: drf.PermissionDenied) -> Problem:
    problem = _api_exception(exc)
    # DRF's SessionAuthentication tells a failed CSRF check in no other way.
    if str(problem.detail).startswith("CSRF Failed:"):
        return Converted(403, "csrf_failed", problem.detail)
    return problem


def _authentication_failed(exc: drf.AuthenticationFailed) -> Problem:
    problem = _api_exception(exc)
    # A third-party code ("user_inactive") would tell which accounts exist.
    code = problem.code if problem.code in CATALOGUE else "invalid_credentials"
    return Converted(exc.status_code, code, problem.detail)


def _database(exc: Exception) -> Problem | None:
    return ServiceUnavailable("The database does not answer.") if is_outage(exc) else None


# The first match counts, so a subclass stands before its base.
_CONVERSIONS: tuple[tuple[Any, Callable[[Any, Context], Problem | None]], ...] = (
    (Problem, lambda exc, _: exc),
    # The exception's own text names the model ("No Order matches …"), which
    # would tell a foreign object from one that a permission hides.
    (Http404, lambda *_: Converted(404, "not_found", "Not found.")),
    (django.PermissionDenied, lambda exc, _: Converted(403, "permission_denied", str(exc))),
    (
        (drf.ValidationError, django.ValidationError),
        lambda exc, _: invalid_input(as_serializer_error(exc)),
    ),
    (drf.PermissionDenied, lambda exc, _: _csrf_or_permission(exc)),
    (drf.AuthenticationFailed, lambda exc, _: _authentication_failed(exc)),
    (drf.APIException, lambda exc, _: _api_exception(exc)),
    (django.RequestDataTooBig, lambda *_: PayloadTooLarge()),
    # The exception's own text can hold what the client sent, a bad Host included.
    (
        (django.SuspiciousOperation, django.BadRequest, MultiPartParserError, UnreadablePostError),
        lambda *_: MalformedRequest(),
    ),
    (IntegrityError, integrity_problem),
    (DataError, lambda *_: InvalidInput("The database cannot store one of the values.")),
    ((OperationalError, InterfaceError), lambda exc, _: _database(exc)),
)


def _challenged(problem: Problem, exc: BaseException, context: Context) -> Problem:
    """
    Answer 401 with a challenge (RFC 9110 section 15.5.2).

    DRF turns a 401 into a 403 when the first authenticator of the view names no
    challenge. Here any of them may, and the project's default ones.
    """
    if 401 not in {getattr(type(exc), "status_code", None), problem.status_code}:
        return problem
    offered = (
        problem.headers.get("WWW-Authenticate")
        or getattr(exc, "auth_header", None)
        or challenge(context.get("view"), context["request"])
    )
    problem.status_code = 401 if offered else 403
    if offered:
        problem.headers["WWW-Authenticate"] = offered
    return problem
