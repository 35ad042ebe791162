"""
The shapes an error body can take: ``BACKSTAY["ERROR_FORMATTER"]`` names one.

A formatter is a function ``(Details) -> dict``. Its attribute ``content_type``
is the answer's; without one it is ``application/json``. It decides the body
only: the status and the headers are the same in every shape.

Source: RFC 9457 for :func:`problem_json`.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

from rest_framework.settings import api_settings

from backstay.errors.problems import FieldError


@dataclass(frozen=True, slots=True)
class Details:
    """
    A problem as data, ready to be written in some shape, whatever it came from.

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


Formatter = Callable[[Details], dict[str, Any]]
F = TypeVar("F", bound=Formatter)


def written_as(content_type: str) -> Callable[[F], F]:
    """Declare the media type that a formatter writes."""

    def declare(formatter: F) -> F:
        formatter.content_type = content_type  # type: ignore[attr-defined]  # Read by getattr.
        return formatter

    return declare


@written_as("application/problem+json")
def problem_json(details: Details) -> dict[str, Any]:
    """RFC 9457: the standard members, ``code``, ``request_id`` and, if any, ``errors``."""
    body: dict[str, Any] = {
        "type": details.type,
        "title": details.title,
        "status": details.status,
        "code": details.code,
        "detail": details.detail,
        "instance": details.instance,
        "request_id": details.request_id,
    }
    if details.errors:
        body["errors"] = [asdict(error) for error in details.errors]
    return body


def status_errors(details: Details) -> dict[str, Any]:
    """``{"status": "error", "code": 400, "errors": {"quantity": ["…"]}}``."""
    return {"status": "error", "code": details.status, "errors": _errors(details)}


def error_message(details: Details) -> dict[str, Any]:
    """``{"error": {"code": "not_found", "message": "…", "status": 404}}``."""
    return {
        "error": {"code": details.code, "message": details.detail, "status": details.status},
    }


def _errors(details: Details) -> dict[str, Any]:
    """The errors as DRF nests them; those that came flat are keyed by field."""
    if isinstance(details.nested, Mapping):
        return dict(details.nested)
    whole = api_settings.NON_FIELD_ERRORS_KEY
    if details.nested is not None:
        return {whole: details.nested}
    if not details.errors:
        return {"detail": details.detail}
    keyed: dict[str, Any] = {}
    for error in details.errors:
        keyed.setdefault(error.pointer.lstrip("/?") or whole, []).append(error.detail)
    return keyed
