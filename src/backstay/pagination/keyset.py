"""
The keyset: the columns that put the rows of a list into one order, and the rows beyond a place.

The ordering's columns plus the primary key, so that tied rows are told apart. A column may be
the model's own, one across to-one relations, or an annotation, and may be null: nulls are
larger than everything, as PostgreSQL has them, on every database.

Rows beyond a place are one comparison of row values, ``(a, b, id) > (x, y, z)``, which an
index on the same columns answers from the place on. Only mixed directions and columns that
may be null take a condition of several branches.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db.models import (
    BinaryField,
    BooleanField,
    Count,
    Expression,
    F,
    Field,
    JSONField,
    Model,
    OrderBy,
    Q,
    QuerySet,
)
from django.utils.duration import duration_string

NO_ROW = Q(pk__in=())
UNKNOWN = object()


@dataclass(frozen=True, slots=True)
class Key:
    """One column of a keyset: its lookup path, its field, its direction."""

    path: str
    field: Field
    descending: bool
    nullable: bool = False
    nulls_first: bool = False

    def reversed(self) -> "Key":
        return replace(self, descending=not self.descending, nulls_first=not self.nulls_first)

    @property
    def order_by(self) -> str | OrderBy:
        if not self.nullable:
            return f"-{self.path}" if self.descending else self.path
        nulls: dict[str, Any] = {"nulls_first" if self.nulls_first else "nulls_last": True}
        return OrderBy(F(self.path), descending=self.descending, **nulls)

    def write(self, row: Model | dict[str, Any]) -> str | None:
        """The value of *row* as text; ``None`` where it is null."""
        if isinstance(row, dict):  # Of ``values()``.
            return self._text(self._column_of(row))
        value: Any = getattr(row, self.path, UNKNOWN)
        if value is UNKNOWN:  # Of a row that was read by column, it is an attribute.
            value = row
            for name in self.path.split("__"):
                value = getattr(value, name, None)
        return self._text(value)

    def _column_of(self, row: dict[str, Any]) -> Any:
        """
        Raises:
            ImproperlyConfigured: *row* leaves it out.
        """
        if self.path not in row:
            raise ImproperlyConfigured(f"values() has to have {self.path!r}, which pages need.")
        return row[self.path]

    @staticmethod
    def _text(value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, date | time):
            return value.isoformat()
        return duration_string(value) if isinstance(value, timedelta) else str(value)

    def read(self, text: Any) -> Any:
        """
        The value that ``write`` wrote.

        Raises:
            ValidationError, ValueError: it is not a value of this column.
        """
        if text is None and not self.nullable:
            raise ValueError("This column is never null.")
        return None if text is None else self.field.to_python(text)

    def after(self, value: Any) -> Q:
        """Rows whose column comes after *value*."""
        if value is None:
            return Q(**{f"{self.path}__isnull": False}) if self.nulls_first else NO_ROW
        beyond = Q(**{f"{self.path}__{self.operator}": value})
        if self.nullable and not self.nulls_first:
            beyond |= Q(**{f"{self.path}__isnull": True})
        return beyond

    def equal(self, value: Any) -> Q:
        if value is None:
            return Q(**{f"{self.path}__isnull": True})
        return Q(**{self.path: value})

    @property
    def operator(self) -> str:
        return "lt" if self.descending else "gt"


class RowsBeyond(Expression):
    """
    ``(a, b) > (x, y)``: the columns of keys of one direction, and their values.

    Values are no expressions of their own: to copy and to resolve them took as long as
    PostgreSQL takes for the page.
    """

    output_field = BooleanField()

    def __init__(self, keys: Sequence[Key], position: Sequence[Any]) -> None:
        super().__init__()
        self.sign = "<" if keys[0].descending else ">"
        self.columns: list[Any] = [F(key.path) for key in keys]
        self.values = [(key.field, value) for key, value in zip(keys, position, strict=True)]

    def resolve_expression(self, *args: Any, **kwargs: Any) -> "RowsBeyond":
        """In place: it is made for one query, and a copy takes longer than its columns."""
        self.columns = [one.resolve_expression(*args, **kwargs) for one in self.columns]
        return self

    def get_source_expressions(self) -> list[Any]:
        return self.columns

    def set_source_expressions(self, exprs: Sequence[Any]) -> None:
        self.columns = list(exprs)

    def as_sql(  # type: ignore[override]  # Of any values.
        self, compiler: Any, connection: Any, written: Callable[[Any], Any] = lambda value: value
    ) -> tuple[str, list[Any]]:
        found = [compiler.compile(column) for column in self.columns]
        columns = ", ".join(text for text, _ in found)
        places = ", ".join(["%s"] * len(self.values))
        parameters = [one for _, own in found for one in own]
        parameters += [
            written(field.get_db_prep_value(value, connection)) for field, value in self.values
        ]
        return f"({columns}) {self.sign} ({places})", parameters

    def as_postgresql(self, compiler: Any, connection: Any) -> tuple[str, list[Any]]:
        """
        It takes a constant that is text for one of the column's type. The driver makes such a
        text in a moment, and takes longer over a time than PostgreSQL does over finding the row.
        """
        return self.as_sql(compiler, connection, written=_text_of)


def _text_of(value: Any) -> Any:
    """Where PostgreSQL reads the text that Python writes."""
    return str(value) if type(value) in {int, Decimal, UUID, datetime, date} else value


def keyset(queryset: QuerySet, default: str | Sequence[Any]) -> list[Key]:
    """
    The ordering of *queryset*, else *default*, made total by the primary key.

    Raises:
        ImproperlyConfigured: by what is no column or annotation, or is of many rows.
    """
    default = (default,) if isinstance(default, str) else default
    ordering = queryset.query.order_by or default or queryset.model._meta.ordering
    keys = [_key(queryset, one) for one in ordering]
    if not queryset.query.standard_ordering:  # QuerySet.reverse() was called.
        keys = [key.reversed() for key in keys]
    primary = queryset.model._meta.pk
    if not any(key.field is primary and "__" not in key.path for key in keys):
        descending = keys[-1].descending if keys else False
        keys.append(Key(primary.attname, primary, descending))
    return keys


def in_order_of(keys: Sequence[Key], queryset: QuerySet) -> QuerySet:
    """The rows of *queryset* by *keys*, whatever its own order was."""
    upright = queryset if queryset.query.standard_ordering else queryset.reverse()
    return upright.order_by(*(key.order_by for key in keys))


def beyond(keys: Sequence[Key], position: Sequence[Any]) -> Any:
    """Rows after *position*, by each key's direction."""
    if len({key.descending for key in keys}) == 1 and not any(key.nullable for key in keys):
        return RowsBeyond(keys, position)
    condition, equal = Q(), Q()
    for key, value in zip(keys, position, strict=True):
        condition |= equal & key.after(value)
        equal &= key.equal(value)
    # The first column is also bounded alone, which lets an index begin there.
    return (keys[0].after(position[0]) | keys[0].equal(position[0])) & condition


