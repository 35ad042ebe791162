"""The views that a project's URLconf leads to, for checks that look at all of them."""

from collections.abc import Iterator
from typing import Any

from django.conf import settings
from django.urls import URLPattern, URLResolver, get_resolver


def callbacks() -> Iterator[Any]:
    """What the URLconf calls."""
    if getattr(settings, "ROOT_URLCONF", None):
        yield from _callbacks(get_resolver().url_patterns)


def views() -> Iterator[Any]:
    """A view object for each DRF view, with its ``action_map`` where it is a viewset."""
    for callback in callbacks():
        kind: Any = getattr(callback, "cls", None)
        if hasattr(kind, "get_throttles"):
            view = kind(**getattr(callback, "initkwargs", {}))
            view.action_map = getattr(callback, "actions", None)
            yield view


def _callbacks(patterns: Any) -> Iterator[Any]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback
