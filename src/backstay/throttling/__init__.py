"""
Limits that hold: over threads, processes and machines, by a window that slides.

    MIDDLEWARE = ["backstay.errors.ProblemMiddleware", "backstay.throttling.RateLimitMiddleware", …]
    REST_FRAMEWORK = {
        "DEFAULT_THROTTLE_CLASSES": [
            "backstay.throttling.AnonRateThrottle",
            "backstay.throttling.UserRateThrottle",
        ],
        "DEFAULT_THROTTLE_RATES": {"anon": "60/hour", "user": "1000/hour", "login": "5/minute"},
    }
    BACKSTAY = {"REDIS_URL": "redis://…", "WORKERS": 4, "TRUSTED_PROXIES": ["10.0.0.0/8"]}

``5/minute`` is five at once if one likes, and never more than five in any sixty
seconds. A refused call is 429 with ``Retry-After`` and costs nothing: the wait goes
down, and a retry at its end gets in, at most a sixtieth of the window late. All limits
of one request are decided in one step: what one refuses, no other charges.

Without ``REDIS_URL`` each process counts alone. While Redis is out each worker counts
up to its part of the limit, unless a throttle says otherwise; no request fails for it.

Views of this package, ``ThrottlesFirstMixin`` among them, are in
``backstay.throttling.views``.

Limits: behind a proxy, name it in ``TRUSTED_PROXIES``, or all clients are one. Clients
of one address share its limits.
"""

from backstay.throttling.charges import Charge, Decision
from backstay.throttling.errors import Throttled
from backstay.throttling.identity import address_bucket, client_address, is_trusted_proxy
from backstay.throttling.limits import Limits, RateThrottle, limits_of
from backstay.throttling.middleware import RateLimitMiddleware
from backstay.throttling.rates import Rate, parse_rates, rates_of
from backstay.throttling.throttles import (
    AddressRateThrottle,
    AnonRateThrottle,
    FailedAuthenticationThrottle,
    LoginRateThrottle,
    OrganizationThrottle,
    RefreshRateThrottle,
    ScopedRateThrottle,
    SearchRateThrottle,
    UserRateThrottle,
    account_bucket,
    charge_failed_authentication,
    enforce,
)

__all__ = [
    "AddressRateThrottle",
    "AnonRateThrottle",
    "Charge",
    "Decision",
    "FailedAuthenticationThrottle",
    "Limits",
    "LoginRateThrottle",
    "OrganizationThrottle",
    "Rate",
    "RateLimitMiddleware",
    "RateThrottle",
    "RefreshRateThrottle",
    "ScopedRateThrottle",
    "SearchRateThrottle",
    "Throttled",
    "UserRateThrottle",
    "account_bucket",
    "address_bucket",
    "charge_failed_authentication",
    "client_address",
    "enforce",
    "is_trusted_proxy",
    "limits_of",
    "parse_rates",
    "rates_of",
]
