"""
Every error code of the library, with its status, its title and what to do about it.

The one source for titles, for the code of a bare HTTP status, and for the pages
a problem's ``type`` leads to. A project's own codes are not listed here: they
come from its :class:`~backstay.errors.Problem` subclasses.

Statuses: RFC 9110 section 15, RFC 6585.
"""

from dataclasses import dataclass
from http import HTTPStatus


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says to the person who meets it."""

    code: str
    status: int
    title: str
    meaning: str
    advice: str


_CODES = (
    Code(
        "validation_error",
        400,
        "Invalid input",
        "The request was understood, but some of its values cannot be accepted.",
        "Correct the values that `errors` points at, and send the request again.",
    ),
    Code(
        "parse_error",
        400,
        "Malformed request",
        "The request could not be read: its body, its host or its form is broken.",
        "Send well-formed UTF-8 JSON whose length matches Content-Length.",
    ),
    Code(
        "not_authenticated",
        401,
        "Authentication required",
        "The request carried no credentials.",
        "Log in, and send the access token in the Authorization header.",
    ),
    Code(
        "token_expired",
        401,
        "Token expired",
        "The token was valid once, and its lifetime is over.",
        "Get a new access token with the refresh token, or log in again.",
    ),
    Code(
        "token_invalid",
        401,
        "Invalid token",
        "The token is not one of ours, was revoked, or is of another kind.",
        "Log in again. Repeating the request with the same token cannot succeed.",
    ),
    Code(
        "invalid_credentials",
        401,
        "Invalid credentials",
        "The credentials do not belong to an account that may log in.",
        "Check them and try again; the answer never says which part is wrong.",
    ),
    Code(
        "permission_denied",
        403,
        "Permission denied",
        "The account is known, but may not do this.",
        "Ask someone with the required role. Repeating the request cannot succeed.",
    ),
    Code(
        "plan_required",
        403,
        "Higher plan required",
        "The organization's plan does not include this.",
        "An owner of the organization can change its plan.",
    ),
    Code(
        "delete_window_closed",
        403,
        "Too late to delete",
        "The object may be deleted only for a limited time after its creation.",
        "Ask a member of staff if the object still has to go.",
    ),
    Code(
        "csrf_failed",
        403,
        "CSRF check failed",
        "A request authenticated by a cookie did not prove that it came from this site.",
        "Send the X-CSRFToken header, or send the request from the same origin.",
    ),
    Code(
        "not_found",
        404,
        "Not found",
        "Nothing is here, or nothing that the account may see.",
        "Check the address and the id in it.",
    ),
    Code(
        "method_not_allowed",
        405,
        "Method not allowed",
        "The address exists, but does not support this method.",
        "Use one of the methods in the Allow header.",
    ),
    Code(
        "not_acceptable",
        406,
        "Not acceptable",
        "No representation or version matches the Accept header.",
        "Accept application/json, and a version that the API speaks.",
    ),
    Code(
        "conflict",
        409,
        "Conflict",
        "The request does not fit the present state, often because someone was faster.",
        "Read the object again, and decide anew.",
    ),
    Code(
        "idempotency_in_progress",
        409,
        "Request in progress",
        "A request with the same Idempotency-Key is still being worked on.",
        "Wait a moment, and send the same request with the same key again.",
    ),
    Code(
        "gone",
        410,
        "Gone",
        "What was here has been removed for good.",
        "Stop using this address.",
    ),
    Code(
        "version_sunset",
        410,
        "Version no longer served",
        "This version of the API was retired on the date in the Sunset header.",
        "Move to a current version; the Link header leads to its description.",
    ),
    Code(
        "precondition_failed",
        412,
        "Precondition failed",
        "The object has changed since the version that If-Match names.",
        "Read the object again, apply the change to it, and send its new ETag.",
    ),
    Code(
        "payload_too_large",
        413,
        "Request too large",
        "The body is longer than the service accepts. It was not read.",
        "Send less at a time.",
    ),
    Code(
        "unsupported_media_type",
        415,
        "Unsupported media type",
        "The body's Content-Type is not one that this address reads.",
        "Send application/json, and name it in Content-Type.",
    ),
    Code(
        "unprocessable_content",
        422,
        "Unprocessable content",
        "The body is well-formed, but cannot be acted on.",
        "Change the content of the request before sending it again.",
    ),
    Code(
        "idempotency_key_reused",
        422,
        "Idempotency key reused",
        "The Idempotency-Key was used before, with another body.",
        "Use a new key for each new request.",
    ),
    Code(
        "precondition_required",
        428,
        "Precondition required",
        "This address takes only conditional requests, so that no update is lost.",
        "Send the object's ETag in If-Match.",
    ),
    Code(
        "throttled",
        429,
        "Too many requests",
        "The caller has used up its budget for the moment.",
        "Wait as many seconds as Retry-After says; earlier attempts are refused as well.",
    ),
    Code(
        "internal_error",
        500,
        "Internal error",
        "The service made a mistake. It was recorded with the request id.",
        "Try again later; if it stays, report the request id.",
    ),
    Code(
        "service_unavailable",
        503,
        "Service unavailable",
        "Something the service depends on does not answer at the moment.",
        "Send the request again after as many seconds as Retry-After says.",
    ),
)

CATALOGUE = {entry.code: entry for entry in _CODES}

# The code of a response of which no more than its status is known. Where
# several share a status, the one that claims least.
_BY_STATUS = {
    **{entry.status: entry.code for entry in reversed(_CODES)},
    HTTPStatus.BAD_REQUEST: "parse_error",
}


def code_of_status(status: int) -> str:
    """
    The code for a bare status.

    >>> code_of_status(404), code_of_status(402)
    ('not_found', 'payment_required')
    """
    try:
        return _BY_STATUS.get(status) or HTTPStatus(status).name.lower()
    except ValueError:
        return "internal_error" if status >= HTTPStatus.INTERNAL_SERVER_ERROR else "parse_error"


def title_of(code: str, status: int) -> str:
    """The catalogue's title of *code*, else the status's reason phrase."""
    if code in CATALOGUE:
        return CATALOGUE[code].title
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
