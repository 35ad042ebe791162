"""System check of the dashboard: E040."""

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error


def check_admin(**_: Any) -> list[CheckMessage]:
    """E040: there is no log that changes can be written to, and no way to log in."""
    if apps.is_installed("django.contrib.admin"):
        return []
    return [
        Error(
            "The dashboard writes who changed what to the admin's log, which is not there, so "
            "nobody can lift a block or retry a job.",
            hint='Add "django.contrib.admin" to INSTALLED_APPS.',
            id="backstay.E040",
        )
    ]
