"""
Any sequence of arrivals, beside an exact log of what was let in.

Never more than the limit in any window; never refused longer than a sixtieth of the
window after the exact moment.
"""

from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.backstay.throttling.limiters import (
    Clock,
    InDatabaseLimiter,
    InProcessLimiter,
    RedisLimiter,
    accepts,
    charge_of,
)

pytestmark = [pytest.mark.T1, pytest.mark.T2]

PERIODS = st.sampled_from([60, 3_600])
NUMBERS = count()


def gaps(seconds):
    """Pauses in microseconds: bursts, parts of a slot, whole slots, a window but for an instant."""
    slot_us = seconds * 1_000_000 // 60
    return st.lists(
        st.sampled_from([0, 0, 1, slot_us - 1, slot_us, 59 * slot_us, 60 * slot_us - 1])
        | st.integers(0, 3 * slot_us)
        | st.integers(0, 62 * slot_us),
        max_size=60,
    )


class Keeping(InProcessLimiter):
    """Drops no bucket that has emptied: it would be missed once the clock is set back."""

    def _sweep(self, now_us: int, *, at_most: int) -> None:
        pass


ARRIVALS = PERIODS.flatmap(lambda seconds: st.tuples(st.just(seconds), gaps(seconds)))


def check(limiter, clock, limit, seconds, pauses):
    charge = charge_of(limit, seconds, bucket=f"example {next(NUMBERS)}")
    window_us = seconds * 1_000_000
    log: list[int] = []
    for pause in pauses:
        clock.now_us += pause
        ages = [clock.now_us - accepted for accepted in log]
        if accepts(limiter, charge):
            assert sum(age < window_us for age in ages) < limit
            log.append(clock.now_us)
        else:
            assert sum(60 * age < 61 * window_us for age in ages) >= limit


@pytest.mark.once
@given(limit=st.integers(1, 8), arrivals=ARRIVALS)
@settings(max_examples=300)
def test_in_process(limit, arrivals):
    clock = Clock()
    check(InProcessLimiter(clock), clock, limit, *arrivals)


@given(limit=st.integers(1, 8), arrivals=ARRIVALS)
@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_redis(redis, limit, arrivals):
    clock = Clock()
    check(RedisLimiter(clock), clock, limit, *arrivals)


@given(limit=st.integers(1, 8), arrivals=ARRIVALS)
@settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_database(database, limit, arrivals):
    clock = Clock()
    check(InDatabaseLimiter(clock), clock, limit, *arrivals)


@given(
    limit=st.integers(1, 8),
    pauses=st.lists(
        st.integers(-120_000_000, 120_000_000) | st.integers(0, 2_000_000), max_size=60
    ),
)
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@pytest.mark.parametrize("place", ["redis", "database"])
def test_wherever_it_is_counted_is_decided_alike_also_when_the_clock_is_set(
    request, place, limit, pauses
):
    request.getfixturevalue(place)
    clock = Clock()
    process = Keeping(clock)
    shared = RedisLimiter(clock) if place == "redis" else InDatabaseLimiter(clock)
    bucket = f"example {next(NUMBERS)}"
    charges = [
        charge_of(limit, bucket=bucket),
        charge_of(2 * limit, 3_600, bucket=bucket),
        charge_of(2 * limit + 3, 1, bucket=bucket),
        charge_of(20 * limit, 60, bucket=bucket, smooth=True),
        charge_of(300 * limit, 60, bucket=f"{bucket}, too", smooth=True),
    ]
    for pause in pauses:
        # A refusal leaves the database's row as it was: what had expired there counts again
        # once the clock is set back, so only a clock that goes on makes them alike.
        clock.now_us += abs(pause) if place == "database" else pause
        for some in (charges[:3], charges[3:], charges):
            assert process.decide(some) == shared.decide(some)
