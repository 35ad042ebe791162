"""
The token codec: text in, claims out. No HTTP, no database, an injected clock.

A token is accepted only when its key is known by ``kid``, its algorithm is that
key's, its header holds nothing else than ``alg``, ``kid`` and ``typ``, and its
type, issuer, audience and times are right. Whatever else comes is refused
before its signature is looked at; nothing is ever fetched.

Sources: JWS RFC 7515, JWT RFC 7519, best practice RFC 8725.
"""

import binascii
import json
import math
import time
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal

from django.core.exceptions import ImproperlyConfigured

from backstay.auth.errors import TokenExpired, TokenInvalid
from backstay.auth.keys import Key, KeyRing, load_keys
from backstay.conf import settings

TokenType = Literal["access", "refresh"]
Claims = dict[str, Any]

#: A longer token is refused before it is read. Ours have about 600 bytes.
MAX_TOKEN_BYTES = 8_192

#: So many genuine tokens are not verified anew with each request. With their claims they take
#: some megabytes; ten times as much where all are as long as a token may be.
MOST_KNOWN = 1_024

#: Seconds from 1970 to the end of the year 9999; times beyond it are nonsense.
MAX_TIME = 253_402_300_799


@dataclass(frozen=True, slots=True)
class Codec:
    """Encodes and decodes tokens of one issuer for one audience."""

    keys: KeyRing
    issuer: str
    audience: str
    leeway_seconds: float
    clock: Callable[[], float] = field(default=time.time)

    def encode(self, claims: Mapping[str, Any]) -> str:
        """
        Sign *claims* with the signing key, adding issuer and audience.

        Raises:
            ImproperlyConfigured: they are more than anybody would accept.
        """
        key = self.keys.signer
        header = {"alg": key.algorithm, "kid": key.kid, "typ": "JWT"}
        payload = {**claims, "iss": self.issuer, "aud": self.audience}
        message = f"{_encode(_json(header))}.{_encode(_json(payload))}"
        token = f"{message}.{_encode(key.sign(message.encode()))}"
        if len(token) > MAX_TOKEN_BYTES:
            raise ImproperlyConfigured("TOKEN_CLAIMS says more than a token may hold.")
        return token

    def decode(self, token: str, *expected: TokenType) -> Claims:
        """
        The claims of *token*, which is of one of the *expected* types.

        Raises:
            TokenExpired: genuine, but its time is over.
            TokenInvalid: anything else.
        """
        claims = self._read(token)
        if claims.get("iss") != self.issuer or not _addressed_to(self.audience, claims):
            raise TokenInvalid
        if claims.get("token_type") not in expected:
            raise TokenInvalid
        if not (_is_name(claims.get("jti")) and _is_name(claims.get("family"))):
            raise TokenInvalid
        self._check_times(claims)
        return claims

    def _read(self, token: str) -> Claims:
        """Check form and signature."""
        if len(token) > MAX_TOKEN_BYTES or not token.isascii() or token.count(".") != 2:
            raise TokenInvalid
        kid, algorithm = _read_header(token.partition(".")[0])
        key = self.keys.by_kid.get(kid)
        if key is None or key.algorithm != algorithm:
            raise TokenInvalid
        claims = _signed_claims(key, token)
        # Whoever is handed them may change them.
        return {
            name: deepcopy(value) if isinstance(value, list | dict) else value
            for name, value in claims.items()
        }

    def _check_times(self, claims: Claims) -> None:
        """RFC 7519 sections 4.1.4 to 4.1.6; a missing ``exp`` or ``iat`` is refused too."""
        now = self.clock()
        issued, expires = _seconds(claims, "iat"), _seconds(claims, "exp")
        not_before = _seconds(claims, "nbf") if "nbf" in claims else issued
        if expires <= issued or max(issued, not_before) > now + self.leeway_seconds:
            raise TokenInvalid
        if expires <= now - self.leeway_seconds:
            raise TokenExpired


def codec() -> Codec:
    """The codec of the settings in force."""
    return Codec(
        keys=load_keys(),
        issuer=settings.ISSUER,
        audience=settings.AUDIENCE,
        leeway_seconds=settings.LEEWAY.total_seconds(),
    )


@lru_cache(maxsize=64)
def _read_header(segment: str) -> tuple[str, str]:
    """
    The key id and algorithm a header names; all tokens of one key share it.

    Only successes are remembered, so strangers' headers cannot push ours out
    for long, and ``maxsize`` bounds what they can fill.
    """
    header = _object(segment)
    if not header.keys() <= {"alg", "kid", "typ"} or header.get("typ") != "JWT":
        raise TokenInvalid
    kid, algorithm = header.get("kid"), header.get("alg")
    if not isinstance(kid, str) or not isinstance(algorithm, str):
        raise TokenInvalid
    return kid, algorithm


@lru_cache(maxsize=MOST_KNOWN)
def _signed_claims(key: Key, token: str) -> Claims:
    """
    What *key* has signed, which a token says as long as there is that key. Whether it is
    still true is asked each time: its times, its session.

    Only what was genuine is remembered, so strangers can push none of ours out.
    """
    message, _, signature = token.rpartition(".")
    if not _genuine(key, message, signature):
        raise TokenInvalid
    return _object(message.partition(".")[2])


def _genuine(key: Key, message: str, signature: str) -> bool:
    return key.verify(message.encode("ascii"), _decode(signature))


def _addressed_to(audience: str, claims: Claims) -> bool:
    """RFC 7519 section 4.1.3: one name, or an array that holds it."""
    named = claims.get("aud")
    return named == audience or (isinstance(named, list) and audience in named)


def _is_name(value: Any) -> bool:
    """Those we write are ASCII; of others, a lone surrogate could not even be hashed."""
    return isinstance(value, str) and value.isascii() and bool(value)


def _seconds(claims: Claims, name: str) -> float:
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TokenInvalid
    if not 0 <= value <= MAX_TIME or (isinstance(value, float) and math.isnan(value)):
        raise TokenInvalid
    return float(value)


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is there twice: readers differ in which one they take."""
    value = dict(members)
    if len(value) != len(members):
        raise ValueError
    return value


def _no_number(_: str) -> None:
    """Refuse NaN and the infinities, which Python reads and JSON does not have."""
    raise ValueError


_JSON = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_no_number)


def _object(segment: str) -> dict[str, Any]:
    """UTF-8 and nothing else (RFC 7519 section 7.2); each name once (RFC 7515 section 4)."""
    try:
        value = _JSON.decode(_decode(segment).decode("utf-8"))
    except (ValueError, RecursionError):
        raise TokenInvalid from None
    if not isinstance(value, dict):
        raise TokenInvalid
    return value


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def _encode(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _decode(segment: str) -> bytes:
    """Base64url without padding (RFC 7515 section 2), in its one canonical spelling."""
    try:
        raw = urlsafe_b64decode(segment.encode("ascii") + b"=" * (-len(segment) % 4))
    except (binascii.Error, UnicodeEncodeError):
        raise TokenInvalid from None
    if _encode(raw) != segment:
        raise TokenInvalid
    return raw
