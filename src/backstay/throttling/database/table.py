"""
The statements: lock rows or make them, write them, remove those that have emptied.

All of them lock in the order of the keys, so no two requests wait for each other.
SQLite has one writer: making the rows, which changes none that is there, takes its lock.

The time is that of PostgreSQL's server, read when the rows are locked: whoever waited
for another comes after it. SQLite's processes have the clock of one machine.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any
from uuid import UUID

from django.db import connections, transaction

from backstay.throttling.charges import Charge
from backstay.throttling.database.models import BucketRow
from backstay.throttling.window import MICROSECONDS

#: The server's time; and no waiting for the disk when this transaction is committed.
_NOW = """
    CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint),
    set_config('synchronous_commit', 'off', true)
"""

_READ = "SELECT key, state, {now} FROM {table} WHERE key IN ({keys})"

#: Locks first and reads the clock then, row by row: the last row's time is the request's.
_LOCK = """
    WITH locked AS MATERIALIZED (
        SELECT key, state FROM {table} WHERE key IN ({keys}) ORDER BY key FOR UPDATE
    )
    SELECT key, state, {now} FROM locked
"""

_ADD = """
    INSERT INTO {table} (key, state, expires_at_seconds) VALUES {rows}
    ON CONFLICT (key) DO UPDATE SET state = {table}.state
    RETURNING key, state, {now}
"""

_WRITE = """
    INSERT INTO {table} (key, state, expires_at_seconds) VALUES {rows}
    ON CONFLICT (key) DO UPDATE
    SET state = excluded.state, expires_at_seconds = excluded.expires_at_seconds
"""

#: The outer condition holds also for a row that came to life again in between.
_PRUNE = """
    DELETE FROM {table}
    WHERE expires_at_seconds < %s AND key NOT IN ({keys}) AND key IN (
        SELECT key FROM {table} WHERE expires_at_seconds < %s
        ORDER BY expires_at_seconds LIMIT %s {skip}
    )
"""


@dataclass(frozen=True, slots=True)
class Dialect:
    """How one kind of database says it."""

    now: str
    skip: str
    #: Whether rows can be locked; otherwise making them locks all there is.
    locks_rows: bool


DIALECTS = {
    "postgresql": Dialect(now=_NOW, skip="FOR UPDATE SKIP LOCKED", locks_rows=True),
    "sqlite": Dialect(now="NULL", skip="", locks_rows=False),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The states of rows, empty for one that was made, and the time."""

    states: dict[Any, bytes]
    now_us: int

    @property
    def made(self) -> int:
        return sum(not state for state in self.states.values())


@dataclass(frozen=True, slots=True)
class Row:
    key: Any
    state: bytes
    expires_at_seconds: int


class Table:
    """The buckets of one database."""

    def __init__(self, using: str, clock: Callable[[], float] | None) -> None:
        self.using = using
        self.clock = clock
        self.connection = connections[using]
        self.dialect = DIALECTS[self.connection.vendor]

    def transaction(self) -> transaction.Atomic:
        """
        Raises:
            RuntimeError: within another, which might take back what was charged.
        """
        return transaction.atomic(using=self.using, durable=True)

    def key(self, charge: Charge) -> Any:
        name = "\n".join(charge.name).encode("utf-8", "surrogatepass")
        uuid = UUID(bytes=sha256(name).digest()[:16])
        return uuid if self.connection.features.has_native_uuid_field else uuid.hex

    def read(self, keys: Sequence[Any]) -> Found:
        """The rows of *keys* that are there, which others may change."""
        return self._read(_READ, keys, keys)

    def delete(self, keys: Iterable[Any]) -> int:
        return BucketRow._base_manager.using(self.using).filter(pk__in=keys).delete()[0]

    def lock(self, keys: Sequence[Any]) -> Found | None:
        """Lock the rows of *keys*, which are in order; ``None`` where one is missing."""
        if not self.dialect.locks_rows:
            return self.add(keys)
        locked = self._read(_LOCK, keys, keys)
        return locked if len(locked.states) == len(keys) else None

    def add(self, keys: Sequence[Any]) -> Found:
        """Lock the rows of *keys*, which are in order, and make those that are missing."""
        return self._read(_ADD, keys, [value for key in keys for value in (key, b"", 0)])

    def write(self, rows: Sequence[Row]) -> None:
        self._execute(_WRITE, rows, _values(rows))

    def write_and_prune(self, rows: Sequence[Row], *, now_us: int, at_most: int) -> None:
        """Write, and remove up to *at_most* others that have emptied."""
        now_seconds = now_us // MICROSECONDS
        prune = [now_seconds, *(row.key for row in rows), now_seconds, at_most]
        if self.dialect.locks_rows:
            # The last that this transaction locks, and it waits for none.
            statement = f"WITH emptied AS ({_PRUNE}) {_WRITE}"
            self._execute(statement, rows, [*prune, *_values(rows)])
        else:
            self.write(rows)
            self._execute(_PRUNE, rows, prune)

    def roll_back(self) -> None:
        """End the transaction without a change, rows that were made included."""
        transaction.set_rollback(True, using=self.using)

    def _read(self, statement: str, keys: Sequence[Any], values: Sequence[Any]) -> Found:
        rows = self._execute(statement, keys, values, read=True)
        if self.clock is None and self.dialect.locks_rows:
            now_us = max((row[2] for row in rows), default=0)
        else:
            now_us = round((self.clock or time.time)() * MICROSECONDS)
        return Found({row[0]: bytes(row[1]) for row in rows}, now_us)

    def _execute(
        self, statement: str, each: Sequence[Any], values: Sequence[Any], *, read: bool = False
    ) -> list[Any]:
        text = statement.format(
            table=self.connection.ops.quote_name(BucketRow._meta.db_table),
            keys=", ".join(["%s"] * len(each)),
            rows=", ".join(["(%s, %s, %s)"] * len(each)),
            now=self.dialect.now,
            skip=self.dialect.skip,
        )
        with self.connection.cursor() as cursor:
            cursor.execute(text, values)
            return cursor.fetchall() if read else []


def _values(rows: Sequence[Row]) -> list[Any]:
    return [value for row in rows for value in (row.key, row.state, row.expires_at_seconds)]
