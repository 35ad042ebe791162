"""
Staff in the browser: Django's session, for pages of ours that call the API.

A session is looked at only when its cookie came, and speaks only for active staff. Every
request by it that could change something needs CSRF proof: 403 ``csrf_failed``.
"""

from typing import Any

from django.conf import settings
from rest_framework.authentication import SessionAuthentication
from rest_framework.request import Request

from backstay.auth.csrf import require_proof


class StaffSessionAuthentication(SessionAuthentication):
    """Put it after the token classes: a bearer token goes first."""

    def authenticate(self, request: Request) -> tuple[Any, None] | None:
        if settings.SESSION_COOKIE_NAME not in request.COOKIES:
            return None
        found = super().authenticate(request)
        return found if found is not None and found[0].is_staff else None

    def enforce_csrf(self, request: Request) -> None:
        require_proof(request)
