"""What a smooth rate is, with every limiter, by a clock of the test's own."""

import pytest

from backstay.throttling import Rate
from backstay.throttling.pace import interval_us, tolerance_us
from tests.backstay.throttling.limiters import (
    HELD_MS,
    InDatabaseLimiter,
    InProcessLimiter,
    RedisLimiter,
    accepts,
    charge_of,
)

HOUR = 3_600
MICROSECOND = 1e-6

RATES = [(1, 1), (5, 60), (100, HOUR), (5_000, HOUR), (1_000, 1), (86_400, 86_400)]


def smooth(limit=100, seconds=HOUR, **others):
    return charge_of(limit, seconds, smooth=True, **others)


@pytest.mark.once
@pytest.mark.T1
@pytest.mark.parametrize(("limit", "seconds"), RATES)
def test_intervals_up_to_the_limit_are_no_shorter_than_the_window_and_what_may_be_early(
    limit, seconds
):
    window_us, early_us = seconds * 1_000_000, tolerance_us(seconds)
    shortest_us = limit * interval_us(seconds, limit) - early_us
    assert window_us <= shortest_us < window_us + limit
    assert early_us <= window_us / 60


@pytest.fixture(params=[pytest.param("in process", marks=pytest.mark.once), "redis", "database"])
def limiter(request, clock):
    kinds = {"redis": RedisLimiter, "database": InDatabaseLimiter}
    if request.param in kinds:
        request.getfixturevalue(request.param)
    return kinds.get(request.param, InProcessLimiter)(clock)


