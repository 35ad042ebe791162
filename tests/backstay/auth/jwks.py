"""Keys of each kind as JWKs, and tokens put together by hand."""

import json
from base64 import urlsafe_b64encode
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

NOW = 1_800_000_000

RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def b64(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def oct_jwk(secret: bytes = b"s" * 32, **members: Any) -> dict[str, Any]:
    return {"kty": "oct", "alg": "HS256", "k": b64(secret), **members}


def rsa_jwk(key: Any = RSA_KEY, **members: Any) -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), **members}


def ec_jwk(key: Any = EC_KEY, **members: Any) -> dict[str, Any]:
    return {**ECAlgorithm.to_jwk(key, as_dict=True), **members}


def ed_jwk(key: Any = ED_KEY, **members: Any) -> dict[str, Any]:
    return {**OKPAlgorithm.to_jwk(key, as_dict=True), **members}


def jwks(*keys: Any) -> str:
    return json.dumps({"keys": keys})


def segment(value: Any) -> str:
    """One part of a token: bytes and text as they stand, everything else as JSON."""
    if isinstance(value, bytes):
        return b64(value)
    return b64((value if isinstance(value, str) else json.dumps(value)).encode())


def claims(**changed: Any) -> dict[str, Any]:
    """The claims of a right access token; ``...`` takes one out."""
    right = {
        "token_type": "access",
        "jti": "a1",
        "family": "f1",
        "user_id": 1,
        "iss": "backstay",
        "aud": "backstay",
        "iat": NOW - 60,
        "exp": NOW + 60,
    }
    return {name: value for name, value in {**right, **changed}.items() if value is not ...}
