"""
Any sequence of what can happen to a bucket, beside a model that keeps everything.

The model knows when requests were let in, by a clock that nobody sets. Where the
limiter's clock was not set back either, it also tells exactly what is to be let in.
"""

from functools import partial
from itertools import count

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from tests.backstay.throttling.limiters import (
    Clock,
    InDatabaseLimiter,
    InProcessLimiter,
    RedisLimiter,
    charge_of,
)

LIMITERS = {"in process": InProcessLimiter, "redis": RedisLimiter, "database": InDatabaseLimiter}
NUMBERS = count()

#: The longest that a lone caller waits after the clock was set back.
WINDOWS_LOCKED_OUT = 61 / 60


class BucketMachine(RuleBasedStateMachine):
    """One bucket of one caller."""

    def __init__(self, kind, limit, seconds, *, smooth):
        super().__init__()
        self.clock = Clock()
        self.limiter = kind(self.clock)
        bucket = f"machine {next(NUMBERS)}"
        self.charge = charge_of(limit, seconds, bucket=bucket, smooth=smooth)
        self.limit, self.window_us = limit, seconds * 1_000_000
        #: Microseconds of the clock that nobody sets, and those of each request let in.
        self.real_us, self.log = 0, []
        #: Whether the clock was set back and nobody has asked since.
        self.stepped = False
        #: Until then its step may make somebody wait longer.
        self.disturbed_until_us = 0
        #: The first of the log that the model of a smooth rate looks at.
        self.begin = 0

    def wait(self, us):
        self.real_us += us
        self.clock.now_us += us

    def ask(self):
        [decision] = self.limiter.decide([self.charge])
        if self.stepped:
            self.stepped = False
            self.disturbed_until_us = self.real_us + self.window_us * 61 // 60 + 2
        since = [entry for entry in self.log if self.real_us - entry < self.window_us]
        if decision.allowed:
            assert len(since) < self.limit
        if self.real_us >= self.disturbed_until_us:
            self.compare(decision)
        else:
            assert decision.retry_after_seconds * 1e6 <= self.window_us * WINDOWS_LOCKED_OUT + 1
        if decision.allowed:
            self.log.append(self.real_us)
        return decision

    def compare(self, decision):
        raise NotImplementedError

    @rule(times=st.integers(1, 4))
    def call(self, times):
        for _ in range(times):
            self.ask()

    @rule(part=st.sampled_from([1 / 600, 1 / 61, 1 / 60, 1 / 7, 59 / 60, 1, 61 / 60]))
    def pause(self, part):
        self.wait(round(self.window_us * part))

    @rule(us=st.integers(0, 5_000_000))
    def pause_for_any_time(self, us):
        self.wait(us)

    @rule()
    def come_again_when_told(self):
        decision = self.ask()
        if not decision.allowed:
            self.wait(round(decision.retry_after_seconds * 1e6) - 1)
            assert not self.ask().allowed
            self.wait(1)
            assert self.ask().allowed

    @rule()
    def let_it_empty(self):
        decision = self.ask()
        self.wait(round(decision.reset_after_seconds * 1e6))
        self.disturbed_until_us = self.real_us
        assert self.ask().allowed

    @rule(us=st.sampled_from([1, 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000]))
    def set_the_clock_back(self, us):
        self.clock.now_us -= us
        self.stepped = True


class WindowMachine(BucketMachine):
    def compare(self, decision):
        ages = [self.real_us - entry for entry in self.log]
        if decision.allowed:
            assert decision.remaining <= self.limit - 1 - sum(age < self.window_us for age in ages)
        else:
            assert sum(60 * age < 61 * self.window_us for age in ages) >= self.limit


class SmoothMachine(BucketMachine):
    """The exact model: the latest of the times to which any request has moved the next."""

    def compare(self, decision):
        early_us = self.window_us // 60
        interval_us = -(-(self.window_us + early_us) // self.limit)
        reset_us = round(decision.reset_after_seconds * 1e6)
        if self.disturbed_until_us:
            if decision.allowed and reset_us == interval_us:
                # It was empty: nothing from before the clock's step counts any more.
                self.begin, self.disturbed_until_us = len(self.log), 0
            return
        log = self.log[self.begin :]
        ahead = [entry + (len(log) - n) * interval_us for n, entry in enumerate(log)]
        due_us = max([*ahead, self.real_us])
        wait_us = due_us - early_us - self.real_us
        assert decision.allowed == (wait_us <= 0)
        assert round(decision.retry_after_seconds * 1e6) == max(0, wait_us)
        taken_us = due_us + interval_us * decision.allowed - self.real_us
        assert reset_us == taken_us
        assert decision.remaining == max(0, (early_us - taken_us) // interval_us + 1)


@pytest.mark.T1
@pytest.mark.T2
@pytest.mark.T5
@pytest.mark.parametrize(
    "place", [pytest.param("in process", marks=pytest.mark.once), "redis", "database"]
)
@pytest.mark.parametrize(
    ("machine", "limit", "seconds", "smooth"),
    [
        (WindowMachine, 1, 60, False),
        (WindowMachine, 5, 60, False),
        (WindowMachine, 7, 1, False),
        (SmoothMachine, 1, 60, True),
        (SmoothMachine, 130, 60, True),
        (SmoothMachine, 7, 1, True),
    ],
)
def test_machine(request, place, machine, limit, seconds, smooth):
    if place != "in process":
        request.getfixturevalue(place)
    run_state_machine_as_test(
        partial(machine, LIMITERS[place], limit, seconds, smooth=smooth),  # type: ignore[arg-type]  # Called, as documented.
        settings=settings(
            max_examples=20 if place == "database" else 40,
            stateful_step_count=25,
            suppress_health_check=list(HealthCheck),
        ),
    )
