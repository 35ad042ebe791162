"""
How many statements an endpoint may run.

    class OrderViewSet(viewsets.ModelViewSet):
        query_budget = {"list": 3, "retrieve": 4}

    @query_budget(2)
    def summary(request): ...

A number on a class holds for each of its handlers. A test that exceeds a budget fails
(``backstay.testing.plugin``); in production it is counted as ``query_budget`` by route.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])


def query_budget(statements: int) -> Callable[[F], F]:
    """Bound the statements of a handler: a view function, a method, an ``@action``."""

    def declare(handler: F) -> F:
        handler.query_budget = statements  # type: ignore[attr-defined]  # Read by getattr.
        return handler

    return declare


@lru_cache(maxsize=4096)
def budget_of(callback: Any, method: str) -> int | None:
    """That of the view behind *callback* for an HTTP *method*; ``None`` without one."""
    view = getattr(callback, "cls", None) or getattr(callback, "view_class", None)
    if view is None:
        return getattr(callback, "query_budget", None)
    method = "get" if method == "HEAD" else method.lower()
    name = (getattr(callback, "actions", None) or {}).get(method, method)
    own: int | None = getattr(getattr(view, name, None), "query_budget", None)
    declared: int | Mapping[str, int] | None = getattr(view, "query_budget", None)
    if own is not None:
        return own
    return declared.get(name) if isinstance(declared, Mapping) else declared
