"""
System checks of tokens: E004, E005, W006, W007.

The first reads the key file, so a weak key refuses to start.
"""

from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own name.
from django.core.exceptions import ImproperlyConfigured

from backstay.auth.issuing import sessions_installed
from backstay.auth.keys import read_keys
from backstay.conf import settings

#: The permissions of a file for anybody but its owner.
OTHERS = 0o077


def check_keys(**_: Any) -> list[CheckMessage]:
    """E004: the key file is missing, is no JWK Set, or holds a key that is not fit to sign."""
    try:
        if settings.AUTH_KEYS is not None:
            read_keys(settings.AUTH_KEYS)
    except ImproperlyConfigured as error:
        return [
            Error(
                f"{error} No token can be issued or verified.",
                hint="Point AUTH_KEYS at a JWK Set whose first private or symmetric key signs.",
                id="backstay.E004",
            )
        ]
    return []


def check_store(**_: Any) -> list[CheckMessage]:
    """E005: a Redis is named, and there is no client for it."""
    if settings.REDIS_URL is None or find_spec("redis"):
        return []
    return [
        Error(
            "REDIS_URL is set and the package redis is not installed, so no request can be "
            "limited and no session ended.",
            hint='pip install "backstay[redis]"',
            id="backstay.E005",
        )
    ]


def check_key_file(**_: Any) -> list[CheckMessage]:
    """W006, at deployment: others can read the keys."""
    path = settings.AUTH_KEYS
    try:
        mode = Path(path).stat().st_mode if path else 0
    except OSError:
        return []  # That it is not there is E004.
    if not mode & OTHERS:
        return []
    return [
        Warning(
            f"AUTH_KEYS: other users of this machine can read or change {path}, and so sign "
            "tokens for anybody.",
            hint=f"chmod 600 {path}",
            id="backstay.W006",
        )
    ]


def check_sessions(**_: Any) -> list[CheckMessage]:
    """W007, at deployment: refresh tokens that can be used again and again."""
    if sessions_installed():
        return []
    return [
        Warning(
            "A refresh token can be used by whoever copies it until it expires, and no login "
            "can be ended.",
            hint='Add "backstay.auth.sessions" to INSTALLED_APPS, and migrate.',
            id="backstay.W007",
        )
    ]
