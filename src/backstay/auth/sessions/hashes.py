"""What is stored of a secret, or of something that must be seen to change."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser


def hash_of(jti: str) -> str:
    """One plain hash is enough: nobody can guess 256 bits."""
    return hashlib.sha256(jti.encode()).hexdigest()


def hash_of_password(user: AbstractBaseUser) -> str:
    """Another for each password, also for the same one set again; it tells nothing of it."""
    return hashlib.sha256(user.password.encode()).hexdigest()


def hash_of_claims(own: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(own, sort_keys=True, default=str).encode()).hexdigest()
