"""
Input that is what it says: no unknown field, no wrong JSON type.

DRF drops unknown fields in silence, so a misspelt ``quantiy`` is an order of
one; it reads ``"5"`` and ``5.0`` as five, ``1`` as true and the foreign key
``1.5`` as row 1. Here each of these is a 400 that names the field.

Read-only fields may be sent and are ignored, so that a client can send back
what it got. Form input has no types, so only JSON is held to them.
"""

import datetime
import re
from collections.abc import Iterator, Mapping
from typing import Any

from django.db.models import AutoField, IntegerField
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import Field
from rest_framework.relations import ManyRelatedField, PrimaryKeyRelatedField
from rest_framework.utils.html import is_html_input

#: The JSON types a field takes, the first class that fits decides.
JSON_TYPES: tuple[tuple[type[Field], tuple[type, ...], str], ...] = (
    (serializers.BooleanField, (bool,), "true or false"),
    (serializers.IntegerField, (int,), "an integer"),
    (serializers.FloatField, (int, float), "a number"),
    (serializers.DecimalField, (str, int, float), "a decimal number or a string of one"),
    (serializers.CharField, (str,), "a string"),
    (serializers.UUIDField, (str,), "a string"),
    (serializers.DateTimeField, (str, datetime.datetime), "a string"),
    (serializers.DateField, (str, datetime.date), "a string"),
    (serializers.TimeField, (str, datetime.time), "a string"),
    (serializers.DurationField, (str, datetime.timedelta), "a string"),
    (serializers.ListField, (list, tuple), "an array"),
    (serializers.DictField, (dict,), "an object"),
)


#: A decimal number in a string: not ``1_000``, not ``1e3``, and in these digits.
PLAIN_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?", re.ASCII)


class StrictInputMixin:
    """Put before a DRF serializer class."""

    def to_internal_value(self, data: Any) -> Any:
        """
        Validate all fields and the form of *data* in one go.

        Raises:
            ValidationError: with every error of every field, unknown ones included.
        """
        errors = self._form_errors(data)
        try:
            values = super().to_internal_value(data)  # type: ignore[misc]  # A mixin.
        except ValidationError as error:
            if isinstance(error.detail, dict):
                error.detail = _merged(error.detail, errors)
            raise
        if errors:
            raise ValidationError(errors)
        return values

    def _form_errors(self, data: Any) -> dict[str, Any]:
        if not isinstance(data, Mapping) or is_html_input(data):
            return {}
        fields: Mapping[str, Field] = self.fields  # type: ignore[attr-defined]
        errors: dict[str, Any] = {}
        for name, value in data.items():
            field = fields.get(name)
            if field is None:
                errors[name] = [ErrorDetail("There is no such field.", code="unknown_field")]
            elif not field.read_only and (wrong := type_errors(field, value)):
                errors[name] = wrong
        return errors


def type_errors(field: Field, value: Any) -> Any:
    """
    What is wrong with the JSON type of *value*, in DRF's nested form; empty when right.

    ``null`` is left to the field's own ``allow_null``.
    """
    if value is None:
        return []
    inside = ((place, type_errors(child, item)) for place, child, item in _parts(field, value))
    if found := {place: errors for place, errors in inside if errors}:
        return found
    types, wanted = _expected(field)
    if isinstance(field, serializers.DecimalField) and isinstance(value, str):
        if PLAIN_NUMBER.fullmatch(value):
            return []
        return [ErrorDetail(str(field.error_messages["invalid"]), code="invalid")]
    if not types or _is_a(value, types):
        return []
    return [ErrorDetail(f"Expected {wanted}.", code="invalid_type")]


def _parts(field: Field, value: Any) -> Iterator[tuple[Any, Field, Any]]:
    """The items of a list or an object: each with its place and the field that reads it."""
    if isinstance(field, serializers.DictField) and isinstance(value, Mapping):
        yield from ((name, field.child, item) for name, item in value.items())
    elif isinstance(field, serializers.ListField) and isinstance(value, list):
        yield from ((index, field.child, item) for index, item in enumerate(value))
    elif isinstance(field, ManyRelatedField) and isinstance(value, list):
        yield from ((index, field.child_relation, item) for index, item in enumerate(value))


def _merged(values: Mapping[Any, Any], form: Mapping[Any, Any]) -> dict[Any, Any]:
    """Errors of *values* and of *form*; where both have one, the form is mended first."""
    both = dict(values)
    for place, found in form.items():
        other = both.get(place)
        if isinstance(other, Mapping) and isinstance(found, Mapping):
            both[place] = _merged(other, found)
        else:
            both[place] = found
    return both


def _expected(field: Field) -> tuple[tuple[type, ...], str]:
    if isinstance(field, PrimaryKeyRelatedField):
        return _expected_key(field)
    for field_class, types, wanted in JSON_TYPES:
        if isinstance(field, field_class):
            return types, wanted
    return (), ""


def _expected_key(field: PrimaryKeyRelatedField) -> tuple[tuple[type, ...], str]:
    model = getattr(field.get_queryset(), "model", None)
    if model is None or field.pk_field is not None:
        return (), ""
    if isinstance(model._meta.pk, AutoField | IntegerField):
        return (int,), "an integer"
    return (str,), "a string"


def _is_a(value: Any, types: tuple[type, ...]) -> bool:
    """``true`` is not a number; ``5.0`` is the integer 5 (JSON Schema, section 4.2.3)."""
    if isinstance(value, bool):
        return bool in types
    if isinstance(value, float) and int in types and float not in types:
        return value.is_integer()
    return isinstance(value, types)
