"""
Limits first, and what is left of them.

DRF looks at permissions before throttles, so it never limits a flood of what is not
allowed. ``ThrottlesFirstMixin`` turns that round, and counts requests that cannot be
answered (406, an unknown version) too. Who has no good credential is still told so
first: that is charged as ``auth_failure``.
"""

from collections.abc import Sequence
from math import ceil
from typing import Any

from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from backstay.throttling.charges import Charge, Decision
from backstay.throttling.headers import named
from backstay.throttling.limits import budgets_of, peek
from backstay.throttling.throttles import LoginRateThrottle, ScopedRateThrottle


class ThrottlesFirstMixin:
    """Authenticate, charge, and only then look at what is asked. Put it before the view's class."""

    _throttled = False

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        view: Any = self
        view.format_kwarg = view.get_format_suffix(**kwargs)
        # DRF finds out later; a throttle may look all the same.
        request.version, request.versioning_scheme = None, None
        view.perform_authentication(request)
        view.check_throttles(request)
        super().initial(request, *args, **kwargs)  # type: ignore[misc]  # A mixin.

    def check_throttles(self, request: Request) -> None:
        """Once; DRF asks again when it comes to them."""
        if not self._throttled:
            self._throttled = True
            super().check_throttles(request)  # type: ignore[misc]  # A mixin.


class RateLimitsView(APIView):
    """
    The caller's own budgets. Asking charges nothing.

    ``shown_throttles`` are those of the project's usual views: as it comes, the default
    ones, and the login's for the caller's address. ``shown_scopes`` are further scopes
    of ``ScopedRateThrottle``.
    """

    permission_classes: Any = (AllowAny,)
    throttle_classes: Any = ()
    versioning_class: Any = None
    shown_throttles: Sequence[type[BaseThrottle]] | None = None
    shown_scopes: Sequence[str] = ()

    def get(self, request: Request, **_: Any) -> Response:
        decisions = peek(list(dict.fromkeys(self.charges(request))))
        body = {"limits": [_told(name, one) for name, one in named(decisions).items()]}
        return Response(body, headers={"Cache-Control": "no-store"})

    def charges(self, request: Request) -> list[Charge]:
        """What the shown throttles have for the caller."""
        usual: Any = APIView()
        default: Any = api_settings.DEFAULT_THROTTLE_CLASSES
        usual.throttle_classes = self.shown_throttles or (*default, LoginRateThrottle)
        charges = budgets_of(request, usual, request.user)
        for scope in self.shown_scopes:
            usual.throttle_classes = (ScopedRateThrottle,)
            usual.throttle_scope = scope
            charges += budgets_of(request, usual, request.user)
        return charges


def _told(name: str, decision: Decision) -> dict[str, object]:
    return {
        "name": name,
        "limit": decision.charge.rate.limit,
        "window_seconds": decision.charge.rate.window_seconds,
        "remaining": decision.remaining,
        "reset_after_seconds": ceil(decision.reset_after_seconds),
    }
