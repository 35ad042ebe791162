"""
Each known mistake of configuration is one check with a stable id.

A message names the consequence, its hint the remedy. Ids are never reused;
``docs/reference/checks.md`` lists them.
"""

from difflib import get_close_matches
from typing import Any

from django.conf import settings as django_settings
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's name for it.
from django.core.exceptions import ImproperlyConfigured
from django.db import connections

from backstay.conf import settings


def check_setting_names(**_: Any) -> list[CheckMessage]:
    """E001: a key nobody reads."""
    known = list(settings)
    return [
        Error(
            f'BACKSTAY["{name}"] is not a setting of backstay, so it has no effect.',
            hint=_nearest(name, known),
            id="backstay.E001",
        )
        for name in getattr(django_settings, "BACKSTAY", {})
        if name not in known
    ]


def check_setting_values(**_: Any) -> list[CheckMessage]:
    """E002: a value that cannot be used as it stands."""
    messages: list[CheckMessage] = []
    for name in settings:
        try:
            getattr(settings, name)
        except ImproperlyConfigured as error:
            messages.append(
                Error(
                    str(error),
                    hint="Its form is described beside its name in backstay/conf.py.",
                    id="backstay.E002",
                )
            )
    return messages


def check_sqlite_transactions(**_: Any) -> list[CheckMessage]:
    """W023: SQLite cannot let a transaction wait that takes its lock after it has read."""
    modes = {
        alias: str(connections[alias].settings_dict["OPTIONS"].get("transaction_mode")).upper()
        for alias in connections
        if connections[alias].vendor == "sqlite"
    }
    return [
        Warning(
            f"Transactions of the database {alias!r} take SQLite's lock only when they write. One "
            'that has read before fails with "database is locked" while another writes, at once.',
            hint=f'Set DATABASES["{alias}"]["OPTIONS"]["transaction_mode"] to "IMMEDIATE".',
            id="backstay.W023",
        )
        for alias, mode in modes.items()
        if mode not in {"IMMEDIATE", "EXCLUSIVE"}
    ]


def _nearest(name: str, known: list[str]) -> str:
    close = get_close_matches(name, known, n=1)
    return f'Did you mean "{close[0]}"?' if close else f"Known settings: {', '.join(known)}."
