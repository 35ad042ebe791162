"""
JSON that means one thing: what readers differ on is refused with 400.

Refused: any encoding but UTF-8 (a BOM, UTF-16, another declared charset), a body
shorter than its Content-Length, NaN and Infinity, numbers a double cannot hold,
a name twice in one object, more than ``MAX_DEPTH`` levels, and NUL or half of a
surrogate pair in a string, which PostgreSQL or UTF-8 cannot store.

The message says what is wrong, and where if the reader knows. An empty body is
no data, as everywhere in DRF.

Sources: RFC 8259 sections 4, 6, 8; RFC 7493 (I-JSON).
"""

import json
import re
from collections import Counter
from collections.abc import Iterable
from math import isinf
from typing import IO, Any, NoReturn

from django.utils.http import parse_header_parameters
from rest_framework.exceptions import ParseError
from rest_framework.parsers import JSONParser

MAX_DEPTH = 100

# A double overflows at 309 digits; with fewer, float() of a whole number cannot raise.
MAX_INTEGER_DIGITS = 308

# Longer names and numbers are cut in messages.
_SHOWN_CHARACTERS = 40

_SUSPICIOUS_ESCAPE = re.compile(r"\\u(?:0000|[dD][89a-fA-F])")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


class StrictJSONParser(JSONParser):
    """DRF's JSON parser, without the ambiguities."""

    def parse(
        self,
        stream: IO[Any],
        media_type: str | None = None,
        parser_context: Any = None,
    ) -> Any:
        """
        Raises:
            ParseError: the body is not JSON, or not only one reading of it.
        """
        body, request = stream.read(), (parser_context or {}).get("request")
        declared = request.META.get("CONTENT_LENGTH") if request is not None else None
        # Half an order may still be JSON.
        if declared and declared.isdecimal() and len(body) < int(declared):
            raise ParseError(f"The body ended after {len(body)} of {declared} bytes.")
        _, parameters = parse_header_parameters(media_type or "")
        charset = parameters.get("charset", "utf-8")
        if charset.lower() not in {"utf-8", "utf8"}:
            raise ParseError(f'The charset must be utf-8, not "{_shown(charset)}".')
        return parse_json(body)


def parse_json(body: bytes) -> Any:
    """
    The value that *body* holds.

    >>> parse_json(b'{"quantity": 2}')
    {'quantity': 2}
    """
    text = _decode(body)
    try:
        value = json.loads(
            text,
            object_pairs_hook=_object,
            parse_constant=_constant,
            parse_float=_float,
            parse_int=_integer,
        )
    except json.JSONDecodeError as error:
        raise ParseError(
            f"Not valid JSON: {error.msg} at line {error.lineno} column {error.colno}."
        ) from None
    except RecursionError:
        raise _too_deep() from None
    if text.count("[") + text.count("{") > MAX_DEPTH or _SUSPICIOUS_ESCAPE.search(text):
        _look_through(value)
    return value


def _decode(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ParseError(f"Not valid UTF-8 at byte {error.start}.") from None
    if text.startswith("\ufeff"):
        raise ParseError("JSON must not begin with a byte order mark.")
    return text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) < len(pairs):
        [(twice, _)] = Counter(name for name, _ in pairs).most_common(1)
        raise ParseError(f'The name "{_shown(twice)}" is twice in one object.')
    return value


def _constant(name: str) -> NoReturn:
    raise ParseError(f"{name} is not JSON.")


def _float(digits: str) -> float:
    value = float(digits)
    if isinf(value):
        raise ParseError(f"The number {_shown(digits)} is too large.")
    return value


def _integer(digits: str) -> int:
    if len(digits) > MAX_INTEGER_DIGITS:
        raise ParseError(f"The number {_shown(digits)} is too large.")
    return int(digits)


def _look_through(value: Any) -> None:
    """Refuse what is nested too deeply, and text that cannot be stored."""
    level, depth = [value], 0
    while level:
        for item in level:
            if isinstance(item, str) and (found := _UNSTORABLE.search(item)):
                raise ParseError(f"A string holds U+{ord(found[0]):04X}, which is no text.")
        if depth >= MAX_DEPTH and any(isinstance(item, dict | list) for item in level):
            raise _too_deep()
        level = [child for item in level for child in _children(item)]
        depth += 1


def _children(item: Any) -> Iterable[Any]:
    if isinstance(item, dict):
        return (*item, *item.values())
    return item if isinstance(item, list) else ()


def _too_deep() -> ParseError:
    return ParseError(f"More than {MAX_DEPTH} levels of nesting.")


def _shown(text: str) -> str:
    safe = text.encode("unicode_escape").decode("ascii")
    return safe if len(safe) <= _SHOWN_CHARACTERS else f"{safe[:_SHOWN_CHARACTERS]}…"
