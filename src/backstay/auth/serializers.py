"""Bodies of the token endpoints. Their names are those of simplejwt."""

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework import serializers

#: Longer passwords are refused before they are hashed, and never cut.
MAX_PASSWORD_LENGTH = 128


class PasswordField(serializers.CharField):
    """A secret as typed: blanks at its ends belong to it."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", MAX_PASSWORD_LENGTH)
        kwargs.setdefault("style", {"input_type": "password"})
        super().__init__(write_only=True, trim_whitespace=False, **kwargs)


class LoginRequest(serializers.Serializer):
    """The user model's ``USERNAME_FIELD``, and a password."""

    password = PasswordField()

    def get_fields(self) -> dict[str, serializers.Field]:
        name = get_user_model().USERNAME_FIELD
        return {
            name: serializers.CharField(max_length=254, write_only=True),
            **super().get_fields(),
        }


class RefreshRequest(serializers.Serializer):
    refresh = serializers.CharField(write_only=True)


class VerifyRequest(serializers.Serializer):
    token = serializers.CharField(write_only=True)


class TokenPairResponse(serializers.Serializer):
    access = serializers.CharField(read_only=True)
    refresh = serializers.CharField(read_only=True)


class Empty(serializers.Serializer):
    """``{}``: the status says it all."""
