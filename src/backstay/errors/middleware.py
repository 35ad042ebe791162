"""
The outermost middleware: an id for every request, a bound for every body, and
the one shape for every error.

A body is bounded by its declared length, before a byte of it is read: above
``MAX_BODY_BYTES`` is 413, a length that is no number is 400. A body of
undeclared length (``Transfer-Encoding``) is 400 as well, since WSGI offers no
bounded way to read it; a buffering proxy declares the length for its clients.

Sync; Django adapts it under ASGI. Limit: over HTTP/2 straight to an ASGI server
a body may come without a length, and only that server bounds it.

Sources: RFC 9112 section 6, RFC 9110 section 8.6.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from backstay.conf import settings
from backstay.errors.conform import conform, keeps_html
from backstay.errors.convert import to_problem
from backstay.errors.handler import report
from backstay.errors.problems import MalformedRequest, PayloadTooLarge, Problem
from backstay.errors.request_ids import current, id_of
from backstay.errors.responses import ProblemResponse


class ProblemMiddleware:
    """Put it first in ``MIDDLEWARE``, before CORS: headers set inside are kept."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        token = current.set(id_of(request))
        try:
            response = self.get_response(request)
            conform(request, response)
            response.headers["X-Request-ID"] = id_of(request)
            return response
        finally:
            current.reset(token)

    def process_view(self, request: HttpRequest, *_: Any) -> Response | None:
        """
        Refuse a body that is not to be read.

        Here, not in ``__call__``: the answer passes through the middleware inside, which
        give it the headers that a script of another origin needs to read it.
        """
        refusal = refuse_body(request)
        return ProblemResponse(refusal, request) if refusal else None

    def process_exception(self, request: HttpRequest, exc: Exception) -> Response | None:
        """
        Answer a problem raised by a plain Django view, or by its transaction's commit.

        Mistakes are left to Django, which logs them; their answer is shaped on its way out.
        """
        context = {"request": request, "view": _drf_view(request)}
        problem = None if keeps_html(request) else to_problem(exc, context)
        if problem is None:
            return None
        response = ProblemResponse(problem, request)
        report(exc, response, request)
        return response


def _drf_view(request: HttpRequest) -> Any:
    """A view like the one that raised, ``None`` where it is not DRF's."""
    view = getattr(request.resolver_match, "func", None)
    kind = getattr(view, "cls", None)
    return kind(**getattr(view, "initkwargs", {})) if kind else None


def refuse_body(request: HttpRequest) -> Problem | None:
    """Why the body of *request* is not read, ``None`` where it may be."""
    if request.META.get("HTTP_TRANSFER_ENCODING"):
        return MalformedRequest("Declare the length of the body in Content-Length.")
    length = request.META.get("CONTENT_LENGTH") or "0"
    if not (length.isascii() and length.isdecimal()):
        return MalformedRequest("Content-Length is not a number.")
    # So many digits are over any bound; int() would refuse them in its own way.
    if len(length) > 18 or int(length) > settings.MAX_BODY_BYTES:
        return PayloadTooLarge(f"The body is longer than {settings.MAX_BODY_BYTES} bytes.")
    return None
