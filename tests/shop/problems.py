"""The one shape of every error, as a client reads it."""

from collections.abc import Sequence
from typing import Any

MEMBERS = {"type", "title", "status", "code", "detail", "instance", "request_id"}


def steady_headers(response: Any) -> dict[str, str]:
    """All but those that count, and time, every call."""
    headers = dict(response.headers.items())
    return {name: headers[name] for name in headers.keys() - {"RateLimit", "Server-Timing"}}


def assert_problem(
    response: Any,
    status: int,
    code: str,
    errors: Sequence[tuple[str, str]] | None = None,
) -> dict[str, Any]:
    """
    *response* is the problem *code*, in shape; its body.

    With *errors*, it points at exactly these places with these codes.
    """
    body = assert_in_shape(response)
    assert (response.status_code, body["code"]) == (status, code), body
    if errors is not None:
        found = [(error["pointer"], error["code"]) for error in body.get("errors", [])]
        assert sorted(found) == sorted(errors), body
    return body


def assert_in_shape(response: Any) -> dict[str, Any]:
    """*response* is a problem whatever its code; its body."""
    assert response["Content-Type"] == "application/problem+json", response.content
    body: dict[str, Any] = response.json()
    assert MEMBERS <= body.keys() <= MEMBERS | {"errors"}, body
    assert body["status"] == response.status_code >= 400
    assert body["type"] == f"/errors/{body['code']}"
    assert body["title"]
    assert body["detail"]
    assert body["request_id"] == response["X-Request-ID"]
    for error in body.get("errors", []):
        assert error.keys() == {"pointer", "code", "detail"}
        assert error["pointer"][:1] in {"", "/", "?"}
    if response.status_code == 401:
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    return body
