"""
``GET /api/rate-limits/``: what is left to the caller of each limit. Asking charges nothing.

What the limits are is in the settings; which of them a call charges is said by its view.
"""

from rest_framework.views import APIView

from backstay.throttling import FailedAuthenticationThrottle, LoginRateThrottle, RefreshRateThrottle
from backstay.throttling.views import RateLimitsView
from shop.accounts.throttles import RegisterRateThrottle


class OwnLimitsView(RateLimitsView):
    http_method_names = ["get", "head", "options"]
    shown_throttles = (
        *APIView.throttle_classes,
        LoginRateThrottle,
        RegisterRateThrottle,
        RefreshRateThrottle,
        FailedAuthenticationThrottle,
    )
    shown_scopes = ("export",)
