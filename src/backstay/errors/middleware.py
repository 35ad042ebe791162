"""
The outermost middleware: an id for every request, a bound for every body, and
the one shape for every error, also those that no handler of ours made.

A body is bounded by its declared length, before a byte of it is read: above
``MAX_BODY_BYTES`` is 413, a length that is no number is 400. A body of
undeclared length (``Transfer-Encoding``) is 400 as well, since WSGI offers no
bounded way to read it; a buffering proxy declares the length for its clients.

Put into shape is what Django answers itself (unknown URL, bad Host, CSRF, 500,
the technical pages of ``DEBUG``), what middleware answers, and errors that a view
returned instead of raising: their own ``detail`` or field errors are kept. The
response object stays, so do its cookies and headers (CORS, Vary, Allow). Left
alone are streams and paths under ``BACKSTAY["ERROR_HTML_PATHS"]``.

Sync; Django adapts it under ASGI. Limit: over HTTP/2 straight to an ASGI server
a body may come without a length, and only that server bounds it.

Sources: RFC 9112 section 6, RFC 9110 section 8.6.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from rest_framework.response import Response

from backstay.conf import settings
from backstay.errors.codes import CATALOGUE, code_of_status
from backstay.errors.convert import challenge, invalid_input, to_problem
from backstay.errors.handler import report
from backstay.errors.problems import Converted, MalformedRequest, PayloadTooLarge, Problem
from backstay.errors.request_ids import current, id_of
from backstay.errors.responses import ProblemResponse

# They describe the body that is replaced.
_HEADERS_OF_THE_OLD_BODY = (
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "ETag",
    "Last-Modified",
)


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


def keeps_html(request: HttpRequest) -> bool:
    """Whether errors at this path are left as Django makes them."""
    return request.path_info.startswith(settings.ERROR_HTML_PATHS)


def conform(request: HttpRequest, response: HttpResponseBase) -> None:
    """Give *response* the project's shape, if it is an error without it."""
    if not isinstance(response, HttpResponse) or response.status_code < 400:
        return
    if not _is_in_shape(response) and not keeps_html(request):
        _replace_body(request, response, _read(response))
    if request.method == "HEAD":
        response.content = b""


def _is_in_shape(response: HttpResponse) -> bool:
    media_type = response.headers.get("Content-Type", "").partition(";")[0].strip()
    return isinstance(response, ProblemResponse) or media_type == "application/problem+json"


def _replace_body(request: HttpRequest, response: HttpResponse, problem: Problem) -> None:
    shaped = ProblemResponse(problem, request)
    for name in _HEADERS_OF_THE_OLD_BODY:
        response.headers.pop(name, None)
    response.content = shaped.rendered_content
    response.headers["Content-Type"] = shaped.headers["Content-Type"]
    response.headers["Content-Length"] = str(len(response.content))
    if response.status_code == 401 and (offered := challenge(None, request)):
        shaped.headers["WWW-Authenticate"] = offered
    for name, value in shaped.headers.items():
        response.headers.setdefault(name, value)


def _read(response: HttpResponse) -> Problem:
    """The problem that a response in another shape tells of."""
    status, said = response.status_code, _data(response)
    code = code_of_status(status)
    if isinstance(said, Mapping) and isinstance(said.get("detail"), str):
        own = str(said.get("code") or getattr(said["detail"], "code", None))
        return Converted(status, own if own in CATALOGUE else code, said["detail"])
    if status == 400 and said and _is_field_errors(said):
        return invalid_input(said)
    return Converted(status, code)


def _data(response: HttpResponse) -> Any:
    if hasattr(response, "data"):
        return response.data
    if "json" not in response.headers.get("Content-Type", ""):
        return None
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        return None


def _is_field_errors(said: Any) -> bool:
    """Whether every leaf is a sentence, as in ``serializer.errors``."""
    if isinstance(said, Mapping):
        return all(_is_field_errors(value) for value in said.values())
    if isinstance(said, list):
        return all(_is_field_errors(value) for value in said)
    return isinstance(said, str)
