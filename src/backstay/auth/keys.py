"""
The keys that sign and verify, each pinned to one algorithm by its ``kid``.

A token names its key; the key, never the token, names the algorithm
(RFC 8725 section 3.1). One key signs, every key of the set verifies, so a new
key is put first and an old one is removed when its last token has expired.

Sources: JWK RFC 7517, thumbprint RFC 7638, EdDSA RFC 8037.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from jwt import PyJWK
from jwt.algorithms import Algorithm
from jwt.exceptions import PyJWTError

from backstay.conf import settings
from backstay.counters import count

#: Algorithm → key type. ``none`` and everything not here is refused.
ALGORITHMS = {"HS256": "oct", "RS256": "RSA", "ES256": "EC", "EdDSA": "OKP"}

MIN_SECRET_BYTES = 32  # RFC 7518 section 3.2: as long as the hash's output.
MIN_RSA_BITS = 2048  # RFC 7518 section 3.3.
ES256_CURVE = "secp256r1"  # RFC 7518 section 3.4: P-256, by its other name.

#: Members that RFC 7638 section 3.2 puts into a key's thumbprint.
THUMBPRINT_MEMBERS = {
    "oct": ("k", "kty"),
    "RSA": ("e", "kty", "n"),
    "EC": ("crv", "kty", "x", "y"),
    "OKP": ("crv", "kty", "x"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """One key, equal to itself. ``signing`` is ``None`` for a public one, which only verifies."""

    kid: str
    algorithm: str
    implementation: Algorithm
    verifying: Any
    signing: Any | None
    #: For others to verify with (RFC 7517); ``None`` for a shared secret.
    public: Mapping[str, Any] | None = None

    def sign(self, message: bytes) -> bytes:
        return self.implementation.sign(message, self.signing)

    def verify(self, message: bytes, signature: bytes) -> bool:
        return self.implementation.verify(message, self.verifying, signature)


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All keys by their ``kid``, and the one that signs."""

    by_kid: Mapping[str, Key]
    signer: Key

    @classmethod
    def of(cls, keys: list[Key]) -> "KeyRing":
        """
        Take keys in order of preference.

        Raises:
            ImproperlyConfigured: no key can sign, or two share a ``kid``.
        """
        by_kid = {key.kid: key for key in keys}
        if len(by_kid) != len(keys):
            raise ImproperlyConfigured("AUTH_KEYS: two keys have the same kid.")
        signers = [key for key in keys if key.signing is not None]
        if not signers:
            raise ImproperlyConfigured("AUTH_KEYS: no key can sign; add a private key.")
        return cls(by_kid=by_kid, signer=signers[0])

    @classmethod
    def from_secret(cls, secret: str, *older: str) -> "KeyRing":
        """One HS256 key of *secret*, which signs; those of *older* secrets verify."""
        return cls.of([parse_key(derived_jwk(text)) for text in dict.fromkeys([secret, *older])])

    @classmethod
    def from_jwks(cls, document: str | bytes) -> "KeyRing":
        """
        Read a JWK Set.

        Raises:
            ImproperlyConfigured: it is not one, or a key in it is weak or of another kind.
        """
        try:
            entries = json.loads(document)["keys"]
        except (ValueError, KeyError, TypeError, RecursionError):
            entries = None
        if not isinstance(entries, list) or not entries:
            raise ImproperlyConfigured('AUTH_KEYS: expected a JWK Set, {"keys": [{…}, …]}.')
        return cls.of([parse_key(entry) for entry in entries])


def derived_jwk(secret: str) -> dict[str, str]:
    """A key made of *secret*, so that ``SECRET_KEY`` itself signs nothing else than Django's."""
    derived = hmac.digest(secret.encode(), b"backstay.auth.token-signing", "sha256")
    k = urlsafe_b64encode(derived).rstrip(b"=").decode()
    return {"kty": "oct", "alg": "HS256", "k": k}


#: What PyJWT raises for an object that is no key of a kind it knows.
_UNREADABLE = (PyJWTError, AttributeError, KeyError, NotImplementedError, TypeError, ValueError)


