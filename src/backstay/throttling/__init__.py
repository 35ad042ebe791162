"""
Limits that hold: over threads, processes and machines, by a window that slides.

    REST_FRAMEWORK = {"DEFAULT_THROTTLE_RATES": {"login": "5/minute;100/hour"}}
    BACKSTAY = {"REDIS_URL": "redis://…", "WORKERS": 4, "TRUSTED_PROXIES": ["10.0.0.0/8"]}

    class Login(APIView):
        throttle_classes = [LoginRateThrottle]

``5/minute`` is five at once if one likes, and never more than five in any sixty
seconds. A refused call is 429 with ``Retry-After`` and costs nothing: the wait goes
down, and a retry at its end gets in, at most a sixtieth of the window late.

Without ``REDIS_URL`` each process counts alone. While Redis is out each worker counts
up to its part of the limit; no request fails for it.

Limits: behind a proxy, name it in ``TRUSTED_PROXIES``, or all clients are one. Clients
of one address share its limits.
"""

from backstay.throttling.charges import Charge, Decision
from backstay.throttling.errors import Throttled
from backstay.throttling.identity import address_bucket, client_address, is_trusted_proxy
from backstay.throttling.rates import Rate, parse_rates, rates_of
from backstay.throttling.throttles import (
    LoginRateThrottle,
    RateThrottle,
    account_bucket,
    charge_failed_authentication,
    charges_for,
    enforce,
)

__all__ = [
    "Charge",
    "Decision",
    "LoginRateThrottle",
    "Rate",
    "RateThrottle",
    "Throttled",
    "account_bucket",
    "address_bucket",
    "charge_failed_authentication",
    "charges_for",
    "client_address",
    "enforce",
    "is_trusted_proxy",
    "parse_rates",
    "rates_of",
]
