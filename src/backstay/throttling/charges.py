"""
What one request would take, and what was decided about it.

All charges of one request are decided in one step: each bucket is looked at, and
only where every one has room, every one is charged. So a refusal by one rule
costs nothing with the others, and the order of the charges means nothing. A bucket
that is named twice is charged once.
"""

from dataclasses import replace
from typing import NamedTuple

from backstay.throttling.rates import Rate


class Charge(NamedTuple):
    """
    One request taken from one bucket.

    ``rule`` comes from the code and names the limit in counters; ``bucket`` says
    whose it is. The limit is no part of a bucket's identity: whoever gets another
    one keeps what was counted.
    """

    rule: str
    bucket: str
    rate: Rate

    @property
    def name(self) -> tuple[str, str, str]:
        """What the bucket is called wherever it is kept."""
        return self.rule, self.rate.kind, self.bucket

    def shared_by(self, workers: int) -> "Charge":
        """One worker's part of this limit, where none knows what the others count."""
        limit = max(1, self.rate.limit // workers)
        return self._replace(rate=replace(self.rate, limit=limit))


class Decision(NamedTuple):
    """
    Whether one bucket had room.

    A retry after ``retry_after_seconds`` is let in by this bucket, unless others came
    first; 0 where it is let in now. After ``reset_after_seconds`` the bucket is as new.
    """

    charge: Charge
    allowed: bool
    remaining: int
    retry_after_seconds: float
    reset_after_seconds: float
