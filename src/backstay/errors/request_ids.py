"""
One id for each request, the same in its answer, its log lines and its problem.

A client's ``X-Request-ID`` is kept when it is 1 to 64 of ``A-Z a-z 0-9 . _ -``, and has
the shape of no secret (``backstay.redaction``: a card number would pass). Anything else
could forge a log line, fill a log or bring into it what must not be there, and is replaced
by a new id.
"""

import re
from contextvars import ContextVar
from typing import Any
from uuid import uuid4

from backstay.redaction import redact_text

_WELL_FORMED = re.compile(r"[A-Za-z0-9._-]{1,64}")

current: ContextVar[str] = ContextVar("backstay_request_id", default="")


def request_id() -> str:
    """The id of the request being answered, ``""`` outside one. For logging."""
    return current.get()


def id_of(request: Any) -> str:
    """The id of *request*, given to it at the first call."""
    known = getattr(request, "request_id", None)
    if known is None:
        offered = request.META.get("HTTP_X_REQUEST_ID", "")
        known = offered if _may_be_kept(offered) else uuid4().hex
        request.request_id = known
    return str(known)


def _may_be_kept(offered: str) -> bool:
    return bool(_WELL_FORMED.fullmatch(offered)) and redact_text(offered) == offered