def parse_key(jwk: Any) -> Key:
    """
    Read one JWK.

    Raises:
        ImproperlyConfigured: malformed, weak, or not for one of ``ALGORITHMS``.
    """
    try:
        parsed = PyJWK(jwk)
    except _UNREADABLE as error:
        # The library's own text may quote the key, so only its type is passed on.
        reason = type(error).__name__
        raise ImproperlyConfigured(f"AUTH_KEYS: a key cannot be read ({reason}).") from None
    algorithm = parsed.algorithm_name
    if ALGORITHMS.get(algorithm) != jwk["kty"] or jwk.get("use", "sig") != "sig":
        raise ImproperlyConfigured(
            f"AUTH_KEYS: keys must sign with one of {', '.join(ALGORITHMS)}, not {algorithm}."
        )
    kid = jwk.get("kid") or thumbprint(jwk)
    if not isinstance(kid, str):
        raise ImproperlyConfigured("AUTH_KEYS: a kid must be a string.")
    _refuse_unfit(kid, algorithm, parsed.key)
    private = algorithm == "HS256" or hasattr(parsed.key, "public_key")
    return Key(
        kid=kid,
        algorithm=algorithm,
        implementation=parsed.Algorithm,
        verifying=parsed.key.public_key() if hasattr(parsed.key, "public_key") else parsed.key,
        signing=parsed.key if private else None,
        public=_public(jwk, kid, algorithm),
    )


def _public(jwk: Mapping[str, Any], kid: str, algorithm: str) -> Mapping[str, Any] | None:
    """By the members that may be shown, so that one nobody thought of is not."""
    if algorithm == "HS256":
        return None
    shown = {name: jwk[name] for name in THUMBPRINT_MEMBERS[jwk["kty"]]}
    return {**shown, "kid": kid, "alg": algorithm, "use": "sig"}


def thumbprint(jwk: Mapping[str, Any]) -> str:
    """The key's own name where it has none: RFC 7638."""
    members = {name: jwk[name] for name in THUMBPRINT_MEMBERS[jwk["kty"]]}
    canonical = json.dumps(members, separators=(",", ":"), sort_keys=True).encode()
    return urlsafe_b64encode(hashlib.sha256(canonical).digest()).rstrip(b"=").decode()


def _refuse_unfit(kid: str, algorithm: str, key: Any) -> None:
    if algorithm == "HS256" and len(key) < MIN_SECRET_BYTES:
        raise ImproperlyConfigured(
            f"AUTH_KEYS: key {kid} has {len(key)} bytes, HS256 needs {MIN_SECRET_BYTES}."
        )
    if algorithm == "ES256" and key.curve.name != ES256_CURVE:
        raise ImproperlyConfigured(
            f"AUTH_KEYS: key {kid} is on the curve {key.curve.name}, ES256 needs P-256."
        )
    if algorithm == "RS256" and key.key_size < MIN_RSA_BITS:
        raise ImproperlyConfigured(
            f"AUTH_KEYS: key {kid} has {key.key_size} bits, RS256 needs {MIN_RSA_BITS}."
        )


def load_keys() -> KeyRing:
    """
    The keys in force: those of ``AUTH_KEYS``, or derived from ``SECRET_KEY`` and its fallbacks.

    A changed key file is taken up without a restart. A file that was put in its place
    is another one, also within one tick of the clock that stamps files. One that cannot
    be used any more changes nothing but a counter, ``auth_keys_unusable``: the keys that
    were read before stay in force.

    Raises:
        ImproperlyConfigured: the file cannot be read, or holds no usable set, and none was
            read before.
    """
    path = settings.AUTH_KEYS
    if path is None:
        secrets = (django_settings.SECRET_KEY, *django_settings.SECRET_KEY_FALLBACKS)
        return _from_secret(*secrets)
    try:
        _in_force[path] = read_keys(path)
    except ImproperlyConfigured:
        count("auth_keys_unusable")
        if path not in _in_force:
            raise
    return _in_force[path]


def read_keys(path: str) -> KeyRing:
    """
    The keys of a file as it is now.

    Raises:
        ImproperlyConfigured: it cannot be read, or holds no usable set.
    """
    try:
        status = Path(path).stat()
        return _from_file(path, (status.st_mtime_ns, status.st_ino, status.st_size))
    except OSError as error:
        raise ImproperlyConfigured(f"AUTH_KEYS: {path}: {error.strerror}.") from None


#: The last usable keys of each file.
_in_force: dict[str, KeyRing] = {}


_from_secret = lru_cache(maxsize=4)(KeyRing.from_secret)


@lru_cache(maxsize=4)
def _from_file(path: str, _version: tuple[int, int, int]) -> KeyRing:
    return KeyRing.from_jwks(Path(path).read_bytes())
