"""
What a method field reads, said beside the method.

    @needs("items__product")
    def get_label(self, order): ...

The relations are loaded with the instances, for all of them at once, before the first
call. Instances of a plan load what is missing together anyway; this says it to readers,
to ``manage.py readplan`` and to whoever caches the answer.
"""

from collections.abc import Callable
from typing import TypeVar

F = TypeVar("F", bound=Callable[..., object])


def needs(*lookups: str) -> Callable[[F], F]:
    """Lookups as ``prefetch_related`` takes them."""

    def mark(method: F) -> F:
        method.needs = lookups  # type: ignore[attr-defined]  # Read by the compiler.
        return method

    return mark
