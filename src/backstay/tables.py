"""
Which rows an answer depends on, found out while it is made instead of declared.

    with recording() as reads:
        body = view()
    reads.tags    # {"catalog_product:17", "catalog_product:*", "accounts_organization"}
    reads.opaque  # SQL was run of which nobody knows what it read

A tag is the name of a table; or a row of it, for queries whose condition names its primary
key; or ``table:*``, for changes of which it is not known whose rows they are. A query that
names keys reads the rows' tags and ``table:*``, any other the table's. What writes has the
mirror of it (``written``). So a change of one row leaves alone what was read of another.

Limits: reads of this thread and of the ORM. A query's tables are those it names: behind a
view of the database there are others.
"""

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any
from uuid import UUID

from django.db.models.expressions import Col
from django.db.models.lookups import Exact, In
from django.db.models.sql import Query
from django.db.models.sql.where import AND, WhereNode

#: More rows of one table than these are not told apart.
MOST_ROWS = 100

_current: ContextVar["Reads | None"] = ContextVar("backstay_reads", default=None)


class Reads:
    """What was read so far."""

    def __init__(self) -> None:
        self.tags: set[str] = set()
        self.opaque = False
        #: Whether what is made of it is going to be kept.
        self.kept = False
        self._known = 0

    @contextmanager
    def known(self) -> Iterator[None]:
        """The SQL that is run meanwhile is that of a query that was noted."""
        self._known += 1
        try:
            yield
        finally:
            self._known -= 1

    @property
    def is_known(self) -> bool:
        return self._known > 0


def watch(connection: Any) -> None:
    """See what *connection* runs, from now on: once is cheaper than for each request anew."""
    if _watch not in connection.execute_wrappers:
        # First: ``connection.execute_wrapper`` adds others at the end, and takes the last away.
        connection.execute_wrappers.insert(0, _watch)


def _watch(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """Sees SQL that no query of the ORM is behind."""
    reads = _current.get()
    if reads and not reads.is_known and not str(sql).lstrip().upper().startswith(_OF_TRANSACTIONS):
        reads.opaque = True
    return execute(sql, params, many, context)


_OF_TRANSACTIONS = ("SAVEPOINT", "RELEASE SAVEPOINT", "ROLLBACK TO SAVEPOINT")


@contextmanager
def recording() -> Iterator[Reads]:
    """Record what this thread reads; whoever records around it is told as well."""
    reads, outer = Reads(), _current.get()
    token = _current.set(reads)
    try:
        yield reads
    finally:
        _current.reset(token)
        if outer is not None:
            outer.tags |= reads.tags
            outer.opaque |= reads.opaque


@contextmanager
def aside() -> Iterator[None]:
    """What is read meanwhile is nothing that an answer shows."""
    token = _current.set(None)
    try:
        yield
    finally:
        _current.reset(token)


def keeping() -> bool:
    """Whether what is made now is kept: then it must hold nothing that was known before."""
    reads = _current.get()
    return reads is not None and reads.kept


def recorder() -> Reads | None:
    """Who is told what is read."""
    return _current.get()


@contextmanager
def noted(query: Query) -> Iterator[None]:
    """The SQL that is run meanwhile is *query*'s, and was not compiled for this."""
    reads = _current.get()
    if reads is None:
        yield
        return
    note(query)
    with reads.known():
        yield


def note(query: Query) -> None:
    """*query* is about to read."""
    reads = _current.get()
    if reads is not None:
        reads.tags |= _read(query)
        reads.opaque |= bool(query.extra)


def _read(query: Any) -> set[str]:
    # Those that were joined and then not needed too: compiling puts the counts of use back.
    names = [join.table_name for join in query.alias_map.values()]
    tags = {*names, *query.extra_tables}
    rows = _rows(query) if names else None
    if rows is not None and len(rows) <= MOST_ROWS and names.count(names[0]) == 1:
        tags -= {names[0]}
        tags |= {f"{names[0]}:{row}" for row in rows} | {f"{names[0]}:*"}
    return tags


def written(query: Any) -> set[str]:
    """What an update or a delete changes."""
    table, rows = query.get_meta().db_table, _rows(query)
    moved = any(field.primary_key for field, *_ in getattr(query, "values", ()))
    return rows_of(table, None if moved else rows)


def rows_of(table: str, rows: Collection[str | None] | None) -> set[str]:
    """The table with the *rows* that changed; ``None``: nobody knows which, or not of all."""
    if rows is None or None in rows or len(rows) > MOST_ROWS:
        return {table, f"{table}:*"}
    return {table, *(f"{table}:{row}" for row in rows)}


def row_name(key: object) -> str | None:
    """A primary key as part of a tag; ``None`` where its text may differ from time to time."""
    return str(key) if isinstance(key, int | str | UUID) else None


def _rows(query: Any) -> set[str] | None:
    """The keys of the only rows of its own table that matter to *query*, if it names them."""
    alias = next(iter(query.alias_map), None) or query.get_initial_alias()
    return _named(query.where, query.get_meta().pk, alias)


def _named(node: WhereNode, key: Any, alias: str) -> set[str] | None:
    if node.negated or node.connector != AND:
        return None
    for child in node.children:
        found: Any = None
        if isinstance(child, WhereNode):
            found = _named(child, key, alias)
        elif _is_key(getattr(child, "lhs", None), key, alias):
            found = _values(child)
        if found is not None:
            return found  # type: ignore[no-any-return]  # Of either.
    return None


def _is_key(column: object, key: Any, alias: str) -> bool:
    return isinstance(column, Col) and column.alias == alias and column.target is key


def _values(lookup: Any) -> set[str] | None:
    given: Any = None
    if isinstance(lookup, Exact):
        given = [lookup.rhs]
    elif isinstance(lookup, In) and isinstance(lookup.rhs, list | tuple | set | frozenset):
        given = lookup.rhs
    names = [row_name(value) for value in given or ()]
    return None if given is None or None in names else {str(name) for name in names}
