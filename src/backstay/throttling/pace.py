"""
The smooth rate: requests spread over the window instead of all at once, from one number.

The generic cell rate algorithm, as virtual scheduling: the state is the time at which
the next request is due. One that comes up to a ``PARTS``-th of the window early is let
in, and moves that time by an interval; one that comes earlier is refused. So a caller
whose requests do not arrive quite as evenly as they were sent is not refused, and may
after a pause send a ``PARTS``-th of the limit at once, and one more.

The interval is long enough that never more than the limit gets in, in any window:
``limit`` intervals are the window and the time that one may be early. Who asks without
a pause so gets the limit in every 61/60 of the window, as with the sliding window.

A clock that was set back leaves a time that no request can have led to. It is put where
a caller who used up everything would have it: nobody gets more than the limit, and the
next one fits after one interval. The same where the limit was changed: what was let in
before is not kept, only when the next one is due.

Source: ITU-T I.371, annex A (the tolerance is its CDVT).
"""

from struct import Struct

from backstay.throttling.window import MICROSECONDS, PARTS

_STATE = Struct("<q")


def tolerance_us(window_seconds: int) -> int:
    """How early a request may come."""
    return window_seconds * MICROSECONDS // PARTS


def interval_us(window_seconds: int, limit: int) -> int:
    """How far one request moves the time at which the next is due."""
    return -(-(window_seconds * MICROSECONDS + tolerance_us(window_seconds)) // limit)


class Pace:
    """One bucket. ``advance`` to the present before anything else is asked or done."""

    __slots__ = ("due_us", "window_seconds")

    def __init__(self, window_seconds: int, state: bytes = b"") -> None:
        self.window_seconds = window_seconds
        self.due_us: int = _STATE.unpack(state)[0] if state else 0

    def advance(self, now_us: int, limit: int) -> bool:
        latest_us = now_us + tolerance_us(self.window_seconds) + self._interval_us(limit)
        set_back = self.due_us > latest_us
        if set_back:
            self.due_us = latest_us
        return set_back

    def remaining(self, now_us: int, limit: int) -> int:
        spare_us = now_us + tolerance_us(self.window_seconds) - max(self.due_us, now_us)
        return 0 if spare_us < 0 else spare_us // self._interval_us(limit) + 1

    def take(self, now_us: int, limit: int) -> None:
        self.due_us = max(self.due_us, now_us) + self._interval_us(limit)

    def frees_at_us(self, limit: int) -> int:
        """When one more fits; none does now."""
        return self.due_us - tolerance_us(self.window_seconds)

    def empties_at_us(self) -> int:
        """When no more of what was counted so far makes a difference; 0 where nothing was."""
        return self.due_us

    def dump(self) -> bytes:
        return _STATE.pack(self.due_us)

    def _interval_us(self, limit: int) -> int:
        return interval_us(self.window_seconds, limit)
