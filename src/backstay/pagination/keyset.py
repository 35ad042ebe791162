"""
The keyset: the columns that put the rows of a list into one order, and the rows beyond a place.

The ordering's columns plus the primary key, so that tied rows are told apart.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import Field, Model, Q, QuerySet


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a keyset: its lookup path, its field, its direction."""

    path: str
    field: Field
    descending: bool

    def order_by(self, *, reverse: bool = False) -> str:
        return f"-{self.path}" if self.descending != reverse else self.path

    def write(self, row: Model) -> str:
        """The value of *row* as text."""
        owner: Any = row
        for relation in self.path.split("__")[:-1]:
            owner = getattr(owner, relation)
        return str(self.field.value_to_string(owner))

    def read(self, text: str) -> Any:
        """
        The value that ``write`` wrote.

        Raises:
            ValidationError: it is not a value of this column.
        """
        return self.field.to_python(text)


def keyset(queryset: QuerySet, default: Sequence[str]) -> list[Key]:
    """
    The ordering of *queryset*, else *default*, made total by the primary key.

    Raises:
        ImproperlyConfigured: by something else than columns that are not null.
    """
    ordering = queryset.query.order_by or default or queryset.model._meta.ordering
    keys = [_key(queryset.model, str(name)) for name in ordering]
    if not queryset.query.standard_ordering:  # QuerySet.reverse() was called.
        keys = [replace(key, descending=not key.descending) for key in keys]
    primary = queryset.model._meta.pk
    if not any(key.field is primary and "__" not in key.path for key in keys):
        descending = keys[-1].descending if keys else False
        keys.append(Key(primary.attname, primary, descending))
    return keys


def in_order_of(keys: Sequence[Key], queryset: QuerySet, *, reverse: bool = False) -> QuerySet:
    """The rows of *queryset* by *keys*, whatever its own order was."""
    upright = queryset if queryset.query.standard_ordering else queryset.reverse()
    return upright.order_by(*(key.order_by(reverse=reverse) for key in keys))


def beyond(keys: Sequence[Key], position: Sequence[Any], *, reverse: bool) -> Q:
    """
    Rows after *position*: ``a > x OR (a = x AND b > y) OR …``, by each key's direction.

    The first column is also bounded alone, which lets an index begin there.
    """
    first, first_operator = keys[0], _operator(keys[0], reverse=reverse)
    condition = Q()
    equal = Q()
    for key, value in zip(keys, position, strict=True):
        condition |= equal & Q(**{f"{key.path}__{_operator(key, reverse=reverse)}": value})
        equal &= Q(**{key.path: value})
    return Q(**{f"{first.path}__{first_operator}e": position[0]}) & condition


def _operator(key: Key, *, reverse: bool) -> str:
    return "lt" if key.descending != reverse else "gt"


def _key(model: type[Model], name: str) -> Key:
    path = name.removeprefix("-")
    *relations, column = path.split("__")
    try:
        current: Any = model
        for relation in relations:
            link = current._meta.get_field(relation)
            many = link.many_to_many or link.one_to_many
            current = None if link.null or many else link.related_model
        field = current._meta.pk if column == "pk" else current._meta.get_field(column)
    except (FieldDoesNotExist, AttributeError):
        field = None
    if not isinstance(field, Field) or field.null or field.is_relation:
        raise ImproperlyConfigured(
            f"{model.__name__} cannot be paged in the order of {path!r}: "
            "it is not a column without nulls."
        )
    return Key(path, field, name.startswith("-"))
