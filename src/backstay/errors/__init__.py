"""
One shape for every 4xx and 5xx.

Raise a :class:`Problem`, or any exception that Django or DRF knows, in a view;
``exception_handler`` answers it. :class:`ProblemMiddleware` gives the errors
that arise outside views the same shape, and every request an id. The shape is
a setting: RFC 9457 by default.
"""

from backstay.errors.formatters import Details
from backstay.errors.handler import exception_handler
from backstay.errors.middleware import ProblemMiddleware
from backstay.errors.problems import (
    Conflict,
    FieldError,
    InvalidInput,
    MalformedRequest,
    PayloadTooLarge,
    Problem,
    QueryParameterError,
    ServiceUnavailable,
)
from backstay.errors.request_ids import request_id

__all__ = [
    "Conflict",
    "Details",
    "FieldError",
    "InvalidInput",
    "MalformedRequest",
    "PayloadTooLarge",
    "Problem",
    "ProblemMiddleware",
    "QueryParameterError",
    "ServiceUnavailable",
    "exception_handler",
    "request_id",
]
