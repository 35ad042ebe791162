"""
Rates: how many requests in a window of how many seconds.

``"5/minute"`` is five in any sixty seconds, all at once if the caller likes.
``"100/hour smooth"`` is a hundred in any hour and spread over it: one every 36.6 s,
see ``backstay.throttling.pace``. ``"5/minute;100/hour"`` is both of two.

What cannot be read that way is refused, not guessed: DRF looks at the first letter of
the period only, so that its ``5/month`` is five a minute.

Rates of scopes are DRF's setting ``DEFAULT_THROTTLE_RATES``, read at each use.
"""

import re
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured
from rest_framework.settings import api_settings

from backstay.throttling.pace import interval_us

MAX_LIMIT = 1_000_000_000

#: Times are whole microseconds; of a shorter interval the rest would be a part that matters.
MAX_SMOOTH_PER_SECOND = 1_000

#: What holds for a scope that the project's rates do not name.
DEFAULT_RATES = {"login": "5/minute", "refresh": "60/minute", "auth_failure": "60/minute"}

_SECONDS = {
    **dict.fromkeys(("s", "sec", "second"), 1),
    **dict.fromkeys(("m", "min", "minute"), 60),
    **dict.fromkeys(("h", "hour"), 3_600),
    **dict.fromkeys(("d", "day"), 86_400),
}
_RATE = re.compile(r"([1-9][0-9]{0,9})/([a-z]+)( smooth)?")


@dataclass(frozen=True)
class Rate:
    """``limit`` requests in any ``window_seconds``, ``smooth``: not all at once."""

    limit: int
    window_seconds: int
    smooth: bool = False

    def __str__(self) -> str:
        """``"5 in 60 s"``, for people."""
        return f"{self.limit} in {self.window_seconds} s{' smooth' if self.smooth else ''}"

    @cached_property
    def kind(self) -> str:
        """What buckets of one window have in common, whatever the limit."""
        return f"{self.window_seconds}-smooth" if self.smooth else f"{self.window_seconds}"

    @cached_property
    def interval_us(self) -> int:
        """How far apart requests are; 0 where they need not be."""
        return interval_us(self.window_seconds, self.limit) if self.smooth else 0

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``"<count>/<second|minute|hour|day>"``, or that and ``" smooth"``.

        Raises:
            ImproperlyConfigured: any other form; ``"5/month"`` is not five a minute.

        >>> Rate.parse("600/min")
        Rate(limit=600, window_seconds=60, smooth=False)
        """
        match = _RATE.fullmatch(text)
        if match is None or match[2] not in _SECONDS or int(match[1]) > MAX_LIMIT:
            raise ImproperlyConfigured(
                f"{text!r} is no rate: expected a count from 1 to {MAX_LIMIT}, a slash, "
                'and second, minute, hour or day, such as "5/minute" or "100/hour smooth".'
            )
        rate = cls(int(match[1]), _SECONDS[match[2]], smooth=match[3] is not None)
        if rate.smooth and rate.limit > MAX_SMOOTH_PER_SECOND * rate.window_seconds:
            raise ImproperlyConfigured(
                f"{text!r} is too fast to be smooth: expected at most "
                f"{MAX_SMOOTH_PER_SECOND} a second."
            )
        return rate


@lru_cache(maxsize=256)
def parse_rates(text: str) -> tuple[Rate, ...]:
    """
    Read one rate, or several with ``;`` between them.

    Raises:
        ImproperlyConfigured: one of them is none, or two have the same window.

    >>> parse_rates("5/minute;100/hour") == (Rate(5, 60), Rate(100, 3600))
    True
    """
    rates = tuple(Rate.parse(part) for part in text.split(";"))
    if len({rate.window_seconds for rate in rates}) < len(rates):
        raise ImproperlyConfigured(f"{text!r} has two limits for one window.")
    return rates


def rates_of(scope: str) -> tuple[Rate, ...]:
    """
    The rates in force for *scope*; none where the project sets it to ``None``.

    Raises:
        ImproperlyConfigured: the scope has no rate, or one that cannot be read.
    """
    rates: dict[str, Any] = {**DEFAULT_RATES, **api_settings.DEFAULT_THROTTLE_RATES}
    if scope not in rates:
        raise ImproperlyConfigured(f"DEFAULT_THROTTLE_RATES has no rate for {scope!r}.")
    text = rates[scope]
    if text is None:
        return ()
    if not isinstance(text, str):
        raise ImproperlyConfigured(f"DEFAULT_THROTTLE_RATES[{scope!r}]: {text!r} is no text.")
    try:
        return parse_rates(text)
    except ImproperlyConfigured as error:
        raise ImproperlyConfigured(f"DEFAULT_THROTTLE_RATES[{scope!r}]: {error}") from None
