"""
Tokens for a user: at login, and again at each refresh.

Every token of one login names the same family. The claims are read from the
database each time, so a refresh sees a new role or plan, and a deleted or
inactive user gets nothing. A family ends at the time its first refresh token
was given: refreshing does not prolong it.
"""

import time
import uuid
from typing import Any, TypedDict, cast

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.exceptions import ValidationError

from backstay.auth.errors import TokenExpired, TokenInvalid
from backstay.auth.tokens import Claims, codec
from backstay.conf import settings


class TokenPair(TypedDict):
    access: str
    refresh: str


def issue_tokens(user: AbstractBaseUser) -> TokenPair:
    """Begin a family for *user*."""
    lifetime = settings.REFRESH_TOKEN_LIFETIME.total_seconds()
    return _pair(user, family=str(uuid.uuid4()), family_ends=int(time.time() + lifetime))


def refresh_tokens(refresh: str) -> TokenPair:
    """
    Go on with the family of a refresh token.

    Raises:
        TokenInvalid, TokenExpired: not a refresh token of an active user, or too old.
    """
    claims = codec().decode(refresh, "refresh")
    family_ends = int(claims["exp"])
    if family_ends <= time.time():  # Forgiven by the leeway, but no time is left to give.
        raise TokenExpired
    return _pair(active_user(claims), family=claims["family"], family_ends=family_ends)


def active_user(claims: Claims) -> AbstractBaseUser:
    """
    The user a token speaks for.

    Raises:
        TokenInvalid: there is no such user, or they may not log in any more.
    """
    model, identifier = get_user_model(), claims.get("user_id")
    if isinstance(identifier, bool) or not isinstance(identifier, int | str):
        raise TokenInvalid
    try:
        user = model._default_manager.get(pk=identifier)
    except (model.DoesNotExist, ValueError, ValidationError):
        raise TokenInvalid from None
    if not user.is_active:
        raise TokenInvalid
    return cast("AbstractBaseUser", user)


def _pair(user: AbstractBaseUser, *, family: str, family_ends: int) -> TokenPair:
    now = int(time.time())
    access_ends = now + int(settings.ACCESS_TOKEN_LIFETIME.total_seconds())
    shared = {**_own_claims(user), "user_id": _identifier(user), "family": family, "iat": now}
    return {
        "access": _token("access", shared, min(access_ends, family_ends)),
        "refresh": _token("refresh", shared, family_ends),
    }


def _token(token_type: str, shared: Claims, expires: int) -> str:
    return codec().encode(
        {"token_type": token_type, "jti": uuid.uuid4().hex, **shared, "exp": expires}
    )


def _own_claims(user: AbstractBaseUser) -> Claims:
    hook = settings.TOKEN_CLAIMS
    return {} if hook is None else dict(hook(user))


def _identifier(user: AbstractBaseUser) -> Any:
    """Integer keys stay numbers; a UUID becomes its text."""
    return user.pk if isinstance(user.pk, int) else str(user.pk)
