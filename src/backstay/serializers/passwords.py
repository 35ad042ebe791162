"""
A new password, typed twice and held to the project's rules.

Django's ``AUTH_PASSWORD_VALIDATORS`` run with the other fields at hand, so a
password that resembles the name is found. Shorter than 8 characters is refused
whatever they say; longer than 128 is refused before it is hashed.
"""

from copy import copy
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError as DjangoValidationError
from rest_framework import serializers
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.fields import Field, get_error_detail

MIN_LENGTH = 8
MAX_LENGTH = 128


class NewPasswordMixin:
    """Adds ``password`` and ``password_confirm``; only ``password`` is in the validated data."""

    def get_fields(self) -> dict[str, Field]:
        fields: dict[str, Field] = super().get_fields()  # type: ignore[misc]  # A mixin.
        for name in ("password", "password_confirm"):
            fields[name] = serializers.CharField(
                write_only=True,
                trim_whitespace=False,
                min_length=MIN_LENGTH,
                max_length=MAX_LENGTH,
                style={"input_type": "password"},
            )
        return fields

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs = super().validate(attrs)  # type: ignore[misc]  # A mixin.
        # A partial update need not name the password; naming one of the two is not enough.
        if not attrs.keys() & {"password", "password_confirm"}:
            return attrs
        if attrs.get("password") != attrs.pop("password_confirm", None):
            message = ErrorDetail("The two passwords differ.", code="password_mismatch")
            raise ValidationError({"password_confirm": [message]})
        try:
            validate_password(attrs["password"], user=self._candidate(attrs))
        except DjangoValidationError as error:
            raise ValidationError({"password": get_error_detail(error)}) from None
        return attrs

    def _candidate(self, attrs: dict[str, Any]) -> Any:
        """The user as they would be, for validators that compare."""
        model = get_user_model()
        candidate = copy(getattr(self, "instance", None)) or model()
        columns = {field.name for field in model._meta.concrete_fields} - {"password"}
        for name in attrs.keys() & columns:
            setattr(candidate, name, attrs[name])
        return candidate
