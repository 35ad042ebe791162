"""
Families of refresh tokens: begun at login, carried on by each refresh.

A refresh is decided by one conditional ``UPDATE`` of the family's row, so of any
number of parallel refreshes, in any number of processes, one wins. Its successor's
identifier is derived from the spent one with a key (HMAC), so that whoever comes
within ``REFRESH_LEEWAY`` with the token that was just spent gets the same successor,
and none is stored. Any other genuine token of the family was spent before: it was
stolen, or it is the thief who has the newer one, so the family ends.

Limit: with an ES256 key the same successor comes with another signature, because
ECDSA draws a random number each time.

Sources: RFC 9700 section 4.14.2, RFC 6819 section 5.2.2.3.
"""

import logging
import secrets
from collections.abc import Mapping
from typing import Any, Literal, cast
from uuid import UUID

from django.contrib.auth import get_user_model
from django.contrib.auth.base_user import AbstractBaseUser
from django.db import transaction
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import constant_time_compare, salted_hmac
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.request import Request

from backstay.auth.errors import InvalidCredentials, TokenExpired, TokenInvalid
from backstay.auth.issuing import Grant, TokenPair, own_claims, token_pair, user_key
from backstay.auth.sessions.devices import device_of
from backstay.auth.sessions.endings import end_family
from backstay.auth.sessions.hashes import hash_of, hash_of_claims, hash_of_password
from backstay.auth.sessions.models import Family
from backstay.auth.sessions.signals import refresh_reused
from backstay.auth.tokens import Claims, TokenType, codec
from backstay.conf import settings
from backstay.counters import count
from backstay.errors import ServiceUnavailable
from backstay.throttling.identity import client_address

logger = logging.getLogger("backstay.auth")

#: Each try is lost to somebody else's success, so more than a few mean a fault.
TRIES = 8

#: What a refresh token is to its family.
Standing = Literal["in force", "just spent", "spent"]


@transaction.atomic
def begin(user: AbstractBaseUser, request: HttpRequest | Request | None) -> TokenPair:
    """
    Record a login and issue its first tokens.

    Raises:
        InvalidCredentials: since they were checked the user was deactivated or deleted, or
            got another password.
    """
    user = _still_the_same(user)
    now = timezone.now()
    own = own_claims(user)
    refresh_id = secrets.token_urlsafe(32)
    family = Family.objects.create(
        user_id=user.pk,
        device=device_of(request.headers.get("User-Agent", "")) if request else "",
        ip=_address(request),
        created_at=now,
        last_used_at=now,
        expires_at=now + settings.REFRESH_TOKEN_LIFETIME,
        issued=int(now.timestamp()),
        refresh_hash=hash_of(refresh_id),
        password_hash=hash_of_password(user),
        claims_hash=hash_of_claims(own),
    )
    return _pair(user, own, family, refresh_id)


def _still_the_same(user: AbstractBaseUser) -> AbstractBaseUser:
    """
    Read the user anew, and hold their row.

    Checking a password takes long. Whoever ends the user's sessions meanwhile holds the row
    as well (``endings``): they come before, and this sees it, or after, and see this session.
    """
    rows = get_user_model()._base_manager.select_for_update(no_key=True)
    held = rows.filter(pk=user.pk).first()
    if held is None or not held.is_active or held.password != user.password:
        raise InvalidCredentials
    return cast("AbstractBaseUser", held)


def rotate(claims: Claims) -> TokenPair:
    """
    Spend a refresh token, whose *claims* were verified, and issue its successors.

    Raises:
        TokenInvalid: spent before its parent's leeway, or the family or its user is no more.
    """
    for _ in range(TRIES):
        family = _live_family(claims)
        user = family.user
        if user is None or not user.is_active or user.pk != user_key(claims):
            raise TokenInvalid
        if not constant_time_compare(family.password_hash, hash_of_password(user)):
            end_family(family.pk, Family.End.PASSWORD)
            raise TokenInvalid
        pair = _successors(claims["jti"], family, user)
        if pair is not None:
            return pair
    raise ServiceUnavailable("The session changes too often. Try again.")


