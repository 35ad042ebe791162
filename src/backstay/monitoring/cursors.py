"""
Statements, their time and their rows, seen at the cursor.

A cursor is asked instead of ``connection.execute_wrapper`` because SQLite does its work
while rows are fetched, and because only fetching tells how many there were. The time is
that of executing and of fetching; turning rows into instances is not in it. Statements are
what ``assertNumQueries`` counts, so that of a transaction a savepoint is one.

Each connection is hooked once, when it is opened; a request adds nothing to that.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

from django.db import connections
from django.db.backends.signals import connection_created

from backstay.measure import current

if TYPE_CHECKING:
    from django.db.backends.utils import CursorWrapper as Base
else:
    Base = object


class _Measured(Base):
    """What stands before Django's cursor wrappers."""

    def execute(self, sql: Any, params: Any = None) -> Any:
        return self._timed(super().execute, sql, params)

    def executemany(self, sql: Any, param_list: Any) -> Any:
        return self._timed(super().executemany, sql, param_list)

    def _timed(self, run: Callable[..., Any], sql: Any, params: Any) -> Any:
        measure = current.get()
        if measure is None:
            return run(sql, params)
        began = perf_counter_ns()
        try:
            return run(sql, params)
        finally:
            elapsed = perf_counter_ns() - began
            measure.sql_count += 1
            measure.sql_ns += elapsed
            if measure.watch is not None:
                measure.watch.saw(str(sql), elapsed)

    def fetchone(self) -> Any:
        return self._fetched("fetchone", lambda row: row is not None)

    def fetchmany(self, *args: Any, **kwargs: Any) -> Any:
        return self._fetched("fetchmany", len, *args, **kwargs)

    def fetchall(self) -> Any:
        return self._fetched("fetchall", len)

    def _fetched(self, name: str, rows: Callable[[Any], int], *args: Any, **kwargs: Any) -> Any:
        fetch, measure = super().__getattr__(name), current.get()
        if measure is None:
            return fetch(*args, **kwargs)
        began = perf_counter_ns()
        found = fetch(*args, **kwargs)
        measure.sql_ns += perf_counter_ns() - began
        measure.rows += rows(found)
        return found

    def __iter__(self) -> Iterator[Any]:
        measure = current.get()
        for row in super().__iter__():
            if measure is not None:
                measure.rows += 1
            yield row


@lru_cache(maxsize=16)
def _measured(kind: Any) -> type[Any]:
    return type(f"Measured{kind.__name__}", (_Measured, kind), {})


def _hook(connection: Any) -> None:
    """Cursors of *connection* measure from now on, those for debugging too."""
    for name in ("make_cursor", "make_debug_cursor"):
        make = getattr(connection, name)
        if not isinstance(make, _Making):
            setattr(connection, name, _Making(make))


class _Making:
    """Makes the cursors that *make* does, measured."""

    def __init__(self, make: Callable[[Any], Any]) -> None:
        self.make = make

    def __call__(self, cursor: Any) -> Any:
        wrapper = self.make(cursor)
        kind: Any = type(wrapper)
        wrapper.__class__ = _measured(kind)
        return wrapper


def _on_connect(connection: Any, **_: Any) -> None:
    _hook(connection)


def install() -> None:
    """Hook the connections of this thread, and all that will be opened. Idempotent."""
    connection_created.connect(_on_connect, dispatch_uid="backstay.monitoring")
    for connection in connections.all(initialized_only=True):
        _hook(connection)
