"""
Whatever writes through Django ends the answers that depend on it, with its commit.

The compilers of inserts, updates and deletes are the one place that single saves, bulk
writes, cascades, many-to-many changes, admin, tasks and commands have in common; the ends
of a transaction are the connection's ``_commit`` and ``_rollback``. They are hooked here, and
nowhere else.

What a transaction has changed is announced just before its commit and settled right after
it. Outside of a transaction a statement is its own commit.

While Redis does not take an announcement, the write goes on: it is owed. As soon as Redis
answers this process again, everything is ended, and a thread of its own sees to it where
the process asks nothing more. A process that met any failure of Redis ends everything too
before it trusts an entry again. So after an outage a process that asked nothing meanwhile
may give an old answer until the one that wrote has had its turn, ``RETRY_SECONDS``.
"""
# ruff: noqa: SLF001  # Django has no public place for this.

import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import wraps
from threading import Lock, Thread, main_thread
from typing import Any
from uuid import uuid4

from django.apps import apps
from django.db import connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.models import Model
from django.db.models.expressions import RawSQL
from django.db.models.sql import compiler

from backstay import tables
from backstay.caching.backends import EVERYTHING, backend
from backstay.counters import count
from backstay.store import StoreUnavailable, store

RETRY_SECONDS = 0.5

#: For so long a command that wrote goes on telling after its end.
ENDING_SECONDS = 10.0

#: Where a connection keeps what its transaction has changed.
_KEPT = "_backstay_changed"


def touch(*changed: type[Model] | Model | str) -> None:
    """
    Say what raw SQL, or something else that Django does not see, has changed.

    A model or the name of a table: anything in it; an instance: that row. Within a
    transaction it takes effect with its commit.
    """
    by_alias: dict[str, set[str]] = {}
    for one in changed:
        if isinstance(one, str):
            alias, tags = "default", tables.rows_of(one, None)
        else:
            rows = {tables.row_name(one.pk)} if isinstance(one, Model) else None
            alias = (isinstance(one, Model) and one._state.db) or "default"
            tags = tables.rows_of(one._meta.db_table, rows)
        by_alias.setdefault(alias, set()).update(tags)
    for alias, tags in by_alias.items():
        connection = connections[alias]
        if connection.get_autocommit():
            with _committing(tags):
                pass
        else:
            _changed(connection).update(tags)


def uncommitted() -> bool:
    """Whether this thread has written something that others do not see yet."""
    return any(
        getattr(connection, _KEPT, None) and not connection.get_autocommit()
        for connection in connections.all(initialized_only=True)
    )


def reads_the_past() -> bool:
    """Whether this thread is in a transaction that goes on seeing what was there as it began."""
    return any(
        connection.in_atomic_block and not _sees_commits(connection)
        for connection in connections.all(initialized_only=True)
    )


def _sees_commits(connection: Any) -> bool:
    """PostgreSQL at READ COMMITTED, its default."""
    level = getattr(connection, "isolation_level", None)
    return connection.vendor == "postgresql" and (level is None or level.name == "READ_COMMITTED")


def evict(tags: Collection[str]) -> None:
    """
    End all entries that depend on *tags*, now.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    backend().settle(tags, "")


@contextmanager
def _committing(tags: Collection[str]) -> Iterator[None]:
    """The commit of a change of *tags* happens meanwhile."""
    tags = _tracked(tags)
    if not tags:
        yield
        return
    writer = uuid4().hex
    announced = _tell(backend().announce, tags, writer)
    try:
        yield
    finally:
        if announced:
            _tell(backend().settle, tags, writer)


def _tell(tell: Callable[..., None], tags: Collection[str], writer: str) -> bool:
    try:
        tell(tags, writer)
    except StoreUnavailable:
        count("outage", part="cache")
        trust.owe()
        return False
    return True


def _tracked(tags: Collection[str]) -> Collection[str]:
    """Without the tables that only bookkeeping reads, and not so many rows of one."""
    unseen = untracked()
    kept = {tag for tag in tags if tag.partition(":")[0] not in unseen}
    if len(kept) > 10 * tables.MOST_ROWS:
        return {each for tag in kept for each in tables.rows_of(tag.partition(":")[0], None)}
    return kept


_BOOKKEEPING = (
    "sessions",
    "backstay_idempotency",
    "backstay_outbox",
    "backstay_sessions",
    "backstay_throttling",
)


def untracked() -> frozenset[str]:
    """Tables whose changes end nothing, so nothing that was made of them is kept."""
    return frozenset(
        model._meta.db_table
        for label in _BOOKKEEPING
        if label in apps.app_configs
        for model in apps.get_app_config(label).get_models(include_auto_created=True)
    )


def forget_who_it_is(reads: tables.Reads) -> None:
    """Leave out the bookkeeping that has told so far who calls: that is part of the key."""
    if reads.tags:
        unseen = untracked()
        reads.tags -= {tag for tag in reads.tags if tag.partition(":")[0] in unseen}


class Trust:
    """Whether this process may believe entries; see the module."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._owed = False
        self._losses: object = None

    def holds(self) -> bool:
        """
        Whether what was just found can be believed: not where something was lost before,
        and then everything is ended first. A process that looks for the first time has
        lost nothing.
        """
        if self._losses is None and not self._owed:
            self._losses = _losses()
        if self._losses == _losses() and not self._owed:
            return True
        self._pay()
        return False

    def owe(self) -> None:
        """A change could not be announced."""
        with self._lock:
            if self._owed:
                return
            self._owed = True
        Thread(target=self._retry, name="cache").start()

    def _retry(self) -> None:
        """Until it is paid; a process that ends waits for ``ENDING_SECONDS`` more."""
        ends = None
        while self._owed and not self._pay():
            time.sleep(RETRY_SECONDS)
            if not main_thread().is_alive():
                ends = ends or time.monotonic() + ENDING_SECONDS
                if time.monotonic() > ends:
                    return

    def _pay(self) -> bool:
        losses = _losses()
        try:
            evict([EVERYTHING])
        except StoreUnavailable:
            return False
        self._owed, self._losses = False, losses
        count("cache_distrusted")
        return True


def _losses() -> object:
    redis = store()
    return "this process" if redis is None else (id(redis), redis.losses)


trust = Trust()


def _changed(connection: Any) -> set[str]:
    """What the transaction of *connection* has changed so far."""
    changed: set[str] | None = getattr(connection, _KEPT, None)
    if changed is None:
        changed = set()
        setattr(connection, _KEPT, changed)
    return changed


# --- the hooks


def install() -> None:
    """Once in a process, by the app."""
    if hasattr(BaseDatabaseWrapper, _KEPT):
        return
    setattr(BaseDatabaseWrapper, _KEPT, None)
    base: Any = compiler.SQLCompiler
    base.as_sql = _noting(base.as_sql)
    base.execute_sql = _known(base.execute_sql)
    raw: Any = RawSQL
    raw.as_sql = _opaque(raw.as_sql)
    for kind in (compiler.SQLUpdateCompiler, compiler.SQLDeleteCompiler):
        kind.execute_sql = _writing(kind.execute_sql)  # type: ignore[method-assign]  # That is it.
    insert: Any = compiler.SQLInsertCompiler
    insert.execute_sql = _inserting(insert.execute_sql)
    connection_created.connect(_watch, dispatch_uid="backstay.caching")
    for opened in connections.all(initialized_only=True):
        tables.watch(opened)
    connection: Any = BaseDatabaseWrapper
    connection._commit = _ending(connection._commit, commits=True)
    connection._rollback = _ending(connection._rollback, commits=False)


def _watch(connection: Any, **_: Any) -> None:
    tables.watch(connection)


def _noting(as_sql: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(as_sql)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        made = as_sql(self, *args, **kwargs)
        tables.note(self.query)
        return made

    return method


def _known(execute_sql: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute_sql)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        reads = tables.recorder()
        if reads is None:
            return execute_sql(self, *args, **kwargs)
        with reads.known():
            return execute_sql(self, *args, **kwargs)

    return method


def _opaque(as_sql: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(as_sql)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        reads = tables.recorder()
        if reads is not None:
            reads.opaque = True
        return as_sql(self, *args, **kwargs)

    return method


def _writing(execute_sql: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute_sql)
    def method(self: Any, *args: Any, **kwargs: Any) -> Any:
        with _changing(self, tables.written(self.query)):
            return execute_sql(self, *args, **kwargs)

    return method


def _inserting(execute_sql: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(execute_sql)
    def method(self: Any, returning_fields: Any = None) -> Any:
        query, table = self.query, self.query.get_meta().db_table
        names = {tables.row_name(one.pk) for one in query.objs}
        # What an upsert changes is known to nobody, and a new key only afterwards.
        known = None not in names and not query.on_conflict
        later = not known and not query.on_conflict and not self.connection.get_autocommit()
        rows: set[str | None] | None = names if known else set() if later else None
        with _changing(self, tables.rows_of(table, rows)):
            found = execute_sql(self, returning_fields)
        if later:
            place = [field.primary_key for field in returning_fields or ()]
            keys = [row[place.index(True)] for row in found] if True in place else []
            rows = {tables.row_name(key) for key in keys}
            complete = len(keys) == len(query.objs)
            _changed(self.connection).update(tables.rows_of(table, rows if complete else None))
        return found

    return method


@contextmanager
def _changing(self: Any, tags: set[str]) -> Iterator[None]:
    """A statement of *self*, a compiler, changes *tags* meanwhile; it reads nothing unknown."""
    reads = tables.recorder() or tables.Reads()
    with reads.known():
        if not self.connection.get_autocommit():
            _changed(self.connection).update(tags)
            yield
        else:
            with _committing(tags):
                yield


def _ending(end: Callable[..., Any], *, commits: bool) -> Callable[..., Any]:
    @wraps(end)
    def method(self: Any) -> Any:
        changed = getattr(self, _KEPT, None)
        if not changed:
            return end(self)
        setattr(self, _KEPT, None)
        if not commits:
            return end(self)
        with _committing(changed):
            return end(self)

    return method
