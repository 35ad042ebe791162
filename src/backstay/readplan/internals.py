"""
The private parts of Django that this package stands on, all of them.

Stable since Django 1.x and used by packages like it; each is held by a test.
"""
# ruff: noqa: SLF001  # That is what this module is for.

from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from typing import Any

from django.db import connections
from django.db.models import IntegerField, Model, Prefetch, QuerySet
from django.db.models.manager import BaseManager

from backstay.tables import noted


def yielding(queryset: Any, iterable: type[Any]) -> Any:
    """A copy of *queryset* whose rows *iterable* makes, as ``values()`` makes one."""
    clone = queryset._chain()
    clone._iterable_class = iterable
    return clone


def iterable_of(queryset: Any) -> type[Any]:
    """What makes the rows of *queryset*."""
    return queryset._iterable_class  # type: ignore[no-any-return]  # The stubs do not know it.


def lookups_of(queryset: Any) -> Sequence[str | Prefetch]:
    """What was given to ``prefetch_related``."""
    return queryset._prefetch_related_lookups  # type: ignore[no-any-return]  # As above.


def prefetch_no_more(queryset: Any) -> None:
    """The rows that *queryset* is about to make have all they need."""
    queryset._prefetch_done = True


def fetches_as_usual(queryset: Any) -> bool:
    """Whether its class reads rows as Django does."""
    return type(queryset)._fetch_all is QuerySet._fetch_all


def reads_as_usual(manager: Any) -> bool:
    """Whether the manager gives the same queryset each time, and its ``filter`` is Django's."""
    kind = manager._queryset_class
    return (
        type(manager).get_queryset is BaseManager.get_queryset
        and kind.filter is QuerySet.filter
        and kind.__init__ is QuerySet.__init__
    )


# --- columns, a relation at a time


def is_bare(query: Any) -> bool:
    """Whether rows are nothing but their columns: no annotation, no group, no DISTINCT."""
    return not (query.annotations or query.group_by is not None or query.distinct or query.extra)


def selecting(
    queryset: Any, columns: Sequence[str], wrapped: Mapping[str, Callable[[Any], Any]]
) -> Any:
    """
    ``values_list(*columns)``, those in *wrapped* in an expression.

    ``Query.add_fields`` follows a path's relations anew for each column, which is half the
    cost of a plain query.
    """
    rows = queryset.values_list("pk")
    query = rows.query
    places: dict[str, tuple[str, Mapping[str, Any]]] = {
        "": (query.get_initial_alias(), _own_columns(queryset.model))
    }
    selected = []
    for path in columns:
        prefix, _, name = path.rpartition("__")
        if prefix not in places:
            places[prefix] = _joined(query, prefix)
        alias, fields = places[prefix]
        column = fields[name].get_col(alias) if name in fields else _column(query, path)
        selected.append(wrapped[path](column) if path in wrapped else column)
    query.set_select(tuple(selected))
    query.values_select = tuple(columns)
    # Without names: ORDER BY would take a wrapped column for the column it is named after.
    query.selected = None
    return rows


def _own_columns(model: type[Model]) -> dict[str, Any]:
    """The columns of the model's own table, by attribute."""
    return {field.attname: field for field in model._meta.local_concrete_fields}


def _joined(query: Any, prefix: str) -> tuple[str, Mapping[str, Any]]:
    """The alias of a relation's table, and that table's columns."""
    joins = query.setup_joins(
        [*prefix.split("__"), "pk"], query.get_meta(), query.get_initial_alias()
    )
    related = joins.opts.model
    if joins.targets[0].model is not related:  # The key is a parent's, and so is the last table.
        return "", {}
    return joins.joins[-1], _own_columns(related)


def _column(query: Any, path: str) -> Any:
    """One column, as ``Query.add_fields`` finds it."""
    start = query.get_initial_alias()
    joins = query.setup_joins(path.split("__"), query.get_meta(), start)
    targets, alias, _ = query.trim_joins(joins.targets, joins.joins, joins.path)
    return joins.transform_function(targets[0], alias)


# --- a query whose text is made once


class KeptQuery:
    """
    ``query(keys)``, of which only the keys differ from one time to the next.

    Its text is kept where the keys are its only parameter and are one value each;
    ``fits`` says whether it serves.
    """

    def __init__(self, query: Callable[[Collection[Any]], Any], sample: Any, using: str) -> None:
        self.using = using
        connection = connections[using]
        self.compiler = query([sample]).query.get_compiler(using)
        text, parameters = self.compiler.as_sql()
        conditions = self.compiler.query.where.children
        alone = len(conditions) == len(parameters) == 1
        self.kept = alone and text.count("IN (%s)") == text.count("%s") == 1
        self.most_keys = connection.features.max_query_params
        #: PostgreSQL takes all keys as one parameter, so its text is always the same.
        self.as_array = connection.vendor == "postgresql"
        self.text = text.replace("IN (%s)", "= ANY(%s)") if self.as_array else text
        self.converters = self.compiler.get_converters([one[0] for one in self.compiler.select])
        self.field = _value_of(conditions[0].lhs.output_field) if self.kept else None

    def fits(self, keys: Collection[Any]) -> bool:
        return self.kept and (self.most_keys is None or len(keys) <= self.most_keys)

    def rows(self, keys: Collection[Any]) -> Sequence[tuple[Any, ...]]:
        """As tuples, or as lists where a column has to be converted."""
        connection = connections[self.using]
        values = list(keys)
        if self.field is not None:
            values = [self.field.get_db_prep_value(key, connection) for key in keys]
        if self.as_array:
            text, values = self.text, [values]
        else:
            each = ", ".join(["%s"] * len(values))
            text = self.text.replace("IN (%s)", f"IN ({each})")
        with noted(self.compiler.query), connection.cursor() as cursor:
            cursor.execute(text, values)
            found = cursor.fetchall()
        if not self.converters:
            return found  # type: ignore[no-any-return]  # Of the database's driver.
        compiler = copy(self.compiler)
        compiler.connection = connection
        return list(compiler.apply_converters(found, self.converters))


def _value_of(field: Any) -> Any:
    """The field whose values are the keys; ``None`` where they are plain integers."""
    while field.remote_field is not None:
        field = field.target_field
    plain = isinstance(field, IntegerField) and type(field).__module__.startswith("django.")
    return None if plain else field
