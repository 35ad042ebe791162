"""
``REST_FRAMEWORK["EXCEPTION_HANDLER"] = "backstay.errors.exception_handler"``.

Every exception of a DRF view leaves in the one shape: convert, roll back,
respond, report. One that is no problem of the client's becomes an
``internal_error`` that is logged once, with its traceback and the request id,
and of which the body says nothing.

``DEBUG_PROPAGATE_EXCEPTIONS`` still propagates such an exception.
"""

import logging
from typing import Any

from django.conf import settings as django_settings
from django.core.exceptions import SuspiciousOperation
from django.core.signals import got_request_exception
from django.db import DataError
from django.http import HttpResponse
from django.utils.log import log_response, request_logger
from rest_framework.exceptions import APIException

from backstay.errors.convert import Context, to_problem
from backstay.errors.problems import Problem
from backstay.errors.request_ids import id_of
from backstay.errors.responses import ProblemResponse


def exception_handler(exc: Exception, context: Context) -> ProblemResponse | None:
    """Answer *exc* in the project's shape."""
    # Late: at its import DRF loads a project's settings, and with them all that uses this.
    from rest_framework.views import set_rollback

    request = context["request"]
    problem = to_problem(exc, context)
    if problem is None and django_settings.DEBUG_PROPAGATE_EXCEPTIONS:
        return None
    set_rollback()
    response = ProblemResponse(problem or Problem(), request)
    if problem is None:
        got_request_exception.send(sender=None, request=request)
    report(exc, response, request)
    return response


def report(exc: BaseException, response: HttpResponse, request: Any) -> None:
    """
    Log what an operator has to see, once: mistakes, outages, attacks.

    Everything else Django logs by its status when the response passes.
    """
    if isinstance(exc, SuspiciousOperation):
        logger, level = logging.getLogger(f"django.security.{type(exc).__name__}"), "error"
    elif response.status_code >= 500 and not isinstance(exc, APIException):
        logger, level = request_logger, "error"
    elif isinstance(exc, DataError):
        # The client was told; a validator that would have told it better is missing.
        logger, level = request_logger, "warning"
    else:
        return
    log_response(
        "%s: %s (request id %s)",
        response.reason_phrase,
        request.path,
        id_of(request),
        response=response,
        request=request,
        logger=logger,
        level=level,
        exception=exc,
    )
