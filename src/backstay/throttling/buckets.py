"""
What was counted for one caller, and the one step that decides on several.

No clock, no lock and no place to keep anything: whoever holds the buckets sees to
that, and gives the time. Redis does the same in Lua.
"""

from collections.abc import Sequence
from typing import Protocol

from backstay.throttling.charges import Charge, Decision
from backstay.throttling.pace import Pace
from backstay.throttling.rates import Rate
from backstay.throttling.window import MICROSECONDS, Window


class Bucket(Protocol):
    """The state of one algorithm. ``advance`` before anything else is asked or done."""

    window_seconds: int

    def advance(self, now_us: int, limit: int) -> bool:
        """Come to the present; whether the clock was set back, which is to be kept."""

    def remaining(self, now_us: int, limit: int) -> int:
        """How many fit now."""

    def take(self, now_us: int, limit: int) -> None:
        """Count one, which fits."""

    def frees_at_us(self, limit: int) -> int:
        """When one fits, as none does now."""

    def empties_at_us(self) -> int:
        """When the bucket is as new; in the past where it is."""

    def dump(self) -> bytes:
        """The state, to make the bucket again."""


class Limiter(Protocol):
    """Decides on all charges of a request in one step."""

    def decide(self, charges: Sequence[Charge], *, peek: bool = False) -> list[Decision]:
        """Charge every bucket if all have room, else none; to *peek* is to charge nothing."""

    def forget(self, charges: Sequence[Charge]) -> int:
        """Empty the buckets; how many had counted something."""


def bucket_of(rate: Rate, state: bytes = b"") -> Bucket:
    """The bucket with this *state*, or a new one."""
    kind = Pace if rate.smooth else Window
    return kind(rate.window_seconds, state)


def decide(
    charges: Sequence[Charge], buckets: Sequence[Bucket], now_us: int, *, peek: bool = False
) -> tuple[bool, list[Decision]]:
    """
    Charge every bucket if all have room, else none; to *peek* is to charge nothing.

    Whether it was done, and how each of them stands.
    """
    limits = [charge.rate.limit for charge in charges]
    cases = list(zip(buckets, limits, strict=True))
    allowed = [bucket.remaining(now_us, limit) > 0 for bucket, limit in cases]
    done = all(allowed) and not peek
    if done:
        # A bucket that is named twice is charged once.
        for bucket, limit in {id(bucket): (bucket, limit) for bucket, limit in cases}.values():
            bucket.take(now_us, limit)
    return done, [
        Decision(
            charge,
            fits,
            remaining=bucket.remaining(now_us, limit),
            retry_after_seconds=0 if fits else (bucket.frees_at_us(limit) - now_us) / MICROSECONDS,
            reset_after_seconds=max(0, bucket.empties_at_us() - now_us) / MICROSECONDS,
        )
        for charge, fits, (bucket, limit) in zip(charges, allowed, cases, strict=True)
    ]
