"""
One problem as data: what every formatter gets, whatever the problem came from.

The members are those of RFC 9457 section 3.1 and four of ours: ``code``,
``request_id``, ``errors`` and ``nested``.
"""

from dataclasses import dataclass
from typing import Any

from backstay.errors.problems import FieldError


@dataclass(frozen=True, slots=True)
class Details:
    """
    A problem that is ready to be written in some shape.

    ``instance`` is the path of the request, without its query, which may hold
    personal data. ``nested`` holds the validation errors as DRF nested them,
    ``None`` where there were none or they came from elsewhere.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str
    instance: str
    request_id: str
    errors: tuple[FieldError, ...] = ()
    nested: Any = None
