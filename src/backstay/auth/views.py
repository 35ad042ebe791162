"""
Log in, refresh, verify.

A wrong credential is always 401 with its challenge, and no answer may be
stored by a cache on the way (RFC 6749 section 5.1). An ``Authorization``
header on these requests is not looked at.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from backstay.auth.authentication import CHALLENGE
from backstay.auth.errors import InvalidCredentials
from backstay.auth.issuing import active_user, issue_tokens, refresh_tokens
from backstay.auth.serializers import (
    Empty,
    LoginRequest,
    RefreshRequest,
    TokenPairResponse,
    VerifyRequest,
)
from backstay.auth.tokens import codec


def refuse_unknown_fields(data: Mapping[str, Any], serializer: Serializer) -> None:
    """
    Raises:
        ValidationError: a misspelt or foreign field, which would otherwise do nothing.
    """
    unknown = [name for name in data if name not in serializer.fields]
    if unknown:
        error = ErrorDetail("There is no such field.", code="unknown_field")
        raise ValidationError({name: [error] for name in unknown})


class TokenView(APIView):
    """What the three have in common. ``serializer_class`` names the request's body."""

    authentication_classes = ()
    permission_classes = (AllowAny,)
    serializer_class: type[Serializer]
    response_serializer_class: type[Serializer] = TokenPairResponse

    def validated(self, request: Request) -> dict[str, Any]:
        serializer = self.serializer_class(data=request.data, context={"request": request})
        if isinstance(request.data, Mapping):
            refuse_unknown_fields(request.data, serializer)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def get_authenticate_header(self, request: Request) -> str:
        """Without it DRF answers 403 where no authentication class is set."""
        return CHALLENGE

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        response = super().finalize_response(*args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class TokenObtainPairView(TokenView):
    """Exchange a login and a password for an access and a refresh token."""

    serializer_class = LoginRequest

    def post(self, request: Request) -> Response:
        user = authenticate(request, **self.validated(request))
        if user is None:
            raise InvalidCredentials
        return Response(issue_tokens(user))


class TokenRefreshView(TokenView):
    """Exchange a refresh token for a new pair."""

    serializer_class = RefreshRequest

    def post(self, request: Request) -> Response:
        return Response(refresh_tokens(self.validated(request)["refresh"]))


class TokenVerifyView(TokenView):
    """Say whether a token of either type is accepted here and now."""

    serializer_class = VerifyRequest
    response_serializer_class = Empty

    def post(self, request: Request) -> Response:
        active_user(codec().decode(self.validated(request)["token"], "access", "refresh"))
        return Response({})
