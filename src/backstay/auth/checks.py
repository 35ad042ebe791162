"""System check of the keys: E004. It reads the key file, so a weak key refuses to start."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.core.exceptions import ImproperlyConfigured

from backstay.auth.keys import load_keys
from backstay.conf import settings


def check_keys(**_: Any) -> list[CheckMessage]:
    """E004: the key file is missing, is no JWK Set, or holds a key that is not fit to sign."""
    try:
        if settings.AUTH_KEYS is not None:
            load_keys()
    except ImproperlyConfigured as error:
        return [
            Error(
                f"{error} No token can be issued or verified.",
                hint="Point AUTH_KEYS at a JWK Set whose first private or symmetric key signs.",
                id="backstay.E004",
            )
        ]
    return []
