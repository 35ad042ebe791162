"""
``Idempotency-Key`` as it is written: a string of structured fields, or bare.

Source: RFC 8941 section 3.3.3.
"""

import re

from backstay.errors import MalformedRequest

MAX_LENGTH = 255

_QUOTED = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
#: Visible ASCII. A comma would be two headers that were joined.
_BARE = re.compile(r"[\x21\x23-\x2b\x2d-\x5b\x5d-\x7e]+")


class InvalidKey(MalformedRequest):
    """The header ``Idempotency-Key`` is no key."""

    default_detail = (
        f'Idempotency-Key takes 1 to {MAX_LENGTH} printable ASCII characters, such as "8e03978e".'
    )


def parse_key(text: str) -> str:
    """
    The key in *text*, the same with quotes and without.

    Raises:
        InvalidKey: there is none, it is too long, or has other characters.

    >>> parse_key('"8e03978e"'), parse_key("8e03978e")
    ('8e03978e', '8e03978e')
    """
    written = text.strip(" \t")
    if quoted := _QUOTED.fullmatch(written):
        key = re.sub(r"\\(.)", r"\1", quoted[1])
    else:
        key = written if _BARE.fullmatch(written) else ""
    if not 0 < len(key) <= MAX_LENGTH:
        raise InvalidKey
    return key
