"""
What is kept of an answer, as bytes: never pickle, and whatever is not of this form is a miss.

A line of JSON with the headers, and after it the body as it was sent; sealed.
"""

import json
from collections.abc import Collection, Mapping

from django.http import HttpResponse
from django.http.response import HttpResponseBase

from backstay.caching.sealing import seal, unseal

#: The form's own version: entries of another one are misses.
_FORM = b"backstay-1 "


def encode(headers: Mapping[str, str], body: bytes) -> bytes:
    return seal(_FORM + json.dumps(dict(headers)).encode() + b"\n" + body)


def decode(data: bytes) -> HttpResponse | None:
    """The answer in *data*; ``None`` for anything that is none, whoever has written it."""
    head, newline, body = (unseal(data) or b"").partition(b"\n")
    if not newline or not head.startswith(_FORM):
        return None
    try:
        headers = json.loads(head.removeprefix(_FORM))
        if not all(isinstance(value, str) for value in headers.values()):
            return None
        # It refuses what would end a header, in its name or in its value.
        return HttpResponse(body, headers=headers)
    except (ValueError, AttributeError, RecursionError):
        return None


def why_not(response: HttpResponseBase, covered: Collection[str]) -> str | None:
    """
    Why *response* is not kept; ``None`` where it may be (RFC 9111 section 3).

    *covered* are the request headers that its key tells apart, in lower case.
    """
    if response.status_code != 200:
        return "status"
    if response.streaming or not isinstance(response, HttpResponse):
        return "stream"
    if response.cookies or response.has_header("Set-Cookie"):
        return "cookie"
    directives = {
        part.partition("=")[0].strip().lower()
        for part in response.get("Cache-Control", "").split(",")
    }
    if directives & {"no-store", "private", "no-cache"}:
        return "cache-control"
    varies = {name.strip().lower() for name in response.get("Vary", "").split(",")} - {""}
    return "vary" if varies - set(covered) else None
