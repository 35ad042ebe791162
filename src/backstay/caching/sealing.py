"""
What leaves this process for a shared cache is sealed: others can neither read nor forge it.

An answer may show names and addresses to those who may see them; whoever else can read the
Redis, its backups or its replicas is none of those. AES-256-GCM under a key derived from
``SECRET_KEY``: with another key all entries are misses, which is all that a rotation costs.

Source: NIST SP 800-38D. Random nonces serve for 2^32 entries under one key.
"""

import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings
from django.utils.crypto import salted_hmac

_NONCE_BYTES = 12


def seal(data: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + _cipher(settings.SECRET_KEY).encrypt(nonce, data, None)


def unseal(data: bytes) -> bytes | None:
    """``None`` for whatever was not sealed here."""
    nonce, sealed = data[:_NONCE_BYTES], data[_NONCE_BYTES:]
    try:
        return _cipher(settings.SECRET_KEY).decrypt(nonce, sealed, None)
    except (InvalidTag, ValueError):  # Altered, or too short to be anything.
        return None


@lru_cache(maxsize=2)
def _cipher(secret: str) -> AESGCM:
    return AESGCM(salted_hmac("backstay.caching", b"entries", secret, algorithm="sha256").digest())
