"""
A broken database constraint, told as the client's error where it is one.

Validation looks first and the database decides: of two clients who pass the
check at once, the second gets the same kind of answer as one who came later. A
unique constraint is 409 ``conflict``, a foreign key or a check is 400
``validation_error``, each with the field where the request named it.

It is the client's error when the request is a write and the constraint's model
is the view's, or the body names one of its fields, or the constraint's author
gave it words of its own. Any other broken constraint (a NOT NULL, an internal
table) stays an ``internal_error``: a mistake must not hide as a conflict.

Limit: SQLite says of a foreign key neither table nor column, so there the error
points at nothing and is the client's whenever the write has a body.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from django.apps import apps
from django.core.exceptions import SuspiciousOperation
from django.db import IntegrityError
from django.db.models import (
    BaseConstraint,
    CheckConstraint,
    F,
    Field,
    Model,
    ProtectedError,
    Q,
    RestrictedError,
    UniqueConstraint,
)
from django.http.request import RawPostDataException
from rest_framework.exceptions import APIException
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request

from backstay.errors.drivers import Kind, Violation, read_violation
from backstay.errors.pointers import join
from backstay.errors.problems import Conflict, FieldError, InvalidInput, Problem

_Model = type[Model]
_Found = tuple[_Model, BaseConstraint | None, "list[Field[Any, Any]]"]

# The code and the sentence where the constraint has none of its own.
_USUAL: dict[Kind, tuple[str, str]] = {
    "unique": ("unique", "Another object with these values already exists."),
    "foreign_key": ("does_not_exist", "The object that is referred to does not exist."),
    "check": ("invalid", "The values do not fit together."),
}


def integrity_problem(exc: IntegrityError, context: Mapping[str, Any]) -> Problem | None:
    """The problem, ``None`` where the constraint is not the client's business."""
    request, violation = context["request"], read_violation(exc)
    refused_delete = request.method == "DELETE" and violation and violation.kind == "foreign_key"
    if refused_delete or isinstance(exc, ProtectedError | RestrictedError):
        return Conflict("Other objects still refer to this one.")
    if violation is None or request.method in {*SAFE_METHODS, "DELETE"}:
        return None

    data = _body(request)
    found = _find(violation)
    if found is None:
        unnamed = violation.kind == "foreign_key" and not violation.table and bool(data)
        return _problem(violation.kind, None, []) if unnamed else None

    model, constraint, fields = found
    pointers = [
        pointer
        for field in fields
        for pointer in _pointers(data, {field.name, field.attname}, violation.value)
    ]
    if pointers or constraint is not None or model is _model_of(context.get("view")):
        return _problem(violation.kind, constraint, pointers)
    return None


def _problem(kind: Kind, constraint: BaseConstraint | None, pointers: list[str]) -> Problem:
    code, sentence = _USUAL[kind]
    if constraint is not None:
        code = constraint.violation_error_code or code
        sentence = str(constraint.get_violation_error_message())
    errors = [FieldError(pointer, code, sentence) for pointer in pointers]
    if kind == "unique":
        return Conflict(sentence, errors=errors)
    return InvalidInput(sentence, errors=errors or [FieldError("", code, sentence)])


def _find(violation: Violation) -> _Found | None:
    """The model and fields behind a violation, and its constraint if that has own words."""
    for model in apps.get_models():
        for constraint in model._meta.constraints:
            fields = _fields_of(model, constraint)
            if constraint.name == violation.constraint or _is_meant(constraint, fields, violation):
                return model, _with_own_words(constraint), fields
        if violation.columns and model._meta.db_table == violation.table:
            by_column = {field.column: field for field in model._meta.local_concrete_fields}
            if all(column in by_column for column in violation.columns):
                return model, None, [by_column[column] for column in violation.columns]
    return None


def _is_meant(
    constraint: BaseConstraint, fields: "list[Field[Any, Any]]", violation: Violation
) -> bool:
    """SQLite says of a unique constraint which columns it has, and not its name."""
    columns = {field.column for field in fields if field.model._meta.db_table == violation.table}
    return (
        isinstance(constraint, UniqueConstraint)
        and not constraint.expressions
        and bool(columns)
        and columns == set(violation.columns)
    )


def _with_own_words(constraint: BaseConstraint) -> BaseConstraint | None:
    usual = constraint.default_violation_error_message
    said = constraint.violation_error_code or constraint.violation_error_message != usual
    return constraint if said else None


def _fields_of(model: _Model, constraint: BaseConstraint) -> "list[Field[Any, Any]]":
    named = set(getattr(constraint, "fields", ()))
    condition = getattr(constraint, "condition", None)
    if isinstance(constraint, CheckConstraint) and isinstance(condition, Q):
        named |= condition.referenced_base_fields
    for expression in getattr(constraint, "expressions", ()):
        named |= {getattr(part, "name", "") for part in expression.flatten() if isinstance(part, F)}
    return [field for field in model._meta.concrete_fields if field.name in named]


def _model_of(view: Any) -> _Model | None:
    """The model that *view* declares it writes."""
    declared = getattr(view, "queryset", None)
    if declared is None:
        declared = getattr(getattr(view, "serializer_class", None), "Meta", None)
    return getattr(declared, "model", None)


def _body(request: Any) -> Any:
    """
    The parsed body, ``None`` where it cannot be read.

    After the view, when the transaction of ``ATOMIC_REQUESTS`` commits, there is
    only Django's request, which knows the bytes.
    """
    try:
        return request.data if isinstance(request, Request) else json.loads(request.body)
    except (APIException, SuspiciousOperation, RawPostDataException, ValueError, OSError):
        return None


def _pointers(data: Any, names: set[str], value: str | None) -> list[str]:
    """Where the body names the field; where that is ambiguous, those that hold *value*."""
    places = list(_places(data, names, ""))
    if len(places) <= 1:
        return [pointer for pointer, _ in places]
    if value is None:
        return [pointer for pointer, _ in places if pointer.count("/") == 1]
    return [pointer for pointer, held in places if str(held) == value]


def _places(data: Any, names: set[str], pointer: str) -> Iterator[tuple[str, Any]]:
    if isinstance(data, Mapping):
        for key, value in data.items():
            if key in names:
                yield join(pointer, key), value
            else:
                yield from _places(value, names, join(pointer, key))
    elif isinstance(data, list):
        for index, value in enumerate(data):
            yield from _places(value, names, join(pointer, index))
