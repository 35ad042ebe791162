"""Periods of equal length, numbered from 1970 on in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ImproperlyConfigured

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Every:
    """
    Each ``interval``, ``offset`` after its beginning.

    Raises:
        ImproperlyConfigured: an interval of no length, which no clock ever gets through.

    >>> nightly = Every(timedelta(days=1), timedelta(hours=3))
    >>> nightly.begin(nightly.number(datetime(2026, 6, 2, 2, 59, tzinfo=UTC))).isoformat()
    '2026-06-01T03:00:00+00:00'
    """

    interval: timedelta
    offset: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.interval <= timedelta(0):
            raise ImproperlyConfigured(f"The interval {self.interval} is not longer than nothing.")

    def number(self, now: datetime) -> int:
        """The number of the period that *now* is in."""
        return (now - self.offset - EPOCH) // self.interval

    def begin(self, number: int) -> datetime:
        return EPOCH + number * self.interval + self.offset
