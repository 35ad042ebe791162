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

from django.core import exceptions as django_exceptions
from django.db import DataError, IntegrityError, InterfaceError, OperationalError
from django.db.models import ProtectedError, RestrictedError
from django.http import Http404, UnreadablePostError
from django.http.multipartparser import MultiPartParserError
from rest_framework import exceptions as drf_exceptions
from rest_framework.serializers import as_serializer_error

from backstay.errors.challenge import challenge
from backstay.errors.codes import CATALOGUE, code_of_status
from backstay.errors.integrity import integrity_problem
from backstay.errors.outages import is_outage
from backstay.errors.pointers import flatten
from backstay.errors.problems import (
    Conflict,
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


def _itself(exc: Problem, _context: Context) -> Problem:
    return exc


def _not_found(_exc: Http404, _context: Context) -> Problem:
    # The exception's own text names the model ("No Order matches …"), which
    # would tell a foreign object from one that a permission hides.
    return Converted(404, "not_found", "Not found.")


def _permission_denied(exc: django_exceptions.PermissionDenied, _context: Context) -> Problem:
    return Converted(403, "permission_denied", str(exc))


def _validation(exc: Any, _context: Context) -> Problem:
    return invalid_input(as_serializer_error(exc))


def _csrf_or_permission(exc: drf_exceptions.PermissionDenied, context: Context) -> Problem:
    problem = _api_exception(exc, context)
    # DRF's SessionAuthentication tells a failed CSRF check in no other way.
    if str(problem.detail).startswith("CSRF Failed:"):
        return Converted(403, "csrf_failed", problem.detail)
    return problem


def _authentication_failed(exc: drf_exceptions.APIException, context: Context) -> Problem:
    problem = _api_exception(exc, context)
    # A third-party code ("user_inactive") would tell which accounts exist.
    code = problem.code if problem.code in CATALOGUE else "invalid_credentials"
    return Converted(exc.status_code, code, problem.detail)


def _api_exception(exc: drf_exceptions.APIException, _context: Context) -> Problem:
    detail, own_code, errors = _told(exc)
    usual_code = "validation_error" if exc.status_code == 400 else code_of_status(exc.status_code)
    wait = getattr(exc, "wait", None)
    problem = Converted(
        exc.status_code,
        own_code or usual_code,
        detail,
        errors=errors,
        headers={} if wait is None else {"Retry-After": str(max(ceil(wait), 0))},
    )
    problem.nested = exc.detail if errors else None
    return problem


def _too_big(_exc: Exception, _context: Context) -> Problem:
    return PayloadTooLarge()


def _malformed(_exc: Exception, _context: Context) -> Problem:
    # The exception's own text can hold what the client sent, a bad Host included.
    return MalformedRequest()


def _still_referenced(_exc: Exception, _context: Context) -> Problem:
    return Conflict("Other objects still refer to this one.")


def _unusable_value(_exc: DataError, _context: Context) -> Problem:
    return InvalidInput("The database cannot store one of the values.")


def _database(exc: Exception, _context: Context) -> Problem | None:
    return ServiceUnavailable("The database does not answer.") if is_outage(exc) else None


_Conversion = Callable[[Any, Context], Problem | None]

# The first match counts, so a subclass stands before its base.
_CONVERSIONS: tuple[tuple[tuple[type[BaseException], ...], _Conversion], ...] = (
    ((Problem,), _itself),
    ((Http404,), _not_found),
    ((django_exceptions.PermissionDenied,), _permission_denied),
    ((drf_exceptions.ValidationError, django_exceptions.ValidationError), _validation),
    ((drf_exceptions.PermissionDenied,), _csrf_or_permission),
    ((drf_exceptions.AuthenticationFailed,), _authentication_failed),
    ((drf_exceptions.APIException,), _api_exception),
    ((django_exceptions.RequestDataTooBig,), _too_big),
    (
        (
            django_exceptions.SuspiciousOperation,
            django_exceptions.BadRequest,
            MultiPartParserError,
            UnreadablePostError,
        ),
        _malformed,
    ),
    ((ProtectedError, RestrictedError), _still_referenced),
    ((IntegrityError,), integrity_problem),
    ((DataError,), _unusable_value),
    ((OperationalError, InterfaceError), _database),
)


def invalid_input(nested: Any) -> Problem:
    """The problem of validation errors nested as DRF nests them."""
    problem = InvalidInput(errors=tuple(flatten(nested)))
    problem.nested = nested
    return problem


def _told(exc: drf_exceptions.APIException) -> tuple[Any, str, tuple[Any, ...]]:
    """What a DRF-style exception says: its sentence, its code, its field errors."""
    said: Any = exc.detail
    if isinstance(said, Mapping) and "detail" in said:
        code = said.get("code", getattr(said["detail"], "code", ""))
        return said["detail"], _own_code(code), ()
    if isinstance(said, Mapping | list):
        return None, _own_code(exc.default_code), tuple(flatten(said))
    return said, _own_code(said.code), ()


def _own_code(code: object) -> str:
    """The code that the client gets, ``""`` where only the status tells."""
    name = str(code or "")
    name = _RENAMED.get(name, name)
    return name if name in CATALOGUE or _OWN_CODE.fullmatch(name) else ""


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
