"""
Error responses that no handler of ours made, put into the one shape.

Covers what Django answers itself (unknown URL, bad Host, CSRF, 500, the
technical pages of ``DEBUG``), what middleware answers, and errors that a view
returned instead of raising: their own ``detail`` or field errors are kept. The
response object stays, so do its cookies and headers (CORS, Vary, Allow).

Left alone: what is no error, streams, problems that are in shape, and paths
under ``BACKSTAY["ERROR_HTML_PATHS"]``.
"""

import json
from collections.abc import Mapping
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase

from backstay.conf import settings
from backstay.errors.codes import CATALOGUE, code_of_status
from backstay.errors.convert import challenge, invalid_input
from backstay.errors.problems import Converted, Problem
from backstay.errors.responses import ProblemResponse

# They describe the body that is replaced.
_HEADERS_OF_THE_OLD_BODY = (
    "Content-Disposition",
    "Content-Encoding",
    "Content-Length",
    "ETag",
    "Last-Modified",
)


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
