"""
What a job is given: JSON, and nothing that JSON would change.

A row is read by another process, perhaps of the next release. So a payload is
refused at ``enqueue``, where the mistake is, unless it reads back equal in value
and type. By convention it holds ids: what they name is read when the job runs.
"""

import json
from math import isfinite
from typing import Any

MAX_BYTES = 4096


class InvalidPayload(ValueError):
    """A payload that cannot be stored as it is; the message says where and why."""


def encode(payload: dict[str, Any]) -> str:
    """
    Raises:
        InvalidPayload: a value that JSON lacks or would change, or over 4,096 bytes.
    """
    for name, value in payload.items():
        _check(value, name)
    # ASCII, because a database column may refuse what a string may hold.
    text = json.dumps(payload, separators=(",", ":"), ensure_ascii=True)
    if len(text) > MAX_BYTES:
        raise InvalidPayload(
            f"The payload has {len(text)} bytes, {MAX_BYTES} are allowed. "
            "Store the data and pass its id."
        )
    return text


def _check(value: Any, where: str, depth: int = 0) -> None:
    # Types are compared exactly: a subclass would come back as its base.
    kind = type(value)
    if depth > 20:
        raise InvalidPayload(f"{where} is nested too deeply.")
    if kind is dict:
        for key, item in value.items():
            if type(key) is not str:
                raise InvalidPayload(f"{where} has the key {key!r}; JSON keys are strings.")
            _check(item, f"{where}.{key}", depth + 1)
    elif kind is list:
        for index, item in enumerate(value):
            _check(item, f"{where}[{index}]", depth + 1)
    elif kind is float and not isfinite(value):
        raise InvalidPayload(f"{where} is {value}, which JSON does not have.")
    elif kind not in {str, int, float, bool, type(None)}:
        raise InvalidPayload(
            f"{where} is a {kind.__name__}, which JSON would not give back. "
            "Pass an id, a string or a number."
        )
