"""
Tokens for a user: at login, and again at each refresh.

Every token of one login names the same family. The claims are read from the
database each time, so a refresh sees a new role or plan, and a deleted or
inactive user gets nothing. A family ends at the time its first refresh token
was given: refreshing does not prolong it.

With the app ``backstay.auth.sessions`` a refresh token is spent by its use and a
family can be ended; without it a refresh token lasts as long as it says.
"""

import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict, cast

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.http import HttpRequest
from rest_framework.request import Request

from backstay.auth.errors import TokenExpired, TokenInvalid
from backstay.auth.tokens import Claims, codec
from backstay.conf import settings

if TYPE_CHECKING:
    # A model: not to be imported while apps are loaded, and this package holds one.
    from django.contrib.auth.base_user import AbstractBaseUser


class TokenPair(TypedDict):
    access: str
    refresh: str


@dataclass(frozen=True, slots=True)
class Grant:
    """What a pair of tokens says of itself. Times are seconds since 1970."""

    family: str
    #: The refresh token's ``jti``.
    refresh_id: str
    issued: int
    family_ends: int


def issue_tokens(
    user: "AbstractBaseUser", request: HttpRequest | Request | None = None
) -> TokenPair:
    """
    Begin a family for *user*.

    *request* tells from where and with what, for the list of one's sessions.
    """
    if sessions_installed():
        from backstay.auth.sessions.rotation import begin

        return begin(user, request)
    now = int(time.time())
    family_ends = now + int(settings.REFRESH_TOKEN_LIFETIME.total_seconds())
    grant = Grant(str(uuid.uuid4()), uuid.uuid4().hex, now, family_ends)
    return token_pair(user, own_claims(user), grant)


def refresh_tokens(refresh: str) -> TokenPair:
    """
    Go on with the family of a refresh token.

    Call it outside of a transaction: its refusal may end the family, which a rollback
    would undo.

    Raises:
        TokenInvalid, TokenExpired: not a refresh token of an active user, spent, or too old.
    """
    claims = codec().decode(refresh, "refresh")
    family_ends = int(claims["exp"])
    if family_ends <= time.time():  # Forgiven by the leeway, but no time is left to give.
        raise TokenExpired
    if sessions_installed():
        from backstay.auth.sessions.rotation import rotate

        return rotate(claims)
    user = active_user(claims)
    grant = Grant(claims["family"], uuid.uuid4().hex, int(time.time()), family_ends)
    return token_pair(user, own_claims(user), grant)


def sessions_installed() -> bool:
    return "backstay_sessions" in apps.app_configs


def active_user(claims: Claims) -> "AbstractBaseUser":
    """
    The user a token speaks for, read from the database.

    Raises:
        TokenInvalid: there is no such user, or they may not log in any more.
    """
    model = get_user_model()
    try:
        user = model._default_manager.get(pk=user_key(claims))
    except model.DoesNotExist:
        raise TokenInvalid from None
    if not user.is_active:
        raise TokenInvalid
    return cast("AbstractBaseUser", user)


def user_key(claims: Claims) -> Any:
    """
    ``user_id`` as the user model's primary key.

    Raises:
        TokenInvalid: it cannot be one.
    """
    identifier = claims.get("user_id")
    if isinstance(identifier, bool) or not isinstance(identifier, int | str):
        raise TokenInvalid
    try:
        return get_user_model()._meta.pk.clean(identifier, None)
    except (ValidationError, ValueError):
        raise TokenInvalid from None


def own_claims(user: "AbstractBaseUser") -> Claims:
    """What the project's ``TOKEN_CLAIMS`` says of *user*."""
    hook = settings.TOKEN_CLAIMS
    return {} if hook is None else dict(hook(user))


def token_pair(user: "AbstractBaseUser", own: Mapping[str, Any], grant: Grant) -> TokenPair:
    """Sign both tokens; the access token does not outlive its family."""
    shared = {
        **own,
        "user_id": _identifier(user),
        "family": grant.family,
        "iat": grant.issued,
    }
    access_ends = grant.issued + int(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    return {
        "access": _token("access", uuid.uuid4().hex, shared, min(access_ends, grant.family_ends)),
        "refresh": _token("refresh", grant.refresh_id, shared, grant.family_ends),
    }


def _token(token_type: str, identifier: str, shared: Claims, expires: int) -> str:
    # Last, so that no claim of a project's own makes one type into the other.
    return codec().encode({**shared, "token_type": token_type, "jti": identifier, "exp": expires})


def _identifier(user: "AbstractBaseUser") -> Any:
    """Integer keys stay numbers; a UUID becomes its text."""
    return user.pk if isinstance(user.pk, int) else str(user.pk)