def _key(queryset: QuerySet, ordering: Any) -> Key:
    """
    Raises:
        ImproperlyConfigured: rows cannot be paged by *ordering*.
    """
    nulls_first = None
    if isinstance(ordering, OrderBy):
        text, descending = getattr(ordering.expression, "name", ordering), ordering.descending
        if ordering.nulls_first or ordering.nulls_last:
            nulls_first = bool(ordering.nulls_first)
    else:
        text = getattr(ordering, "name", ordering)
        descending = str(text).startswith("-")
    path = str(text).removeprefix("-")
    field, nullable = _column(queryset, path)
    if nulls_first is None:
        nulls_first = descending  # Nulls are the largest.
    return Key(path, field, descending, nullable, nullable and nulls_first)


def _column(queryset: QuerySet, path: str) -> tuple[Field, bool]:
    """
    What *path* leads to, and whether it may be null.

    Raises:
        ImproperlyConfigured: nothing that rows can be paged by.
    """
    annotation = queryset.query.annotations.get(path)
    if annotation is not None:
        return annotation.output_field, not isinstance(annotation, Count)
    current: Any = queryset.model
    field: Any = None
    nullable = False
    try:
        *relations, column = path.split("__")
        for relation in relations:
            link = current._meta.get_field(relation)
            if link.many_to_many or link.one_to_many:
                raise FieldDoesNotExist
            nullable |= link.null
            current = link.related_model
        field = current._meta.pk if column == "pk" else current._meta.get_field(column)
        if field.is_relation and column == field.attname:
            field = field.target_field
    except (FieldDoesNotExist, AttributeError):
        field = None
    unordered = (JSONField, BinaryField)
    if not isinstance(field, Field) or field.is_relation or isinstance(field, unordered):
        raise ImproperlyConfigured(
            f"{queryset.model.__name__} cannot be paged in the order of {path!r}: "
            "it is no column of one row, and no annotation."
        )
    return field, nullable or field.null