class TestSmooth:
    @pytest.mark.T1
    @pytest.mark.parametrize(("limit", "at_once"), [(1, 1), (60, 1), (61, 2), (100, 2), (610, 11)])
    def test_a_sixtieth_of_the_limit_and_one_more_are_let_in_at_once(self, limiter, limit, at_once):
        decisions = [limiter.decide([smooth(limit)])[0] for _ in range(at_once + 3)]
        assert [decision.allowed for decision in decisions] == [True] * at_once + [False] * 3
        assert [decision.remaining for decision in decisions[:at_once]] == [*range(at_once)][::-1]

    @pytest.mark.T1
    @pytest.mark.parametrize(("limit", "seconds"), RATES)
    def test_after_those_one_is_let_in_an_interval_later_and_not_a_microsecond_before(
        self, limiter, clock, limit, seconds
    ):
        charge = smooth(limit, seconds)
        while accepts(limiter, charge):
            pass
        for number in range(5):
            [refused] = limiter.decide([charge])
            wait_us = round(refused.retry_after_seconds * 1e6)
            assert wait_us <= interval_us(seconds, limit)
            assert number == 0 or wait_us == interval_us(seconds, limit)
            clock.now_us += wait_us - 1
            assert not accepts(limiter, charge)
            clock.now_us += 1
            assert accepts(limiter, charge)

    @pytest.mark.T1
    @pytest.mark.parametrize(("limit", "seconds"), [(5, 60), (100, HOUR), (50, 1)])
    def test_who_asks_all_the_time_gets_the_limit_and_no_more_in_any_window(
        self, limiter, clock, limit, seconds
    ):
        charge = smooth(limit, seconds)
        accepted: list[int] = []
        while len(accepted) < 2 * limit + 5:
            [decision] = limiter.decide([charge])
            if decision.allowed:
                accepted.append(clock.now_us)
            clock.advance(decision.retry_after_seconds)
        spans = [later - first for first, later in zip(accepted, accepted[limit:], strict=False)]
        assert min(spans) >= seconds * 1_000_000
        assert min(spans) < seconds * 1_000_000 + limit + interval_us(seconds, limit)

    @pytest.mark.T2
    def test_who_comes_evenly_but_for_a_sixtieth_of_the_window_is_never_refused(
        self, limiter, clock
    ):
        charge, begin_us = smooth(100), clock.now_us
        for number in range(60):
            late_us = tolerance_us(HOUR) * (number * 7 % 11) // 10
            clock.now_us = begin_us + number * interval_us(HOUR, 100) + late_us
            assert accepts(limiter, charge)

    @pytest.mark.T2
    def test_the_wait_of_a_refused_caller_goes_down(self, limiter, clock):
        charge = smooth(10)
        assert accepts(limiter, charge)
        waits = []
        for _ in range(5):
            waits.append(limiter.decide([charge])[0].retry_after_seconds)
            clock.advance(10)
        assert waits == pytest.approx([306, 296, 286, 276, 266])

    @pytest.mark.T2
    def test_after_the_reset_the_bucket_is_as_new(self, limiter, clock):
        charge = smooth(610)
        for _ in range(11):
            [decision] = limiter.decide([charge])
        assert decision.reset_after_seconds == pytest.approx(66)
        clock.advance(decision.reset_after_seconds)
        assert limiter.decide([charge])[0].remaining == 10

    @pytest.mark.T2
    @pytest.mark.parametrize("order", [1, -1])
    def test_a_refusal_by_a_smooth_rate_charges_no_other_and_none_charges_it(self, limiter, order):
        charges = [smooth(60, rule="even"), charge_of(2, rule="window")]
        assert accepts(limiter, *charges)
        decisions = limiter.decide(charges[::order])[::order]
        assert [(d.allowed, d.remaining) for d in decisions] == [(False, 0), (True, 1)]
        assert accepts(limiter, charges[1])
        other = smooth(60, rule="even", bucket="other")
        decisions = limiter.decide([other, charges[1]][::order])[::order]
        assert [(d.allowed, d.remaining) for d in decisions] == [(True, 1), (False, 0)]
        assert accepts(limiter, other)

    def test_a_bucket_that_is_named_twice_is_charged_once(self, limiter):
        charge = smooth(100)
        assert [accepts(limiter, charge, charge) for _ in range(3)] == [True, True, False]

    @pytest.mark.T5
    def test_a_clock_set_back_an_hour_locks_out_for_one_interval_and_lets_no_more_in(
        self, limiter, clock
    ):
        charge = smooth(10)
        assert accepts(limiter, charge)
        clock.advance(-HOUR)
        waits = []
        for _ in range(4):
            waits.append(limiter.decide([charge])[0].retry_after_seconds)
            clock.advance(90)
        assert waits == pytest.approx([366, 276, 186, 96])
        clock.advance(6)
        assert [accepts(limiter, charge) for _ in range(2)] == [True, False]

    @pytest.mark.T5
    def test_a_clock_set_forward_locks_nobody_out(self, limiter, clock):
        charge = smooth(10)
        assert [accepts(limiter, charge) for _ in range(2)] == [True, False]
        clock.advance(HOUR)
        assert [accepts(limiter, charge) for _ in range(2)] == [True, False]

    @pytest.mark.T5
    def test_a_changed_limit_holds_from_the_next_request(self, limiter, clock):
        assert accepts(limiter, smooth(1))
        [raised] = limiter.decide([smooth(100)])
        assert raised.retry_after_seconds == pytest.approx(36.6)
        clock.advance(36.6)
        assert accepts(limiter, smooth(100))

    @pytest.mark.T5
    def test_it_counts_apart_from_a_rate_that_is_not_smooth(self, limiter):
        assert accepts(limiter, smooth(1))
        assert accepts(limiter, charge_of(1, HOUR))
        assert not accepts(limiter, smooth(1))
        assert not accepts(limiter, charge_of(1, HOUR))


@pytest.mark.T1
@pytest.mark.usefixtures("redis")
class TestSmoothOnRedis:
    def test_the_state_is_one_number_that_goes_when_the_bucket_is_as_new(self, clock):
        limiter = RedisLimiter(clock)
        limiter.decide([smooth(10)])
        key = "backstay:throttle:rule:3600-smooth:bucket"
        assert int(limiter.call("GET", key)) == clock.now_us + 366_000_000
        assert 360_000 < limiter.call("PTTL", key) - HELD_MS <= 366_000

    def test_a_request_costs_two_commands_beside_the_time(self, clock):
        limiter = RedisLimiter(clock)
        for _ in range(100):
            limiter.decide([smooth(1_000, 1)])
            clock.advance(0.0011)
        assert limiter.commands() <= 200


@pytest.mark.once
@pytest.mark.T1
def test_the_state_in_process_is_one_number(clock):
    limiter = InProcessLimiter(clock)
    limiter.decide([smooth(10)])
    assert limiter.size(smooth(10)) == 1
    assert smooth(10).rate == Rate.parse("10/hour smooth")
