"""System checks of the error shape: E003, W003, W004, W005."""

from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own name.
from django.core.exceptions import ImproperlyConfigured

from backstay.errors.responses import load_formatter

_HANDLER = "backstay.errors.exception_handler"
_MIDDLEWARE = "backstay.errors.ProblemMiddleware"
#: They answer nothing themselves, and may see all that happens.
_AROUND = {
    "backstay.contrib.opentelemetry.TracingMiddleware",
    "backstay.monitoring.MonitoringMiddleware",
}
_CSRF_VIEW = "backstay.errors.views.csrf_failure"
_CSRF_MIDDLEWARE = "django.middleware.csrf.CsrfViewMiddleware"


def check_error_formatter(**_: Any) -> list[CheckMessage]:
    """E003: the shape of errors cannot be loaded."""
    try:
        load_formatter()
    except ImproperlyConfigured as error:
        return [
            Error(
                f"{error} Every error is answered as problem+json instead.",
                hint="Name a formatter of backstay.errors.formatters, or your own function.",
                id="backstay.E003",
            )
        ]
    return []


def check_error_middleware(**_: Any) -> list[CheckMessage]:
    """W003 and W004: errors from outside DRF views escape the one shape."""
    middleware = [name for name in django_settings.MIDDLEWARE if name not in _AROUND]
    if not _uses_our_handler() or middleware[:1] == [_MIDDLEWARE]:
        return []
    hint = f'Put "{_MIDDLEWARE}" first in MIDDLEWARE.'
    if _MIDDLEWARE in middleware:
        consequence = (
            f"Errors of the middleware before {_MIDDLEWARE} escape the one shape, "
            "and its log lines have no request id."
        )
        return [Warning(consequence, hint=hint, id="backstay.W004")]
    consequence = (
        "Errors from outside DRF views (unknown URL, bad Host, CSRF, a crash) are "
        "answered in HTML, no request has an id, and bodies are not bounded."
    )
    return [Warning(consequence, hint=hint, id="backstay.W003")]


def check_csrf_view(**_: Any) -> list[CheckMessage]:
    """W005: a failed CSRF check cannot be told from a missing permission."""
    enforced = _CSRF_MIDDLEWARE in django_settings.MIDDLEWARE
    if not _uses_our_handler() or not enforced or django_settings.CSRF_FAILURE_VIEW == _CSRF_VIEW:
        return []
    return [
        Warning(
            "A failed CSRF check is answered with the code permission_denied, so a client "
            "cannot know that it has to fetch a new token.",
            hint=f'Set CSRF_FAILURE_VIEW = "{_CSRF_VIEW}".',
            id="backstay.W005",
        )
    ]


def _uses_our_handler() -> bool:
    configured = getattr(django_settings, "REST_FRAMEWORK", {}).get("EXCEPTION_HANDLER")
    return configured == _HANDLER
