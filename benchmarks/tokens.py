"""
Reading an access token: ours beside the ``decode`` of PyJWT, on which simplejwt stands.

Of a token that was seen before, and of more of them than are known at a time.
"""

import time
from itertools import cycle

import jwt

from backstay.auth.keys import KeyRing
from backstay.auth.tokens import MOST_KNOWN, Codec
from benchmarks.measure import race

SECRET = "a secret of the benchmark, which protects nothing at all"


def run(*, seconds: float) -> None:
    codec = Codec(KeyRing.from_secret(SECRET), "shop", "shop", leeway_seconds=10)
    now = int(time.time())
    claims = {
        "token_type": "access",
        "jti": "0" * 32,
        "family": "0" * 36,
        "user_id": 7,
        "email": "customer@shop.example",
        "iat": now,
        "exp": now + 86_400,
    }
    token = codec.encode(claims)
    others = cycle([codec.encode({**claims, "jti": f"{n:032x}"}) for n in range(2 * MOST_KNOWN)])
    key = codec.keys.signer.verifying
    assert codec.decode(token, "access")["user_id"] == 7

    def pyjwt() -> object:
        return jwt.decode(token, key, ["HS256"], audience="shop", issuer="shop", leeway=10)

    assert pyjwt() == codec.decode(token, "access")
    race(
        "Read an access token",
        {
            "backstay": lambda: codec.decode(token, "access"),
            "backstay, each for the first time": lambda: codec.decode(next(others), "access"),
            "PyJWT": pyjwt,
        },
        seconds=seconds,
    )
