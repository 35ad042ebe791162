"""
What is DRF's own and Django's own, and so may be compiled.

Classes that ``type()`` makes say that they are of the module that called it, so it is
asked of functions and not of classes.
"""

from collections.abc import Iterator
from typing import Any

from django.db import models, router
from django.db.models.signals import post_init

from backstay.readplan.paths import NotCompiled


def is_drfs(found: Any) -> bool:
    """Whether a function, a method or a property is DRF's own."""
    found = getattr(found, "fget", None) or getattr(found, "func", None) or found
    found = getattr(found, "__func__", found)
    module = getattr(found, "__module__", None) or ""
    return module.startswith("rest_framework.")


def own_code(owner: Any, method: str) -> bool:
    """Whether the method of *owner* is not DRF's."""
    return not is_drfs(getattr(type(owner), method))


def finishers(serializer: Any) -> Iterator[str]:
    """
    The methods that finish its bodies, the innermost first.

    Raises:
        NotCompiled: its ``to_representation`` does more.
    """
    found = []
    for kind in type(serializer).__mro__:
        method = vars(kind).get("to_representation")
        if method is None:
            continue
        if is_drfs(method):
            break
        if not hasattr(method, "finished_by"):
            raise NotCompiled(f"{kind.__name__}.to_representation is its own")
        found.append(method.finished_by)
    yield from reversed(found)


def refuse_own_instances(model: type[models.Model]) -> None:
    """
    Raises:
        NotCompiled: an instance may hold other values than its row.
    """
    made_by_django = (
        model.__init__ is models.Model.__init__
        and model.from_db.__func__ is models.Model.from_db.__func__  # type: ignore[attr-defined]  # A classmethod.
        and not post_init.has_listeners(model)
    )
    if not made_by_django:
        raise NotCompiled(f"{model.__name__} makes its own instances")


def refuse_unknown_manager(model: type[models.Model], of: type[models.Model]) -> None:
    """
    Raises:
        NotCompiled: the related manager of an object of *of* may read other rows.
    """
    if router.db_for_read(model) != router.db_for_read(of):
        raise NotCompiled(f"{model.__name__} is in another database")
    kind = type(model._default_manager)
    if kind.__init__ is not models.Manager.__init__:
        raise NotCompiled(f"the manager {kind.__name__} has an __init__ of its own")
