"""
Limits of one process: for a project without Redis, and while Redis is out.

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
from backstay.throttling.charges import Charge, Decision
from backstay.throttling.window import MICROSECONDS, Window

MAX_BUCKETS = 100_000

Name = tuple[str, int, str]


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
        return len(self._windows)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._windows: dict[Name, Window] = {}
            self._shared: dict[tuple[str, int], Window] = {}
            # When each bucket may have emptied, the first on top; one entry a bucket.
            self._ends: list[tuple[int, Name]] = []

    def decide(self, charges: Sequence[Charge]) -> list[Decision]:
        """Charge every bucket if all have room, else none."""
        with self._lock:
            now_us = round(self.clock() * MICROSECONDS)
            self._sweep(now_us, at_most=2 * len(charges))
            windows = [self._window(charge, now_us) for charge in charges]
            admitted = [
                window.total < charge.rate.limit
                for window, charge in zip(windows, charges, strict=True)
            ]
            if all(admitted):
                for window in {id(window): window for window in windows}.values():
                    window.take(now_us)
            return [
                _decision(*case, now_us) for case in zip(charges, windows, admitted, strict=True)
            ]

    def _window(self, charge: Charge, now_us: int) -> Window:
        seconds = charge.rate.window_seconds
        name = (charge.rule, seconds, charge.bucket)
        window = self._windows.get(name)
        if window is None and len(self._windows) < self.max_buckets:
            window = self._windows[name] = Window(seconds)
            # Swept with the next call's, unless this one charges it.
            heappush(self._ends, (now_us, name))
        elif window is None:
            count("throttle_overflow", rule=charge.rule)
            window = self._shared.setdefault((charge.rule, seconds), Window(seconds))
        window.advance(now_us)
        return window

    def _sweep(self, now_us: int, *, at_most: int) -> None:
        """Drop buckets that have emptied; give the others their new place in the queue."""
        dropped = 0
        while dropped < at_most and self._ends and self._ends[0][0] <= now_us:
            name = self._ends[0][1]
            end_us = self._windows[name].empties_at_us()
            if end_us > now_us:
                heapreplace(self._ends, (end_us, name))
            else:
                heappop(self._ends)
                del self._windows[name]
                dropped += 1


def _decision(charge: Charge, window: Window, allowed: bool, now_us: int) -> Decision:
    limit = charge.rate.limit
    wait_us = 0 if allowed else window.frees_at_us(limit) - now_us
    return Decision(
        charge,
        allowed,
        remaining=max(0, limit - window.total),
        retry_after_seconds=wait_us / MICROSECONDS,
        reset_after_seconds=max(0, window.empties_at_us() - now_us) / MICROSECONDS,
    )


#: This process's own, where there is no Redis.
here = LocalLimiter()

#: What counts while Redis is out: it starts empty, and what it counted is not added to Redis.
stand_in = LocalLimiter()
