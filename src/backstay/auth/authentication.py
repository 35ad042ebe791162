"""
Bearer tokens as a DRF authentication class (RFC 6750).

No ``Authorization`` header, or one of another scheme, leaves the request to
the next class. A bearer token that is not right is refused with 401, also on
views that anyone may read: a client that sends one expects to be known.

A good token costs no query. ``request.user`` is what the claims tell of the user,
and becomes the row when something else of it is read. With ``backstay.auth.sessions``
an ended session is refused, and claims that are not true any more are read anew. The
view's limits are decided in the same trip to Redis: not for an ended session, and for
claims that are not true by what is read anew.

A refused token is charged to the client's address (``auth_failure``): beyond that
rate the answer is 429. A good one from the same address is none the worse for it.
"""

from typing import Any

from django.contrib.auth import get_user_model
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from backstay.auth.claimed import claimed
from backstay.auth.errors import TokenInvalid
from backstay.auth.issuing import active_user, own_claims, sessions_installed, user_key
from backstay.auth.tokens import Claims, codec
from backstay.conf import settings
from backstay.pipeline import ask
from backstay.throttling import Limits, charge_failed_authentication, limits_of

#: What a client without a credential is asked for (RFC 6750 section 3).
CHALLENGE = 'Bearer realm="api"'


class JWTAuthentication(BaseAuthentication):
    """Sets ``request.user`` to the user and ``request.auth`` to the token's claims."""

    def authenticate(self, request: Request) -> tuple[Any, Claims] | None:
        token = self.token_of(request)
        if token is None:
            return None
        try:
            return identify(token, request)
        except AuthenticationFailed:
            charge_failed_authentication(request)
            raise

    def token_of(self, request: Request) -> bytes | None:
        """The credential, if this request has one of ours."""
        scheme, *credentials = get_authorization_header(request).split() or [b""]
        if scheme.lower() != b"bearer":  # RFC 9110 section 11.1: in any case.
            return None
        return b" ".join(credentials)

    def authenticate_header(self, request: Request) -> str:
        return CHALLENGE


def identify(token: bytes, request: Request) -> tuple[Any, Claims]:
    """
    The user an access token speaks for, and its claims; *request* is charged.

    Raises:
        TokenInvalid, TokenExpired: it does not, or not any more.
    """
    try:
        claims = codec().decode(token.decode("ascii"), "access")
    except UnicodeDecodeError:
        raise TokenInvalid from None
    user = claimed_user(claims)
    if sessions_installed() and not _still_true(claims, limits_of(request, user)):
        user = active_user(claims)
        return user, {**claims, **own_claims(user)}
    return user, claims


def claimed_user(claims: Claims) -> Any:
    """The user as far as *claims* tell, without a query."""
    key, hook = user_key(claims), settings.TOKEN_USER
    if hook is not None:
        return hook({**claims, "user_id": key})
    model = get_user_model()
    return claimed(model, known={model._meta.pk.attname: key, "is_active": True})


def _still_true(claims: Claims, limits: Limits) -> bool:
    """
    Whether nothing has changed about the session's claims; if so *limits* are decided.

    Raises:
        TokenInvalid: the session has ended.
    """
    from backstay.auth.sessions.denylist import DenylistPart

    verdict, *answers = ask(DenylistPart(claims["family"], claims["iat"]), *limits.parts)
    if verdict.ended:
        raise TokenInvalid
    limits.settle(answers)
    return bool(claims["iat"] >= verdict.claims_from)