def accepts(claims: Claims) -> bool:
    """Whether a token of either type, whose *claims* were verified, is accepted now."""
    try:
        family = _live_family(claims)
    except AuthenticationFailed:
        return False
    user = family.user
    if user is None or not user.is_active or user.pk != user_key(claims):
        return False
    if family.password_hash != hash_of_password(user):
        return False
    is_access = claims["token_type"] == "access"  # noqa: S105  # The name of a type.
    return is_access or _standing(claims["jti"], family) != "spent"


def log_out(token: str, kind: TokenType = "refresh") -> None:
    """
    End the family of a token, also of one that was spent or has expired.

    Raises:
        TokenInvalid: it is no token of ours of this kind.
    """
    try:
        claims = codec().decode(token, kind)
    except TokenExpired:
        return  # And so has its family.
    end_family(family_id(claims))


def _successors(jti: str, family: Family, user: AbstractBaseUser) -> TokenPair | None:
    """The tokens after *jti*, or ``None`` where *family* has changed since it was read."""
    standing = _standing(jti, family)
    own = own_claims(user)
    if standing == "in force":
        if not _spend(jti, family, own):
            return None
        count("refresh", outcome="rotated")
    elif standing == "just spent":
        if family.refresh_hash != hash_of(_successor(jti)):
            # The key that derives it was changed within the leeway.
            raise TokenInvalid
        count("refresh", outcome="repeated")
    else:
        _report_reuse(family)
        raise TokenInvalid
    return _pair(user, own, family, _successor(jti))


def _spend(jti: str, family: Family, own: Mapping[str, Any]) -> bool:
    """Whether it was this call that spent the token; *family* is then as it was written."""
    now = timezone.now()
    change = {
        "refresh_hash": hash_of(_successor(jti)),
        "previous_hash": family.refresh_hash,
        "last_used_at": now,
        # Claims read before they changed must not look as if read after.
        "issued": max(int(now.timestamp()), family.claims_from),
        "claims_hash": hash_of_claims(own),
    }
    unchanged = Family.objects.filter(
        pk=family.pk,
        refresh_hash=family.refresh_hash,
        claims_from=family.claims_from,
        ended_at=None,
    )
    if not unchanged.update(**change):
        return False
    for name, value in change.items():
        setattr(family, name, value)
    return True


def _standing(jti: str, family: Family) -> Standing:
    digest = hash_of(jti)
    if constant_time_compare(digest, family.refresh_hash):
        return "in force"
    age = timezone.now() - family.last_used_at
    if constant_time_compare(digest, family.previous_hash) and age <= settings.REFRESH_LEEWAY:
        return "just spent"
    return "spent"


def _live_family(claims: Claims) -> Family:
    """
    Raises:
        TokenInvalid: unknown or ended.
        TokenExpired: its time is over.
    """
    family = Family.objects.select_related("user").filter(pk=family_id(claims)).first()
    if family is None or family.ended_at is not None:
        raise TokenInvalid
    if family.expires_at <= timezone.now():
        raise TokenExpired
    return family


def family_id(claims: Claims) -> UUID:
    """
    Raises:
        TokenInvalid: not one of ours; issued before this app was installed, perhaps.
    """
    try:
        return UUID(claims["family"])
    except ValueError:
        raise TokenInvalid from None


def _pair(
    user: AbstractBaseUser, own: Mapping[str, Any], family: Family, refresh_id: str
) -> TokenPair:
    ends = int(family.expires_at.timestamp())
    return token_pair(user, own, Grant(str(family.pk), refresh_id, family.issued, ends))


def _report_reuse(family: Family) -> None:
    """End the family and say so: to the log, to the counters, and to whoever listens."""
    if end_family(family.pk, Family.End.REUSE):
        count("refresh", outcome="reused")
        logger.warning(
            "refresh_token_reused", extra={"family": str(family.pk), "user": family.user_id}
        )
        refresh_reused.send(sender=Family, family=family)


def _successor(jti: str) -> str:
    return salted_hmac("backstay.auth.successor", jti, algorithm="sha256").hexdigest()


def _address(request: HttpRequest | Request | None) -> str | None:
    address = client_address(request) if request else ""
    return address if address not in {"", "unknown"} else None
