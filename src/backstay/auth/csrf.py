"""
Proof that a request which a browser authenticated by itself was meant.

One of: an ``Origin`` that is the service's own or in ``CSRF_TRUSTED_ORIGINS``;
``Sec-Fetch-Site: same-origin``, which no script can write; Django's CSRF token in
``X-CSRFToken``. A foreign ``Origin`` is refused whatever else comes with it.

Sources: Fetch Metadata (W3C), OWASP Cross-Site Request Forgery Prevention, Django's
``CsrfViewMiddleware``.
"""

from typing import Any

from django.conf import settings
from django.middleware.csrf import CsrfViewMiddleware
from rest_framework.exceptions import PermissionDenied
from rest_framework.permissions import SAFE_METHODS
from rest_framework.request import Request


class CsrfFailed(PermissionDenied):
    """Reload the page for a fresh CSRF token, and send it."""

    default_code = "csrf_failed"
    default_detail = "The CSRF token is missing or wrong. Send it as X-CSRFToken."


def _no_view(_: Any) -> Any:
    """The check looks for nothing but a mark that a view is exempt."""


class _Proof(CsrfViewMiddleware):
    """Django's check, asked for an answer instead of a response."""

    def __init__(self) -> None:
        super().__init__(lambda _: None)  # type: ignore[arg-type]  # Nothing comes after it.

    def given(self, request: Any) -> bool:
        if "HTTP_ORIGIN" in request.META:
            return bool(self._origin_verified(request))  # type: ignore[attr-defined]  # Not in the stubs.
        if request.headers.get("Sec-Fetch-Site") == "same-origin":
            return True
        if not request.META.get(settings.CSRF_HEADER_NAME):
            return False  # A token in a form's body is not looked for.
        self.process_request(request)
        return self.process_view(request, _no_view, (), {}) is None

    def _reject(self, request: Any, reason: str) -> Any:
        return reason


def require_proof(request: Request) -> None:
    """
    Raises:
        CsrfFailed: *request* changes something, and nothing shows that it was meant.
    """
    if request.method not in SAFE_METHODS and not _Proof().given(request):
        raise CsrfFailed
