"""
Instances of models of which only some columns are known yet.

``claimed(User, known={"id": 7, "email": "ada@…"})`` is a real ``User``: it filters,
compares and is assigned to foreign keys without a query. Reading any other column
reads the row, all of it, once. From then on it is an ordinary instance, in which
nothing that was only claimed is left. Writing it reads the row first, so a claim is
never written back. Its copies and pickles are like it.

Limits: relations are known only where the maker put them in. ``bulk_update`` and
``save_base`` write what the instance has at hand, a claim too.

Source: Django, "Model instance reference", customizing model loading.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar

from django.db.models import Model

from backstay.auth.errors import TokenInvalid

M = TypeVar("M", bound=Model)

#: Where an instance keeps what it was made of.
_KEPT = "_claimed"


def claimed(model: type[M], *, known: Mapping[str, Any], **lookup: Any) -> M:
    """
    Make an instance of *model* from the columns that are *known*, by attribute name.

    *lookup* finds its row when another is read; without one the primary key does.
    A row that is gone, or a user who may not log in any more, is ``TokenInvalid``.
    """
    names = [field.attname for field in model._meta.concrete_fields if field.attname in known]
    kind = _reading(model)
    instance: M = kind.from_db(None, names, [known[name] for name in names])
    instance.__dict__[_KEPT] = (dict(known), lookup or {"pk": instance.pk})
    return instance


class _Reads:
    """What stands before the model's own methods until the row is read."""

    def __reduce__(self) -> tuple[Any, ...]:
        """For ``copy`` and ``pickle``: the model's own would make claims of a row's columns."""
        own: Any = super().__reduce__()
        return _empty, (type(self)._meta.model,), own[2]  # type: ignore[attr-defined]  # A model's.

    def refresh_from_db(self, *_: Any, **__: Any) -> None:
        _read_row(self)

    def save(self, *args: Any, **kwargs: Any) -> None:
        _read_row(self)
        self.save(*args, **kwargs)

    def delete(self, *args: Any, **kwargs: Any) -> Any:
        _read_row(self)
        return self.delete(*args, **kwargs)


class _UnknownKey:
    """The primary key of an instance that is known by another column; Django cannot defer it."""

    def __get__(self, instance: Any, owner: type[Model]) -> Any:
        if instance is None:
            return owner._meta.model._meta.pk
        _read_row(instance)
        return instance.pk


@cache
def _reading(model: type[M]) -> type[M]:
    """
    A subclass that is no model of its own.

    Made past ``ModelBase``, so it is registered nowhere: options, managers and
    signals are the model's.
    """
    own = {"__module__": __name__, model._meta.pk.attname: _UnknownKey()}
    return type.__new__(type(model), model.__name__, (_Reads, model), own)


def _empty(model: type[Model]) -> Any:
    return object.__new__(_reading(model))


def _read_row(instance: Any) -> None:
    """Make *instance* an ordinary one; what its holder has changed since stays changed."""
    known, lookup = instance.__dict__.pop(_KEPT)
    model = type(instance)._meta.model
    instance.__class__ = model
    try:
        row = model._base_manager.get(**lookup)
    except model.DoesNotExist:
        raise TokenInvalid from None
    if not getattr(row, "is_active", True):
        raise TokenInvalid
    held = instance.__dict__
    for field in model._meta.concrete_fields:
        name = field.attname
        if name not in held or (name in known and held[name] == known[name]):
            held[name] = getattr(row, name)
    instance._state.db = row._state.db
