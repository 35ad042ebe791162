"""
Any sequence of arrivals, beside a log of what was let in, which forgets nothing.

A window: never more than the limit in any of it, and no refusal longer than a sixtieth of
it after the exact moment. A smooth rate: refused exactly while the calls of the log, an
interval apart, would reach beyond what may be early. All rules of a call or none; a retry
when the refusal says is let in, and none before.
"""

from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backstay.throttling import Charge
from backstay.throttling.pace import interval_us, tolerance_us
from tests.backstay.throttling.limiters import (
    Clock,
    InDatabaseLimiter,
    InProcessLimiter,
    RedisLimiter,
    charge_of,
)

pytestmark = [pytest.mark.T1, pytest.mark.T2]

PERIODS = st.sampled_from([60, 3_600])
NUMBERS = count()
SLOT_US = 1_000_000

#: Bursts, parts of a slot of a minute, whole slots, a minute but for an instant, and hours.
PAUSES = (
    st.sampled_from([0, 0, 1, SLOT_US - 1, SLOT_US, 59 * SLOT_US, 60 * SLOT_US - 1])
    | st.integers(0, 3 * SLOT_US)
    | st.integers(0, 62 * SLOT_US)
    | st.integers(0, 62 * 60 * SLOT_US)
)


class Log:
    """When each call of one bucket was let in, in microseconds."""

    def __init__(self, charge: Charge) -> None:
        self.charge = charge
        self.times: list[int] = []

    def allowed(self, now_us: int) -> set[bool]:
        """The answers that are right."""
        rate = self.charge.rate
        if rate.smooth:
            interval, calls = interval_us(rate.window_seconds, rate.limit), len(self.times)
            due = max((at + (calls - n) * interval for n, at in enumerate(self.times)), default=0)
            return {due <= now_us + tolerance_us(rate.window_seconds)}
        window_us = rate.window_seconds * 1_000_000
        ages = [now_us - at for at in self.times]
        full = sum(age < window_us for age in ages) >= rate.limit
        late = sum(60 * age < 61 * window_us for age in ages) >= rate.limit
        return {not full} if full == late else {True, False}

    def fullest(self) -> int:
        """The most that was let in within any window that ends with the last call."""
        window_us = self.charge.rate.window_seconds * 1_000_000
        return sum(self.times[-1] - at < window_us for at in self.times)


class Arrivals(RuleBasedStateMachine):
    """Calls to the limiter that *make* makes, under any of three rules and all of them."""

    def __init__(self, make: Callable[[Clock], Any]) -> None:
        super().__init__()
        self.clock = Clock()
        self.limiter = make(self.clock)
        self.refused: tuple[list[Log], float] | None = None

    @initialize(limit=st.integers(1, 6), smooth=st.sampled_from([1, 2, 3, 150]), seconds=PERIODS)
    def begin(self, limit: int, smooth: int, seconds: int) -> None:
        bucket = f"example {next(NUMBERS)}"
        self.logs = [
            Log(charge_of(limit, 60, rule="narrow", bucket=bucket)),
            Log(charge_of(2 * limit, seconds, rule="wide", bucket=bucket)),
            Log(charge_of(smooth, seconds, rule="smooth", bucket=bucket, smooth=True)),
        ]

    @rule(pause=PAUSES)
    def wait(self, pause: int) -> None:
        self.clock.now_us += pause
        self.refused = None

    @rule(which=st.sets(st.integers(0, 2), min_size=1), peek=st.booleans())
    def call(self, which: set[int], peek: bool) -> None:
        self.decide([self.logs[number] for number in which], peek=peek)

    @precondition(lambda self: self.refused is not None)
    @rule()
    def retry(self) -> None:
        assert self.refused is not None
        logs, wait_seconds = self.refused
        self.clock.advance(wait_seconds)
        self.clock.now_us -= 1
        assert not self.decide(logs)
        self.clock.now_us += 1
        assert self.decide(logs)

    def decide(self, logs: list[Log], *, peek: bool = False) -> bool:
        decisions = self.limiter.decide([log.charge for log in logs], peek=peek)
        for log, decision in zip(logs, decisions, strict=True):
            assert decision.allowed in log.allowed(self.clock.now_us)
        let_in = all(decision.allowed for decision in decisions)
        waits = [decision.retry_after_seconds for decision in decisions]
        self.refused = None if let_in else (logs, max(waits))
        if let_in and not peek:
            for log in logs:
                log.times.append(self.clock.now_us)
                assert log.fullest() <= log.charge.rate.limit
        return let_in


@pytest.mark.once
def test_in_process():
    run(InProcessLimiter, examples=100)


def test_redis(redis):
    run(RedisLimiter, examples=30)


def test_database(database):
    run(InDatabaseLimiter, examples=15)


@pytest.mark.long
@pytest.mark.parametrize("place", ["in process", "redis", "database"])
def test_for_long(request, place):
    makes = {"in process": InProcessLimiter, "redis": RedisLimiter, "database": InDatabaseLimiter}
    if place != "in process":
        request.getfixturevalue(place)
    run(makes[place], examples=400)


def run(make: Any, *, examples: int) -> None:
    machine: Any = lambda: Arrivals(make)  # noqa: E731  # Its type is that of a class.
    how = settings(
        max_examples=examples,
        stateful_step_count=50,
        deadline=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    run_state_machine_as_test(machine, settings=how)


class Keeping(InProcessLimiter):
    """Drops no bucket that has emptied: it would be missed once the clock is set back."""

    def _sweep(self, now_us: int, *, at_most: int) -> None:
        pass


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
