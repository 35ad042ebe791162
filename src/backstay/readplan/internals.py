"""
The private parts of Django that this package stands on, all of them.

Stable since Django 1.x and used by packages like it; each is held by a test.
"""
# ruff: noqa: SLF001  # That is what this module is for.

from collections.abc import Callable, Collection, Hashable, Mapping, Sequence
from copy import copy
from typing import Any
from uuid import UUID

from django.core.exceptions import EmptyResultSet, FullResultSet
from django.db import connections
from django.db.models import F, IntegerField, OrderBy, Prefetch, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.sql import Query
from django.db.models.sql.where import WhereNode

from backstay.tables import noted

#: What was read, a sequence of values for each column; none where there is no row.
Columns = Sequence[Sequence[Any]]


def yielding(queryset: Any, iterable: type[Any], **known: Any) -> Any:
    """
    A copy of *queryset* whose rows *iterable* makes, as ``values()`` makes one.

    What is *known* are attributes of its query, of which a copy has all.
    """
    clone = queryset._chain()
    clone._iterable_class = iterable
    vars(clone.query).update(known)
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


def joining(queryset: Any, paths: Mapping[str, str]) -> Any:
    """
    *queryset* with the keys of related rows, by name, that their own tables have.

    Null where no row is there, without which Django would find none of ours either: it
    takes such a key from the column that leads there, and an inner join for granted.
    """
    clone = queryset._chain()
    query = clone.query
    # First, as Django has it, what the order needs: it may leave out rows.
    query.get_compiler(clone.db).get_order_by()
    keys = {}
    # Of two, that which leads to the other is first.
    for name, path in sorted(paths.items(), key=lambda item: len(item[1])):
        used = {alias for alias, count in query.alias_refcount.items() if count}
        found = query.setup_joins(path.split("__"), query.get_meta(), query.get_initial_alias())
        alias = found.joins[-1]
        if alias not in used:
            query.alias_map[alias] = query.alias_map[alias].promote()
        keys[name] = found.targets[0].get_col(alias)
    return clone.annotate(**keys)


# --- what is asked, and what is had


def is_bare(query: Any) -> bool:
    """Whether rows are nothing but their columns: no annotation, no group, no DISTINCT."""
    return not (query.annotations or query.group_by is not None or query.distinct or query.extra)


def value_of(field: Any, raw: Any, using: str) -> Any:
    """What an instance has of what the database itself has (``sql.Raw``)."""
    column, connection = field.get_col(""), connections[using]
    for function in connection.ops.get_db_converters(column):
        raw = function(raw, column, connection)
    return field.to_python(raw)


# --- queries whose text is made once


class Kept:
    """The text of a query, and what makes values of its columns."""

    def __init__(self, query: Any, using: str) -> None:
        self.using = using
        compiler = query.get_compiler(using)
        self.text, self.parameters = compiler.as_sql()
        self.converters = compiler.get_converters([one[0] for one in compiler.select])
        quoted = connections[using].ops.quote_name
        self.query = copy(query)
        # Who asked for it: the view, with its request.
        vars(self.query).pop("serializer_of", None)
        # Without those that were joined and then not needed, on which nothing depends.
        self.query.alias_map = {
            alias: join for alias, join in query.alias_map.items() if quoted(alias) in self.text
        }

    def columns(self, text: str, parameters: Sequence[Any], where: WhereNode) -> Columns:
        """What *text* reads, noted as rows of the query that are *where*."""
        query, connection = copy(self.query), connections[self.using]
        query.where = where
        with noted(query), connection.cursor() as cursor:
            cursor.execute(text, parameters)
            columns: list[Any] = list(zip(*cursor.fetchall()))  # noqa: B905  # All alike.
        for place, (functions, expression) in self.converters.items() if columns else ():
            for function in functions:
                columns[place] = [function(one, expression, connection) for one in columns[place]]
        return columns


class KeptByKeys(Kept):
    """
    ``query(keys)``, of which only the keys differ from one time to the next.

    Its text is kept where the keys are its only parameter and are one value each.
    """

    def __init__(self, query: Callable[[Collection[Any]], Any], sample: Any, using: str) -> None:
        super().__init__(query([sample]).query, using)
        connection = connections[using]
        conditions = self.query.where.children
        alone = len(conditions) == len(self.parameters) == 1
        self.kept = alone and self.text.count("IN (%s)") == self.text.count("%s") == 1
        #: PostgreSQL takes all keys as one parameter, so its text is always the same.
        self.as_array = connection.vendor == "postgresql"
        self.field = _value_of(conditions[0].lhs.output_field) if self.kept else None

    def of(self, keys: Collection[Any]) -> Columns:
        values = list(keys)
        if self.field is not None:
            connection = connections[self.using]
            values = [self.field.get_db_prep_value(key, connection) for key in keys]
        if self.as_array:
            # One text, where it needs no quotes, costs a fifth of what a list costs the driver.
            simple = {type(value) for value in values} <= {int, UUID}
            array = "{" + ",".join(map(str, values)) + "}" if simple else values
            return self.columns(self.text.replace("IN (%s)", "= ANY(%s)"), [array], WhereNode())
        each = ", ".join(["%s"] * len(values))
        return self.columns(self.text.replace("IN (%s)", f"IN ({each})"), values, WhereNode())


class KeptByStructure(Kept):
    """
    A bare query, of which only the values in its conditions differ from one time to the next.

    Django itself compiles the conditions each time; see ``structure_of``. Its text is kept
    where they have all of its parameters.
    """

    def __init__(self, query: Any, using: str, parameters: Sequence[Any]) -> None:
        super().__init__(query, using)
        self.kept = [*self.parameters] == [*parameters] and self.text.count("%s") == len(parameters)


def structure_of(query: Any, using: str) -> tuple[Hashable, Sequence[Any]] | None:
    """
    All that the text of a bare query depends on, but for its columns, and its parameters.

    ``None`` where that cannot be told: it is not bare, has an order by more than columns,
    joins under a condition, or is known to be empty.
    """
    order = tuple(map(_order, query.order_by or query.get_meta().ordering))
    kind: type[Any] = type(query)
    more = query._filtered_relations or query.combinator or query.select_for_update
    if kind is not Query or not is_bare(query) or more or None in order:
        return None
    try:
        where, parameters = query.get_compiler(using).compile(query.where)
    except FullResultSet:
        where, parameters = "", ()
    except EmptyResultSet:
        return None
    joins = tuple(
        (alias, join.join_type, join, query.alias_refcount[alias] > 0)
        for alias, join in query.alias_map.items()
    )
    order += (bool(query.order_by), query.default_ordering, query.standard_ordering)
    extra = tuple(query.extra_order_by), tuple(query.extra_tables)
    return (where, joins, order, extra, query.low_mark, query.high_mark), parameters


def _order(one: Any) -> Hashable:
    """What one part of an order says; ``None`` where it is no column's."""
    if isinstance(one, str):
        return one
    column: Any = getattr(one, "expression", None)
    known = type(one) is OrderBy and type(column) is F
    return (column.name, one.descending, one.nulls_first, one.nulls_last) if known else None


def _value_of(field: Any) -> Any:
    """The field whose values are the keys; ``None`` where they are plain integers."""
    while field.remote_field is not None:
        field = field.target_field
    plain = isinstance(field, IntegerField) and type(field).__module__.startswith("django.")
    return None if plain else field
