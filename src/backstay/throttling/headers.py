"""
What an answer tells about the caller's budgets.

    RateLimit-Policy: "anon";q=60;w=3600
    RateLimit: "anon";r=59;t=1800

``q`` is the limit in any ``w`` seconds, ``r`` how many requests would be let in now, and
after ``t`` seconds without one it is ``q`` again. ``Retry-After`` on a 429 is the sooner:
when one more gets in. A rule with several windows has a name for each (``login-minute``,
``login-hour``). Of several buckets under one name, the address and the account for one,
the one with less left is told.

Sources: draft-ietf-httpapi-ratelimit-headers-10, which is a draft; RFC 9651 (structured
fields). ``X-RateLimit-*`` has no specification; here, as with GitHub, its ``Reset`` is in
seconds since 1970.
"""

import time
from collections import Counter
from collections.abc import Sequence
from math import ceil

from backstay.throttling.charges import Decision
from backstay.throttling.rates import Rate

_PERIODS = {1: "second", 60: "minute", 3_600: "hour", 86_400: "day"}


def fields(decisions: Sequence[Decision]) -> dict[str, str]:
    """The header fields that tell of *decisions*; none where nothing was decided."""
    told = named(decisions)
    if not told:
        return {}
    return {
        "RateLimit-Policy": ", ".join(
            f"{_string(name)};q={one.charge.rate.limit};w={one.charge.rate.window_seconds}"
            for name, one in told.items()
        ),
        "RateLimit": ", ".join(
            f"{_string(name)};r={one.remaining};t={ceil(one.reset_after_seconds)}"
            for name, one in told.items()
        ),
    }


def legacy_fields(decisions: Sequence[Decision]) -> dict[str, str]:
    """``X-RateLimit-*`` of the budget that has the least left."""
    if not decisions:
        return {}
    least = min(decisions, key=_left)
    return {
        "X-RateLimit-Limit": str(least.charge.rate.limit),
        "X-RateLimit-Remaining": str(least.remaining),
        "X-RateLimit-Reset": str(ceil(time.time() + least.reset_after_seconds)),
    }


def named(decisions: Sequence[Decision]) -> dict[str, Decision]:
    """The tightest decision of each rule and window, by the name it is told under."""
    tightest: dict[tuple[str, Rate], Decision] = {}
    for decision in decisions:
        place = (decision.charge.rule, decision.charge.rate)
        if place not in tightest or _left(decision) < _left(tightest[place]):
            tightest[place] = decision
    rates_of_rule = Counter(rule for rule, _ in tightest)
    names: dict[str, Decision] = {}
    for (rule, rate), decision in tightest.items():
        name = rule if rates_of_rule[rule] == 1 else f"{rule}-{_PERIODS[rate.window_seconds]}"
        # Two limits for one window come of two throttles with one scope.
        names[name if name not in names else f"{name}-{rate.limit}"] = decision
    return names


def _left(decision: Decision) -> tuple[int, float]:
    return decision.remaining, -decision.reset_after_seconds


def _string(text: str) -> str:
    """A String of RFC 9651 section 3.3.3, which is ASCII."""
    ascii_text = text.encode("ascii", "backslashreplace").decode()
    printable = "".join(character for character in ascii_text if character.isprintable())
    escaped = printable.replace("\\", r"\\").replace('"', r"\"")
    return f'"{escaped}"'
