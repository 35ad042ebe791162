"""
Every error code of the library, with its status, its title and what to do about it.

The one source for titles, for the code of a bare HTTP status, and for the pages
a problem's ``type`` leads to. A project's own codes are not listed here: they
come from its :class:`~backstay.errors.Problem` subclasses.

Statuses: RFC 9110 section 15, RFC 6585.
"""

from dataclasses import dataclass
from http import HTTPStatus
from http.client import responses as phrases

# A paragraph for each: its status, code and title, what it means, what to do.
_CODES = """\
400 validation_error: Invalid input
The request was understood, but some of its values cannot be accepted.
Correct the values that `errors` points at, and send the request again.

400 parse_error: Malformed request
The request could not be read: its body, its host or its form is broken.
Send well-formed UTF-8 JSON whose length matches Content-Length.

401 not_authenticated: Authentication required
The request carried no credentials.
Log in, and send the access token in the Authorization header.

401 token_expired: Token expired
The token was valid once, and its lifetime is over.
Get a new access token with the refresh token, or log in again.

401 token_invalid: Invalid token
The token is not one of ours, was revoked, or is of another kind.
Log in again. Repeating the request with the same token cannot succeed.

401 invalid_credentials: Invalid credentials
The credentials do not belong to an account that may log in.
Check them and try again; the answer never says which part is wrong.

403 permission_denied: Permission denied
The account is known, but may not do this.
Ask someone with the required role. Repeating the request cannot succeed.

403 plan_required: Higher plan required
The organization's plan does not include this.
An owner of the organization can change its plan.

403 delete_window_closed: Too late to delete
The object may be deleted only for a limited time after its creation.
Ask a member of staff if the object still has to go.

403 csrf_failed: CSRF check failed
A request authenticated by a cookie did not prove that it came from this site.
Send the X-CSRFToken header, or send the request from the same origin.

404 not_found: Not found
Nothing is here, or nothing that the account may see.
Check the address and the id in it.

405 method_not_allowed: Method not allowed
The address exists, but does not support this method.
Use one of the methods in the Allow header.

406 not_acceptable: Not acceptable
No representation or version matches the Accept header.
Accept application/json, and a version that the API speaks.

409 conflict: Conflict
The request does not fit the present state, often because someone was faster.
Read the object again, and decide anew.

409 idempotency_in_progress: Request in progress
A request with the same Idempotency-Key is still being worked on.
Wait a moment, and send the same request with the same key again.

410 gone: Gone
What was here has been removed for good.
Stop using this address.

410 version_sunset: Version no longer served
This version of the API was retired on the date in the Sunset header.
Move to a current version; the Link header leads to its description.

412 precondition_failed: Precondition failed
The object has changed since the version that If-Match names.
Read the object again, apply the change to it, and send its new ETag.

413 payload_too_large: Request too large
The body is longer than the service accepts. It was not read.
Send less at a time.

415 unsupported_media_type: Unsupported media type
The body's Content-Type is not one that this address reads.
Send application/json, and name it in Content-Type.

422 unprocessable_content: Unprocessable content
The body is well-formed, but cannot be acted on.
Change the content of the request before sending it again.

422 idempotency_key_reused: Idempotency key reused
The Idempotency-Key was used before, with another body.
Use a new key for each new request.

428 precondition_required: Precondition required
This address takes only conditional requests, so that no update is lost.
Send the object's ETag in If-Match.

429 throttled: Too many requests
The caller has used up its budget for the moment.
Wait as many seconds as Retry-After says; earlier attempts are refused as well.

500 internal_error: Internal error
The service made a mistake. It was recorded with the request id.
Try again later; if it stays, report the request id.

503 service_unavailable: Service unavailable
Something the service depends on does not answer at the moment.
Send the request again after as many seconds as Retry-After says.
"""


@dataclass(frozen=True, slots=True)
class Code:
    """What a code says to the person who meets it."""

    code: str
    status: int
    title: str
    meaning: str
    advice: str


def _read(paragraph: str) -> Code:
    name, meaning, advice = paragraph.strip().split("\n")
    status, code, title = name.split(maxsplit=2)
    return Code(code.removesuffix(":"), int(status), title, meaning, advice)


CATALOGUE = {entry.code: entry for entry in map(_read, _CODES.split("\n\n"))}

# The code of a response of which no more than its status is known. Where
# several share a status, the one that claims least.
_BY_STATUS = {
    **{entry.status: entry.code for entry in reversed(CATALOGUE.values())},
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
    entry = CATALOGUE.get(code)
    return entry.title if entry else phrases.get(status, "Error")
