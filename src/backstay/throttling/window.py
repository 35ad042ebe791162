"""
The conservative sliding window: never more than the limit in any window, in bounded space.

Time is cut into slots, ``PARTS`` to a window, and one count is kept per slot. A
request sees its own slot and the ``PARTS`` before it: as long as any instant of a
slot may be within the window, the whole slot counts. So whatever the window's place,
no more than the limit was accepted in it, and a refused caller gets in at most a
``PARTS``-th of the window after the exact moment.

A bucket is at most ``PARTS + 1`` counts. What it costs depends neither on the limit
nor on how long nobody came: a slot is added once and dropped once.

A clock that was set back leaves slots in the future. All that was counted is put
into the present one: nobody gets more than the limit, nobody waits longer than a
window. A clock that was set forward is time that has passed.
"""

from array import array
from bisect import bisect_left
from itertools import accumulate
from struct import pack, unpack

PARTS = 60

MICROSECONDS = 1_000_000


def slot_at(now_us: int, window_seconds: int) -> int:
    """The number of the slot that the instant is in."""
    return now_us * PARTS // (window_seconds * MICROSECONDS)


def end_us(slot: int, window_seconds: int) -> int:
    """The first microsecond at which *slot* no longer counts."""
    return -(-(slot + PARTS + 1) * window_seconds * MICROSECONDS // PARTS)


class Window:
    """One bucket. ``advance`` to the present before anything else is asked or done."""

    __slots__ = ("_counts", "_slots", "total", "window_seconds")

    def __init__(self, window_seconds: int, state: bytes = b"") -> None:
        self.window_seconds = window_seconds
        # Machine integers, oldest first: a full bucket is about a kilobyte.
        numbers = array("q", unpack(f"<{len(state) // 8}q", state))
        half = len(numbers) // 2
        self._slots, self._counts = numbers[:half], numbers[half:]
        self.total = sum(self._counts)

    def advance(self, now_us: int, limit: int) -> bool:
        present = slot_at(now_us, self.window_seconds)
        set_back = bool(self._slots) and self._slots[-1] > present
        if set_back:
            self._slots, self._counts = array("q", [present]), array("q", [self.total])
        expired = bisect_left(self._slots, present - PARTS)
        self.total -= sum(self._counts[:expired])
        del self._slots[:expired], self._counts[:expired]
        return set_back

    def remaining(self, now_us: int, limit: int) -> int:
        return max(0, limit - self.total)

    def take(self, now_us: int, limit: int) -> None:
        present = slot_at(now_us, self.window_seconds)
        if not self._slots or self._slots[-1] < present:
            self._slots.append(present)
            self._counts.append(0)
        self._counts[-1] += 1
        self.total += 1

    def frees_at_us(self, limit: int) -> int:
        """When one more fits; *limit* is used up now."""
        excess = self.total - limit + 1
        place = bisect_left(list(accumulate(self._counts)), excess)
        return end_us(self._slots[place], self.window_seconds)

    def empties_at_us(self) -> int:
        """When nothing is left of what was counted so far; 0 where nothing is."""
        return end_us(self._slots[-1], self.window_seconds) if self._slots else 0

    def dump(self) -> bytes:
        return pack(f"<{2 * len(self._slots)}q", *self._slots, *self._counts)
