"""Limits that count and that no test reaches: for more calls than any client may make."""

from typing import Any

from django.conf import settings

FAR = "1000000/hour"


def far_limits() -> dict[str, Any]:
    """The settings to change, by name."""
    places = (("REST_FRAMEWORK", "DEFAULT_THROTTLE_RATES"), ("BACKSTAY", "PLAN_RATES"))
    changed = {}
    for setting, rates in places:
        values = getattr(settings, setting)
        changed[setting] = {**values, rates: dict.fromkeys(values[rates], FAR)}
    return changed
