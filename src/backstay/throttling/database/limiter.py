"""
Decides on all charges of one request in one transaction.

On PostgreSQL two statements: one locks and reads, one writes. One for a refusal, three
for a caller who is new. On SQLite two, one, and three.
"""

from collections.abc import Callable, Sequence
from typing import Any

from django.db import router

from backstay.throttling.buckets import Bucket, bucket_of, decide
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.database.models import BucketRow
from backstay.throttling.database.table import Found, Row, Table
from backstay.throttling.window import MICROSECONDS


class DatabaseLimiter:
    """Counts in the table of ``BucketRow``, by *clock* (seconds since 1970) where it is given."""

    def __init__(self, clock: Callable[[], float] | None = None) -> None:
        self.clock = clock

    def decide(self, charges: Sequence[Charge], *, peek: bool = False) -> list[Decision]:
        """
        Charge every bucket if all have room, else none; to *peek* is to charge nothing.

        Raises:
            RuntimeError: within a transaction, which might take back what was charged.
        """
        table = Table(router.db_for_write(BucketRow), self.clock)
        keys = [table.key(charge) for charge in charges]
        ordered = sorted(set(keys))
        if peek:
            return _settle(table, table.read(ordered), charges, keys, peek=True)
        with table.transaction():
            if locked := table.lock(ordered):
                return _settle(table, locked, charges, keys)
        # In a transaction of its own: it begins without a lock, so that all are in order.
        with table.transaction():
            return _settle(table, table.add(ordered), charges, keys)

    def forget(self, charges: Sequence[Charge]) -> int:
        """Empty the buckets; how many had counted something."""
        table = Table(router.db_for_write(BucketRow), self.clock)
        return table.delete({table.key(charge) for charge in charges})


def _settle(
    table: Table,
    found: Found,
    charges: Sequence[Charge],
    keys: Sequence[Any],
    *,
    peek: bool = False,
) -> list[Decision]:
    """Decide on what was found, and write what has changed."""
    buckets: dict[Any, Bucket] = {}
    set_back = []
    for key, charge in zip(keys, charges, strict=True):
        bucket = buckets.setdefault(key, bucket_of(charge.rate, found.states.get(key, b"")))
        if bucket.advance(found.now_us, charge.rate.limit):
            set_back.append(key)
    done, decisions = decide(charges, [buckets[key] for key in keys], found.now_us, peek=peek)
    if peek:
        return decisions
    # What the clock's step did is kept also by a refusal: the wait would never go down.
    rows = [_row(key, buckets[key]) for key in (buckets if done else set_back)]
    if done and found.made:
        table.write_and_prune(rows, now_us=found.now_us, at_most=2 * found.made)
    elif rows:
        table.write(rows)
    else:
        table.roll_back()
    return decisions


def _row(key: Any, bucket: Bucket) -> Row:
    """The row, with its end put off to the next whole window."""
    windows = -(-bucket.empties_at_us() // (bucket.window_seconds * MICROSECONDS))
    return Row(key, bucket.dump(), windows * bucket.window_seconds)


limiter = DatabaseLimiter()
