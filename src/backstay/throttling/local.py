"""
Limits of one process: for a project with nothing shared, and while Redis is out.

One lock decides and counts, so threads cannot both take the last place.

Memory is bounded: at most ``MAX_BUCKETS``, of a kilobyte at the most. Buckets that
have emptied are dropped as others come, two for each, so no request pays for all.
One that counts something is never dropped. Where all of them do, newcomers of a rule
share one bucket of that rule, counted as ``throttle_overflow``; who was counted
there starts anew once there is room.
"""

import time
from collections.abc import Callable, Sequence
from heapq import heappop, heappush, heapreplace
from threading import Lock

from backstay.counters import count
from backstay.throttling.buckets import Bucket, bucket_of, decide
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.window import MICROSECONDS

MAX_BUCKETS = 100_000

Name = tuple[str, str, str]


class LocalLimiter:
    """Counts in this process, by *clock*: seconds since 1970."""

    def __init__(
        self, clock: Callable[[], float] = time.time, *, max_buckets: int = MAX_BUCKETS
    ) -> None:
        self.clock = clock
        self.max_buckets = max_buckets
        self._lock = Lock()
        self.clear()

    def __len__(self) -> int:
        """How many buckets there are, the shared ones left out."""
        return len(self._buckets)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._buckets: dict[Name, Bucket] = {}
            self._shared: dict[tuple[str, str], Bucket] = {}
            # When each bucket may have emptied, the first on top; one entry a bucket.
            self._ends: list[tuple[int, Name]] = []

    def decide(self, charges: Sequence[Charge], *, peek: bool = False) -> list[Decision]:
        """Charge every bucket if all have room, else none; to *peek* is to charge nothing."""
        with self._lock:
            now_us = round(self.clock() * MICROSECONDS)
            self._sweep(now_us, at_most=2 * len(charges))
            buckets = [self._bucket(charge, now_us, peek=peek) for charge in charges]
            return decide(charges, buckets, now_us, peek=peek)[1]

    def forget(self, charges: Sequence[Charge]) -> int:
        """Empty the buckets; how many had counted something."""
        with self._lock:
            known = {charge.name: charge for charge in charges if charge.name in self._buckets}
            counted = sum(self._buckets[name].empties_at_us() > 0 for name in known)
            # They stay in the queue, and are dropped when their turn comes.
            self._buckets |= {name: bucket_of(charge.rate) for name, charge in known.items()}
            return counted

    def _bucket(self, charge: Charge, now_us: int, *, peek: bool) -> Bucket:
        bucket = self._buckets.get(charge.name) or self._newcomer(charge, now_us, peek=peek)
        bucket.advance(now_us, charge.rate.limit)
        return bucket

    def _newcomer(self, charge: Charge, now_us: int, *, peek: bool) -> Bucket:
        name, bucket = charge.name, bucket_of(charge.rate)
        if len(self._buckets) >= self.max_buckets:
            if not peek:
                count("throttle_overflow", rule=charge.rule)
            return self._shared.setdefault(name[:2], bucket)
        if not peek:
            self._buckets[name] = bucket
            # Swept with the next call's, unless this one charges it.
            heappush(self._ends, (now_us, name))
        return bucket

    def _sweep(self, now_us: int, *, at_most: int) -> None:
        """Drop buckets that have emptied; give the others their new place in the queue."""
        dropped = 0
        while dropped < at_most and self._ends and self._ends[0][0] <= now_us:
            name = self._ends[0][1]
            end_us = self._buckets[name].empties_at_us()
            if end_us > now_us:
                heapreplace(self._ends, (end_us, name))
            else:
                heappop(self._ends)
                del self._buckets[name]
                dropped += 1


#: This process's own, where there is neither Redis nor the database's limiter.
here = LocalLimiter()

#: What counts while Redis is out: it starts empty, and what it counted is not added to Redis.
stand_in = LocalLimiter()
