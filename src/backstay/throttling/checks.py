"""
System checks of limits: E006, E007, E008, W008, W009, W010.

Those about views look at every view that the URLconf leads to.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning  # noqa: A004  # Django's own name.
from django.core.exceptions import ImproperlyConfigured
from rest_framework.permissions import AllowAny
from rest_framework.settings import api_settings

from backstay.conf import settings
from backstay.routes import views
from backstay.store import StoreUnavailable, store
from backstay.throttling.limits import RateThrottle
from backstay.throttling.rates import DEFAULT_RATES, rates_of
from backstay.throttling.throttles import (
    LoginRateThrottle,
    OrganizationThrottle,
    ScopedRateThrottle,
    plan_rates,
)

#: Views that take a password, by name; the others of a token take none.
_LOGIN = re.compile(r"login|log_in|signin|sign_in|token", re.IGNORECASE)
_NO_LOGIN = re.compile(r"refresh|verify|logout|log_out|blacklist|csrf", re.IGNORECASE)

_POLICIES = ("local", "open", "closed")


def check_rates(**_: Any) -> list[CheckMessage]:
    """E006: a rate that cannot be read, or a scope or a plan without one."""
    hint = 'A rate is a count, a slash and second, minute, hour or day, such as "5/minute".'
    problems = dict.fromkeys(str(error) for error in _rate_errors())
    return [
        Error(f"{problem} Requests that need it fail.", hint=hint, id="backstay.E006")
        for problem in problems
    ]


def check_shared(**_: Any) -> list[CheckMessage]:
    """E007: each worker counts alone."""
    shared = settings.REDIS_URL or apps.is_installed("backstay.throttling.database")
    if shared or settings.WORKERS == 1:
        return []
    return [
        Error(
            f"Each of {settings.WORKERS} workers counts alone, so every limit is "
            f"{settings.WORKERS} times as high, and sessions end in one worker only.",
            hint='Set REDIS_URL, install "backstay.throttling.database", or run one worker.',
            id="backstay.E007",
        )
    ]


def check_outage_policies(**_: Any) -> list[CheckMessage]:
    """E008: guessing has no bound while Redis is out, or a policy is unknown."""
    messages: list[CheckMessage] = []
    for kind in sorted(throttles_in_use(), key=_path):
        policy = kind.on_store_error
        if policy not in _POLICIES:
            said, hint = f"{policy!r} is no policy", f"Choose one of: {', '.join(_POLICIES)}."
        elif policy == "open" and issubclass(kind, LoginRateThrottle):
            said = "passwords can be guessed without a bound while Redis is out"
            hint = 'Choose "local" or "closed".'
        else:
            continue
        messages.append(
            Error(f"{_path(kind)}.on_store_error: {said}.", hint=hint, id="backstay.E008")
        )
    return messages


def check_logins(**_: Any) -> list[CheckMessage]:
    """W008: a log-in without a limit."""
    return [
        Warning(
            f"{name} takes passwords from anybody as often as they like.",
            hint="Give it throttle_classes = (LoginRateThrottle,).",
            id="backstay.W008",
        )
        for name in sorted({_path(type(view)) for view in views() if _is_open_login(view)})
    ]


def check_proxies(**_: Any) -> list[CheckMessage]:
    """W009, at deployment: all clients behind a proxy are one."""
    if settings.TRUSTED_PROXIES:
        return []
    return [
        Warning(
            "TRUSTED_PROXIES is not set: behind a proxy all clients have its address, and so "
            "share one limit.",
            hint="Name the proxy's network. Silence this where clients connect directly.",
            id="backstay.W009",
        )
    ]


def check_eviction(**_: Any) -> list[CheckMessage]:
    """W010, at deployment: a full Redis forgets limits. One that does not answer is not judged."""
    redis = store()
    try:
        told = redis.call("INFO", "memory").decode() if redis else ""
    except StoreUnavailable:
        return []
    memory = dict(line.split(":", 1) for line in told.splitlines() if ":" in line)
    policy = memory.get("maxmemory_policy", "noeviction")
    if policy == "noeviction" or memory.get("maxmemory", "0") == "0":
        return []
    return [
        Warning(
            f"A full Redis forgets limits and ended sessions (maxmemory-policy {policy}).",
            hint="Set maxmemory-policy noeviction, and give other data a Redis of its own.",
            id="backstay.W010",
        )
    ]


def throttles_in_use() -> set[type[RateThrottle]]:
    """Ours, of the project's default and of all views."""
    found: set[Any] = {*api_settings.DEFAULT_THROTTLE_CLASSES}
    for view in views():
        found.update(view.throttle_classes)
    return {kind for kind in found if issubclass(kind, RateThrottle)}


def _rate_errors() -> Iterator[ImproperlyConfigured]:
    for read, name in _rates():
        try:
            read(name)
        except ImproperlyConfigured as error:
            yield error


def _rates() -> Iterator[tuple[Callable[[Any], object], Any]]:
    """What reads each rate that is written somewhere, or has to be."""
    kinds = throttles_in_use()
    by_plan = any(issubclass(kind, OrganizationThrottle) for kind in kinds)
    plans = {*settings.PLAN_RATES, *(settings.PLANS if by_plan else ())}
    scopes = {*DEFAULT_RATES, *api_settings.DEFAULT_THROTTLE_RATES, *_scopes_of_views()}
    for scope in sorted(scopes):
        yield rates_of, scope
    for plan in sorted(plans):
        yield plan_rates, plan
    for kind in sorted(kinds, key=_path):
        planned = issubclass(kind, OrganizationThrottle) and kind.rate is None
        if not planned and not issubclass(kind, ScopedRateThrottle):
            yield RateThrottle.rates, kind()


def _scopes_of_views() -> set[str]:
    return {
        view.throttle_scope
        for view in views()
        if getattr(view, "throttle_scope", None)
        and any(issubclass(kind, ScopedRateThrottle) for kind in view.throttle_classes)
    }


def _is_open_login(view: Any) -> bool:
    name = type(view).__name__
    methods = set(view.action_map or view.allowed_methods)
    return (
        bool(_LOGIN.search(name))
        and not _NO_LOGIN.search(name)
        and bool(methods & {"post", "POST"})
        and all(issubclass(kind, AllowAny) for kind in view.permission_classes)
        and not view.throttle_classes
        and "get_throttles" not in vars(type(view))
    )


def _path(kind: type) -> str:
    return f"{kind.__module__}.{kind.__name__}"
