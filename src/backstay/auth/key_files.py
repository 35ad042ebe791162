"""
Key files: made, rotated and listed without a service noticing.

A rotated file has the new key first, which signs from then on. The old ones stay and
verify until every token they signed has expired, then the next rotation drops them;
of an asymmetric one only the public half stays. A file is replaced in one step
(``rename``) and readable by its owner only.

``retired_at``, seconds since 1970, is a member of our own; others ignore it
(RFC 7517 section 4).
"""

import json
import os
import secrets
import tempfile
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from django.core.exceptions import ImproperlyConfigured
from jwt.algorithms import Algorithm, get_default_algorithms

from backstay.auth.keys import THUMBPRINT_MEMBERS, KeyRing, thumbprint
from backstay.auth.tokens import MAX_TIME
from backstay.conf import settings

Jwk = dict[str, Any]

RSA_BITS = 3_072  # NIST SP 800-57 part 1, table 2: 128 bits of security.
SECRET_BYTES = 32
OWNER_ONLY = 0o600


def generate(algorithm: str) -> Jwk:
    """A new private or symmetric key for one of ``backstay.auth.keys.ALGORITHMS``."""
    if algorithm == "HS256":
        k = urlsafe_b64encode(secrets.token_bytes(SECRET_BYTES)).rstrip(b"=").decode()
        members: Jwk = {"kty": "oct", "k": k}
    else:
        members = _asymmetric(algorithm)
    return {**members, "kid": thumbprint(members), "alg": algorithm, "use": "sig"}


def _asymmetric(algorithm: str) -> Jwk:
    private: Any
    if algorithm == "RS256":
        private = rsa.generate_private_key(public_exponent=65_537, key_size=RSA_BITS)
    elif algorithm == "ES256":
        private = ec.generate_private_key(ec.SECP256R1())
    else:
        private = ed25519.Ed25519PrivateKey.generate()
    implementation: Algorithm = get_default_algorithms()[algorithm]
    members: Jwk = implementation.to_jwk(private, as_dict=True)
    members.pop("key_ops", None)
    return members


def read(path: Path) -> list[Jwk]:
    """
    The keys of a file, the signing one first.

    Raises:
        ImproperlyConfigured: it cannot be read, or is no usable key set.
    """
    try:
        text = path.read_bytes()
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}.") from None
    ring = KeyRing.from_jwks(text)
    keys: list[Jwk] = json.loads(text)["keys"]
    if not all(_is_time(jwk.get("retired_at", 0)) for jwk in keys):
        raise ImproperlyConfigured(f"{path}: a retired_at is no time, in seconds since 1970.")
    # What a key of the file leaves out, its kind and its thumbprint tell.
    named = [
        {**jwk, "kid": key.kid, "alg": key.algorithm}
        for jwk, key in zip(keys, ring.by_kid.values(), strict=True)
    ]
    return sorted(named, key=lambda jwk: jwk["kid"] != ring.signer.kid)


def _is_time(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_TIME


def write(path: Path, keys: Sequence[Jwk], *, replace: bool = True) -> None:
    """
    Write all of the file or nothing, and leave no copy behind.

    Raises:
        ImproperlyConfigured: the directory cannot be written to, or the file
            is there and is not to be replaced.
    """
    document = json.dumps({"keys": keys}, indent=2) + "\n"
    KeyRing.from_jwks(document)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
        try:
            _fill(handle, document)
            if replace:
                Path(name).replace(path)
            else:
                os.link(name, path)  # Unlike a rename, it fails where something is there.
        finally:
            Path(name).unlink(missing_ok=True)
    except OSError as error:
        raise ImproperlyConfigured(f"{path}: {error.strerror}.") from None


def _fill(handle: int, document: str) -> None:
    """On the disk before it gets its name: after a power cut the file is old or new, not empty."""
    with os.fdopen(handle, "w") as file:
        os.fchmod(handle, OWNER_ONLY)
        file.write(document)
        file.flush()
        os.fsync(handle)


def rotated(keys: Sequence[Jwk], new: Jwk, *, now: int) -> list[Jwk]:
    """*new* first, then those that tokens still in use may need. The first of *keys* signs."""
    retired = [
        # One that was put first again has signed until now, whenever it was retired before.
        _retired(jwk, now if number == 0 else jwk.get("retired_at", now))
        for number, jwk in enumerate(keys)
    ]
    return [new, *(jwk for jwk in retired if expires(jwk) > now)]


def prepared(keys: Sequence[Jwk]) -> Jwk | None:
    """The key that is to sign next: able to, and neither the first nor retired."""
    able = [jwk for jwk in keys[1:] if jwk.keys() & {"d", "k"} and "retired_at" not in jwk]
    return able[0] if able else None


def expires(retired: Mapping[str, Any]) -> int:
    """When the last token that a retired key signed has expired: seconds since 1970."""
    longest = max(settings.REFRESH_TOKEN_LIFETIME, settings.ACCESS_TOKEN_LIFETIME)
    ends = int(retired["retired_at"]) + int((longest + settings.LEEWAY).total_seconds())
    return min(ends, MAX_TIME)


def _retired(jwk: Jwk, at: int) -> Jwk:
    kept = {"kid", "alg", "use", *THUMBPRINT_MEMBERS[jwk["kty"]]}
    public = {name: value for name, value in jwk.items() if name in kept}
    return {**public, "retired_at": at}
