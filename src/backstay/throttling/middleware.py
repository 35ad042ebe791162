"""
Headers about limits on every answer of a throttled view, errors and refusals included.

    MIDDLEWARE = ["backstay.errors.ProblemMiddleware", "backstay.throttling.RateLimitMiddleware", …]

Right inside ``ProblemMiddleware``, so that it sees whatever answers. What was decided on
the way is told as it is. An answer from before any decision (a body that is too long, a
missing permission) charged nothing; how the caller stands is then looked up, which is one
more trip to Redis.

Sync; Django adapts it under ASGI.
"""

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase
from django.utils.functional import LazyObject
from rest_framework.exceptions import APIException
from rest_framework.settings import api_settings

from backstay.conf import settings
from backstay.throttling.charges import Decision
from backstay.throttling.headers import fields, legacy_fields
from backstay.throttling.limits import budgets_of, decided, peek


class RateLimitMiddleware:
    """Put it second in ``MIDDLEWARE``, after ``ProblemMiddleware``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        response = self.get_response(request)
        kept = decided(request)
        asked = kept.decisions or kept.throttles
        decisions = kept.decisions if asked else _standing(request)
        told = fields(decisions)
        if settings.LEGACY_RATE_LIMIT_HEADERS:
            told |= legacy_fields(decisions)
        for name, value in told.items():
            response.headers[name] = value
        return response


def _standing(request: HttpRequest) -> list[Decision]:
    """How the caller stands with the view that would have answered."""
    match = request.resolver_match
    if match is None or not hasattr(getattr(match.func, "cls", None), "get_throttles"):
        return []
    view = _view_of(match.func, request, match.args, match.kwargs)
    # Neither a session nor a token is read for this, so the view finds nobody else either.
    user = vars(request).get("user")
    known = None if isinstance(user, LazyObject) else user
    nobody = api_settings.UNAUTHENTICATED_USER
    view.request.user = known or (nobody() if callable(nobody) else None)
    try:
        return peek(budgets_of(view.request, view, known))
    except APIException:
        return []  # A view that refuses to say what its limits are tells nothing of them.
    finally:
        if user is not None:
            request.user = user  # DRF hands on what it is given: whoever logs would see nobody.


def _view_of(func: Any, request: HttpRequest, args: Any, kwargs: Any) -> Any:
    """The view as DRF sets it up."""
    view = func.cls(**getattr(func, "initkwargs", {}))
    view.action_map = getattr(func, "actions", None) or {}
    view.setup(request, *args, **kwargs)
    view.request = view.initialize_request(request, *args, **kwargs)
    return view
