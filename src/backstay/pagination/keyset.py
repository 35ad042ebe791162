"""
The keyset: the columns that put the rows of a list into one order, and the rows beyond a place.

The ordering's columns plus the primary key, so that tied rows are told apart. A column may be
the model's own, one across to-one relations, or an annotation, and may be null: nulls are
larger than everything, as PostgreSQL has them, on every database.

A place is written as Python has it where that is what the database has. What Python has of
an average, of a time truncated in a zone or of a decimal in SQLite is another value, which
stands before or after the row's own; there the database's own value is read beside it
(``Own``).

Rows beyond a place are one comparison of row values, ``(a, b, id) > (x, y, z)``, which an
index on the same columns answers from the place on. Only mixed directions and columns that
may be null take a condition of several branches.
"""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import FieldDoesNotExist, ImproperlyConfigured
from django.db import connections
from django.db.models import (
    BinaryField,
    Count,
    DecimalField,
    F,
    Field,
    ForeignKey,
    JSONField,
    OrderBy,
    Q,
    QuerySet,
)

from backstay.pagination.expressions import Compared, Own
from backstay.pagination.keys import Key

#: The value of each key.
Position = list[Any]


def keyset(queryset: QuerySet, default: str | Sequence[Any]) -> list[Key]:
    """
    The ordering of *queryset*, else *default*, made total by the primary key.

    Raises:
        ImproperlyConfigured: by what is no column or annotation, or is of many rows; or of
            groups, or of rows that are distinct by some columns, which beyond a place are others.
    """
    if queryset.query.distinct_fields or are_groups(queryset):
        raise ImproperlyConfigured(
            "Groups of rows, and rows that are distinct by some columns, have no pages by cursor."
        )
    default = (default,) if isinstance(default, str) else default
    ordering = queryset.query.order_by or default or queryset.model._meta.ordering
    keys = [_key(queryset, one, f"_own_{number}") for number, one in enumerate(ordering)]
    if not queryset.query.standard_ordering:  # QuerySet.reverse() was called.
        keys = [key.reversed() for key in keys]
    primary = queryset.model._meta.pk
    if not any(key.path in {"pk", primary.name, primary.attname} for key in keys):
        descending = keys[-1].descending if keys else False
        keys.append(Key(primary.attname, primary, descending))
    return keys


def in_order_of(keys: Sequence[Key], queryset: QuerySet) -> QuerySet:
    """The rows of *queryset* by *keys*, whatever its own order was."""
    upright = queryset if queryset.query.standard_ordering else queryset.reverse()
    return upright.order_by(*(key.order_by for key in keys))


def with_places(keys: Sequence[Key], queryset: QuerySet) -> QuerySet:
    """*queryset*, of whose rows ``ends`` tells the places."""
    own = {key.own: Own(F(key.path)) for key in keys if key.own}
    return queryset.annotate(**own) if own else queryset


def ends(keys: Sequence[Key], rows: Sequence[Any]) -> tuple[Position | None, Position | None]:
    """The places of the first and the last of *rows*."""
    if not rows:
        return None, None
    first, last = ([key.write(row) for key in keys] for row in (rows[0], rows[-1]))
    return first, last


def without_places(keys: Sequence[Key], rows: list[Any]) -> list[Any]:
    """*rows* as they were asked for: those of ``values()`` are shown as they are."""
    for row in rows if rows and isinstance(rows[0], dict) else ():
        for key in keys:
            row.pop(key.own, None)
    return rows


def beyond(keys: Sequence[Key], position: Position) -> Any:
    """Rows after *position*, by each key's direction."""
    if len({key.descending for key in keys}) == 1 and not any(key.nullable for key in keys):
        return Compared(keys, keys[0].operator, position)
    condition, equal = Q(), Q()
    for key, value in zip(keys, position, strict=True):
        condition |= equal & key.after(value)
        equal &= key.equal(value)
    if any(key.windowed for key in keys):
        return condition  # A bound in WHERE would take rows out of the windows.
    # The first column is also bounded alone, which lets an index begin there.
    return (keys[0].after(position[0]) | keys[0].equal(position[0])) & condition


def are_groups(queryset: QuerySet) -> bool:
    """Whether its rows are groups, or distinct values, which the primary key would take apart."""
    query: Any = queryset.query
    grouped = isinstance(query.group_by, tuple)  # By ``values()``; else each row is a group.
    columns = query.group_by if grouped else query.select if query.distinct else ()
    key = queryset.model._meta.pk
    return bool(columns) and not any(getattr(one, "target", None) is key for one in columns)


def path_of(ordering: Any) -> str:
    """The lookup path in ``"-path"``, ``F("path")`` and ``F("path").desc()``."""
    expression = getattr(ordering, "expression", ordering)
    return str(getattr(expression, "name", ordering)).removeprefix("-")


def _key(queryset: QuerySet, ordering: Any, own: str) -> Key:
    """
    Raises:
        ImproperlyConfigured: rows cannot be paged by *ordering*.
    """
    nulls_first = None
    if isinstance(ordering, OrderBy):
        descending = ordering.descending
        if ordering.nulls_first or ordering.nulls_last:
            nulls_first = bool(ordering.nulls_first)
    else:
        descending = str(ordering).startswith("-")
    path = path_of(ordering)
    field, nullable = _column(queryset, path)
    if nulls_first is None:
        nulls_first = descending  # Nulls are the largest.
    annotation = queryset.query.annotations.get(path)
    return Key(
        path,
        field,
        descending,
        nullable=nullable,
        nulls_first=nullable and nulls_first,
        own=own if _differs_in_python(queryset, path, field) else None,
        windowed=getattr(annotation, "contains_over_clause", False),
    )


def _differs_in_python(queryset: QuerySet, path: str, field: Any) -> bool:
    """Whether the database may have another value than Django reads, and ``Own`` has it."""
    vendor = connections[queryset.db].vendor
    computed = path in queryset.query.annotations or hasattr(field, "from_db_value")
    # An array or a range, whose text in Python nothing reads.
    computed |= hasattr(field, "base_field")
    inexact = vendor == "sqlite" and isinstance(field, DecimalField)
    return vendor in {"postgresql", "sqlite"} and (computed or inexact)


def _column(queryset: QuerySet, path: str) -> tuple[Any, bool]:
    """
    What *path* leads to, and whether it may be null.

    Raises:
        ImproperlyConfigured: nothing that rows can be paged by.
    """
    field: Any
    annotation = queryset.query.annotations.get(path)
    if annotation is not None:
        field, nullable = annotation.output_field, not isinstance(annotation, Count)
    else:
        field, nullable = _column_of_one_row(queryset.model, path)
    if field is None or isinstance(field, (JSONField, BinaryField)):
        raise ImproperlyConfigured(
            f"{queryset.model.__name__} cannot be paged in the order of {path!r}: "
            "it is no column of one row, and no annotation."
        )
    return field, nullable


def _column_of_one_row(model: Any, path: str) -> tuple[Field | None, bool]:
    """The field at the end of to-one relations, and whether it or one of those may be null."""
    nullable = False
    try:
        *relations, column = path.split("__")
        for relation in relations:
            link = model._meta.get_field(relation)
            if link.many_to_many or link.one_to_many:
                return None, nullable
            nullable |= link.null
            model = link.related_model
        field = model._meta.pk if column == "pk" else model._meta.get_field(column)
        nullable |= field.null
        if isinstance(field, ForeignKey) and column in {"pk", field.attname}:
            field = field.target_field
    except (FieldDoesNotExist, AttributeError):
        return None, nullable
    if not isinstance(field, Field) or field.is_relation:
        return None, nullable
    return field, nullable
