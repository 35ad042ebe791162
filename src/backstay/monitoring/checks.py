"""System checks of monitoring: W040, W041."""

from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Warning  # noqa: A004  # Django's own name.

from backstay.conf import settings
from backstay.routes import callbacks

_MIDDLEWARE = "backstay.monitoring.MonitoringMiddleware"
#: It answers nothing itself, and says which trace the request is part of.
_AROUND = "backstay.contrib.opentelemetry.TracingMiddleware"
_METRICS = ("backstay.contrib.prometheus", "metrics")


def check_middleware(**_: Any) -> list[CheckMessage]:
    """W040: requests that nobody measures."""
    middleware = [name for name in django_settings.MIDDLEWARE if name != _AROUND]
    hint = f'Put "{_MIDDLEWARE}" first in MIDDLEWARE.'
    if _MIDDLEWARE in middleware[1:]:
        consequence = f"What is answered before {_MIDDLEWARE} has no record and no log line."
    elif _MIDDLEWARE not in middleware and _serves_metrics():
        consequence = "/metrics tells of no request, because none is measured."
    else:
        return []
    return [Warning(consequence, hint=hint, id="backstay.W040")]


def check_metrics_token(**_: Any) -> list[CheckMessage]:
    """W041: anybody may read how the service does."""
    if settings.METRICS_TOKEN is not None or not _serves_metrics():
        return []
    return [
        Warning(
            "Anybody who reaches the service may read its metrics.",
            hint='Set BACKSTAY["METRICS_TOKEN"], or keep others from the path.',
            id="backstay.W041",
        )
    ]


def _serves_metrics() -> bool:
    return any(
        (getattr(one, "__module__", ""), getattr(one, "__name__", "")) == _METRICS
        for one in callbacks()
    )
