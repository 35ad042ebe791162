"""
From a problem to the bytes of its answer.

The body is JSON whatever the client accepts (RFC 9110 section 15.5.7 lets an
error ignore ``Accept``), except in DRF's browsable API, which shows it in its
own page. Every problem is ``no-store``: it names one request, and a 404, 405 or
410 may otherwise be kept by a cache (RFC 9110 section 15.1).
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.encoding import escape_uri_path
from rest_framework.response import Response

from backstay.conf import function, settings
from backstay.errors.formatters import Details, Formatter, problem_json
from backstay.errors.problems import Problem
from backstay.errors.request_ids import id_of
from backstay.redaction import redact_text, redact_texts

logger = logging.getLogger(__name__)

# Seconds, for the answers that owe a Retry-After and were not told one.
_RETRY_AFTER = {429: {"Retry-After": "60"}, 503: {"Retry-After": "5"}}


class ProblemResponse(Response):
    """A DRF response whose body is the problem in the project's shape."""

    def __init__(self, problem: Problem, request: Any) -> None:
        body, self.problem_content_type = write(describe(problem, request))
        status = problem.status_code
        owed = {"Cache-Control": "no-store", **_RETRY_AFTER.get(status, {})}
        super().__init__(body, status, headers=owed | problem.headers, exception=True)

    @property
    def rendered_content(self) -> Any:
        renderer = getattr(self, "accepted_renderer", None)
        if renderer is not None and renderer.format == "api":
            return super().rendered_content
        self.headers["Content-Type"] = self.problem_content_type
        return encode(self.data)


def describe(problem: Problem, request: Any) -> Details:
    """
    *problem* as data, with what only the request knows.

    Messages of validators and paths may quote what was sent; secrets are taken out.
    """
    return Details(
        type=f"{settings.ERROR_TYPE_BASE}{problem.code}",
        title=str(problem.title),
        status=problem.status_code,
        code=problem.code,
        detail=redact_text(str(problem.detail)),
        instance=escape_uri_path(redact_text(request.path)),
        request_id=id_of(request),
        errors=tuple(replace(one, detail=redact_text(one.detail)) for one in problem.errors),
        nested=redact_texts(problem.nested),
    )


def write(details: Details) -> tuple[dict[str, Any], str]:
    """
    The body in the project's shape, and its media type.

    A project's formatter that fails must not hide the error it was given: the
    problem is written as problem+json, and the failure is logged.
    """
    try:
        formatter = load_formatter()
        body = formatter(details)
        encode(body)
    except Exception:  # A project's function may raise anything.
        logger.exception("The error formatter failed; answering problem+json instead.")
        formatter, body = problem_json, problem_json(details)
    return body, getattr(formatter, "content_type", "application/json")


def load_formatter() -> Formatter:
    """
    The function behind ``BACKSTAY["ERROR_FORMATTER"]``.

    Raises:
        ImproperlyConfigured: there is none, or it cannot be called.
    """
    try:
        return function(settings.ERROR_FORMATTER)
    except ValueError as error:
        raise ImproperlyConfigured(f'BACKSTAY["ERROR_FORMATTER"]: {error}') from None


def encode(body: Mapping[str, Any]) -> bytes:
    # Compact, as DRF renders every other answer.
    text = json.dumps(body, cls=DjangoJSONEncoder, ensure_ascii=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
