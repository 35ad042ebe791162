"""
Log in, refresh, verify.

A wrong credential is always 401 with its challenge, and no answer may be
stored by a cache on the way (RFC 6749 section 5.1). An ``Authorization``
header on these requests is not looked at.
"""

from collections.abc import Mapping
from typing import Any

from django.contrib.auth import authenticate
from django.db.transaction import non_atomic_requests
from django.http import HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_safe
from rest_framework.exceptions import ErrorDetail, ValidationError
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import Serializer
from rest_framework.views import APIView

from backstay.auth.authentication import CHALLENGE
from backstay.auth.errors import InvalidCredentials, TokenInvalid
from backstay.auth.issuing import (
    active_user,
    issue_tokens,
    refresh_tokens,
    sessions_installed,
)
from backstay.auth.keys import load_keys
from backstay.auth.serializers import (
    Empty,
    LoginRequest,
    RefreshRequest,
    TokenPairResponse,
    VerifyRequest,
)
from backstay.auth.tokens import codec
from backstay.throttling import LoginRateThrottle, RefreshRateThrottle
from backstay.throttling.views import ThrottlesFirstMixin


def refuse_unknown_fields(data: Mapping[str, Any], serializer: Serializer) -> None:
    """
    Raises:
        ValidationError: a misspelt or foreign field, which would otherwise do nothing.
    """
    unknown = [name for name in data if name not in serializer.fields]
    if unknown:
        error = ErrorDetail("There is no such field.", code="unknown_field")
        raise ValidationError({name: [error] for name in unknown})


class NoStoreMixin:
    """Answers that no cache on the way may keep."""

    def finalize_response(self, *args: Any, **kwargs: Any) -> Response:
        response: Response = super().finalize_response(*args, **kwargs)  # type: ignore[misc]  # A mixin.
        response["Cache-Control"] = "no-store"
        return response


class TokenView(NoStoreMixin, ThrottlesFirstMixin, APIView):
    """What these have in common. ``serializer_class`` names the request's body."""

    authentication_classes: Any = ()
    permission_classes: Any = (AllowAny,)
    throttle_classes: Any = (RefreshRateThrottle,)
    versioning_class: Any = None
    serializer_class: type[Serializer]
    response_serializer_class: type[Serializer] | None = TokenPairResponse
    #: For the OpenAPI document: what can go wrong beyond what always can.
    problem_codes: tuple[str, ...] = ("token_expired", "token_invalid")

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """A refusal may write: a session that ends must not be rolled back with it."""
        return non_atomic_requests(super().as_view(**initkwargs))

    def validated(self, request: Request) -> dict[str, Any]:
        serializer = self.serializer_class(data=request.data, context={"request": request})
        if isinstance(request.data, Mapping):
            refuse_unknown_fields(request.data, serializer)
        serializer.is_valid(raise_exception=True)
        return dict(serializer.validated_data)

    def get_authenticate_header(self, request: Request) -> str:
        """Without it DRF answers 403 where no authentication class is set."""
        return CHALLENGE


class LoginView(TokenView):
    """What every way to log in has in common."""

    serializer_class: type[Serializer] = LoginRequest
    problem_codes: tuple[str, ...] = ("invalid_credentials",)
    throttle_classes = (LoginRateThrottle,)

    def user(self, request: Request) -> Any:
        """
        Raises:
            InvalidCredentials: the same for whatever is wrong with them.
        """
        user = authenticate(request, **self.validated(request))
        if user is None:
            raise InvalidCredentials
        return user


class TokenObtainPairView(LoginView):
    """Exchange a login and a password for an access and a refresh token."""

    def post(self, request: Request) -> Response:
        return Response(issue_tokens(self.user(request), request))


class TokenRefreshView(TokenView):
    """Exchange a refresh token for a new pair. It can be used once."""

    serializer_class = RefreshRequest

    def post(self, request: Request) -> Response:
        return Response(refresh_tokens(self.validated(request)["refresh"]))


class TokenVerifyView(TokenView):
    """Say whether a token of either type is accepted here and now."""

    serializer_class = VerifyRequest
    response_serializer_class = Empty

    def post(self, request: Request) -> Response:
        claims = codec().decode(self.validated(request)["token"], "access", "refresh")
        if sessions_installed():
            from backstay.auth.sessions.rotation import accepts

            if not accepts(claims):
                raise TokenInvalid
        else:
            active_user(claims)
        return Response({})


@csrf_exempt  # A write is 405, as everywhere.
@require_safe
@cache_control(public=True, max_age=300)
def jwks(_: HttpRequest) -> JsonResponse:
    """The public keys, for services that verify tokens themselves (RFC 7517 section 5)."""
    keys = [key.public for key in load_keys().by_kid.values() if key.public is not None]
    return JsonResponse({"keys": keys}, content_type="application/jwk-set+json")
