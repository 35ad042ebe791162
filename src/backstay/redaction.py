"""
Takes secrets and personal data out of what is about to be logged.

By key, whatever the value: passwords, tokens, cookies, card numbers. By shape, wherever it
stands in a text, a traceback too: JWTs and refresh tokens (which are JWTs), credentials of
``Authorization``, cookies, e-mail addresses, card numbers (13 to 19 digits with a right
check digit), passwords in URLs and query strings, and quoted values beside such a key.

A password as such has no shape: one that code puts into a message of its own, without a
name beside it, is not found.

Check digit: ISO/IEC 7812-1, annex B (Luhn).
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

REDACTED = "[redacted]"

MAX_DEPTH = 6

#: Of a ``User-Agent``: more than a secret at its beginning needs to be known as one.
AGENT_CHARACTERS = 500

_WORDS = (
    r"passw(?:or)?d|passphrase|secret|token(?!_type)|authorization|cookie|api[-_]?key|private[-_]?key"
    r"|credential|csrf|session[-_]?(?:id|key)|card[-_]?n(?:o|um)|cvv|cvc|e[-_]?mail"
)
_KEY = re.compile(rf"{_WORDS}|^(?:access|refresh)$", re.IGNORECASE)

_JWT = re.compile(r"\beyJ[\w-]{5,}\.[\w-]*(?:\.[\w-]*){0,3}")
# With a digit, a capital or padding: else it is prose.
_SCHEME = re.compile(
    r"\b((?i:Bearer|Basic|Digest))(\s{1,4})(?=[a-z.~+/_-]{0,200}[\dA-Z=])[\w.~+/=-]{8,}"
)
_EMAIL = re.compile(r"[\w.%+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_CARD = re.compile(r"(?<![\w.-])(?<!\d )\d(?:[ -]?\d){12,18}(?![ -]?\d|\w)")
_USERINFO = re.compile(r"(://)[^/\s:@]*:[^/\s@]+(@)")
_PARAMETER = re.compile(
    rf"([?&;][\w.-]{{0,40}}(?:{_WORDS})[\w.-]{{0,40}}=)[^&;\s\"'#]+", re.IGNORECASE
)
_QUOTED = re.compile(
    rf"""((?:{_WORDS})[\w-]{{0,40}}["']?\s{{0,4}}[:=]\s{{0,4}}[bru]?)("[^"\n]*"|'[^'\n]*')""",
    re.IGNORECASE,
)
_HEADER = re.compile(
    r"\b((?:set-)?cookie|authorization)(\s{0,4}[:=]\s{0,4})[^\r\n\"']+", re.IGNORECASE
)

#: What moves a terminal's cursor, ends a line for some reader, or turns the writing round.
_CONTROLS = {
    code: f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
    for code in (*range(32), *range(127, 160), *range(0x2028, 0x202F), *range(0x2066, 0x206A))
}


def redact(value: Any, depth: int = 0) -> Any:
    """*value* without secrets: text, and what dicts, lists and tuples hold of it."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, int | float | None):
        return value
    if depth >= MAX_DEPTH:
        return REDACTED
    if isinstance(value, Mapping):
        return {key: _beside(key, inner, depth) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [redact(inner, depth + 1) for inner in value]
    return redact_text(str(value))


def _beside(key: Any, value: Any, depth: int) -> Any:
    if isinstance(key, str) and _KEY.search(key) and not isinstance(value, bool | None):
        return REDACTED
    return redact(value, depth + 1)


def redact_texts(value: Any) -> Any:
    """*value* with its texts redacted, also those beside a key that names a secret."""
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, Mapping):
        return {key: redact_texts(inner) for key, inner in value.items()}
    return [redact_texts(inner) for inner in value] if isinstance(value, list) else value


def redact_text(text: str) -> str:
    """
    >>> redact_text("GET /reset?token=abc by ada@shop.example")
    'GET /reset?token=[redacted] by [redacted]'
    """
    if "eyJ" in text:
        text = _JWT.sub(REDACTED, text)
    if "@" in text:
        text = _USERINFO.sub(rf"\1{REDACTED}\2", text)
        text = _EMAIL.sub(REDACTED, text)
    text = _SCHEME.sub(rf"\1\2{REDACTED}", text)
    if "=" in text or ":" in text:
        text = _PARAMETER.sub(rf"\1{REDACTED}", text)
        text = _QUOTED.sub(rf"\1{REDACTED}", text)
        text = _HEADER.sub(rf"\1\2{REDACTED}", text)
    return _CARD.sub(_card, text)


def redact_agent(user_agent: str) -> str:
    """How *user_agent* begins: clients send the same one each time, and it is looked at once."""
    return _redacted(user_agent[:AGENT_CHARACTERS])


_redacted = lru_cache(maxsize=1_024)(redact_text)


def _card(match: re.Match[str]) -> str:
    digits = [int(digit) for digit in match[0] if digit.isdigit()]
    doubled = [sum(divmod(2 * digit, 10)) for digit in digits[-2::-2]]
    valid = (sum(digits[-1::-2]) + sum(doubled)) % 10 == 0
    return REDACTED if valid else match[0]


def one_line(text: str) -> str:
    """*text* with its control characters written out, so that it stays on its line."""
    return text.translate(_CONTROLS)
