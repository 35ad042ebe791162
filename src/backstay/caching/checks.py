"""System checks of the response cache: E020, W020, W021, W022."""

from collections.abc import Iterator
from typing import Any

from django.core.cache import caches
from django.core.checks import CheckMessage, Error
from django.core.checks import Warning as DjangoWarning

from backstay.caching.audiences import personal
from backstay.caching.backends import backend, installed
from backstay.caching.policy import CachePolicy
from backstay.conf import settings
from backstay.routes import views

#: Those of whom it is not said who they are, or that they are one.
_MANY = ("public", "organization", "plan", "role")


def check_audiences(**_: Any) -> list[CheckMessage]:
    """E020: an answer that depends on its caller is kept for several."""
    found = {
        (type(view).__name__, str(policy.audience), why): None
        for view, policy in _cached_views()
        if policy.audience in _MANY
        for why in personal(view, policy)
    }
    return [
        Error(
            f"{view} keeps one answer for the audience {audience!r}, but {why}.",
            hint='Declare the audience "user", or "anonymous" to keep only what the public sees.',
            id="backstay.E020",
        )
        for view, audience, why in found
    ]


def check_workers(**_: Any) -> list[CheckMessage]:
    """W020: each worker keeps answers that the others' writes do not end."""
    if settings.WORKERS == 1 or backend().shared or not any(_cached_views()):
        return []
    return [
        DjangoWarning(
            f"Each of {settings.WORKERS} workers keeps answers of its own, and goes on giving "
            "them after another has written.",
            hint='Set BACKSTAY["REDIS_URL"], or BACKSTAY["CACHE_ALIAS"] to a cache they share.',
            id="backstay.W020",
        )
    ]


def check_pickle(**_: Any) -> list[CheckMessage]:
    """W021: whoever writes to a shared cache that unpickles runs code here."""
    alias = settings.CACHE_ALIAS
    if settings.REDIS_URL is not None or alias is None:
        return []
    kind = f"{type(caches[alias]).__module__}.{type(caches[alias]).__name__}"
    if kind.startswith(("django.core.cache.backends.locmem", "django.core.cache.backends.dummy")):
        return []
    return [
        DjangoWarning(
            f"{kind} unpickles what it finds, so whoever can write to it runs code here.",
            hint='Let nobody else reach it, or set BACKSTAY["REDIS_URL"]: there all is bytes.',
            id="backstay.W021",
        )
    ]


def check_installed(**_: Any) -> list[CheckMessage]:
    """W022: nothing is kept, because writes are not seen."""
    names = sorted({type(view).__name__ for view, _ in _cached_views()})
    if installed() or not names:
        return []
    return [
        DjangoWarning(
            f"{', '.join(names)}: a cache policy has no effect.",
            hint='Add "backstay.caching" to INSTALLED_APPS.',
            id="backstay.W022",
        )
    ]


def _cached_views() -> Iterator[tuple[Any, CachePolicy]]:
    for view in views():
        for action in (view.action_map or {"get": None}).values():
            view.action = action
            policy = getattr(view, "cache_policy", lambda: None)()
            if policy is not None:
                yield view, policy
