"""What every limiter does, by a clock of the test's own."""

import pytest

from backstay.counters import counted
from backstay.throttling.redis import LUA
from tests.backstay.throttling.limiters import (
    HELD_MS,
    SERVER_TIME,
    InDatabaseLimiter,
    InProcessLimiter,
    RedisLimiter,
    accepts,
    charge_of,
)

HOUR = 3_600
MICROSECOND = 1e-6


class LimiterContract:
    """Inherited by each limiter, with its fixture ``limiter``."""

    @pytest.mark.T1
    @pytest.mark.parametrize("limit", [1, 5, 200])
    def test_as_many_as_the_limit_are_let_in_at_once_and_no_more(self, limiter, limit):
        outcomes = [accepts(limiter, charge_of(limit)) for _ in range(limit + 3)]
        assert outcomes == [True] * limit + [False] * 3

    @pytest.mark.T1
    def test_the_budget_counts_down(self, limiter):
        decisions = [limiter.decide([charge_of(3)])[0] for _ in range(4)]
        assert [decision.remaining for decision in decisions] == [2, 1, 0, 0]
        assert [decision.retry_after_seconds == 0 for decision in decisions] == [1, 1, 1, 0]

    @pytest.mark.T2
    def test_the_wait_of_a_refused_caller_goes_down_and_a_retry_then_is_let_in(
        self, limiter, clock
    ):
        charge = charge_of(2)
        assert accepts(limiter, charge)
        assert accepts(limiter, charge)
        [first] = limiter.decide([charge])
        for _ in range(10):
            clock.advance(1)
            [again] = limiter.decide([charge])
            assert not again.allowed
        assert again.retry_after_seconds == pytest.approx(first.retry_after_seconds - 10)
        assert 60 < first.retry_after_seconds <= 61
        clock.advance(again.retry_after_seconds - MICROSECOND)
        assert not accepts(limiter, charge)
        clock.advance(MICROSECOND)
        assert accepts(limiter, charge)

    @pytest.mark.T2
    @pytest.mark.parametrize("seconds", [1, 60, 3_600, 86_400])
    def test_a_retry_one_microsecond_before_its_time_is_refused(self, limiter, clock, seconds):
        charge = charge_of(1, seconds)
        for _ in range(20):
            assert accepts(limiter, charge)
            clock.advance(seconds / 7)
            wait = limiter.decide([charge])[0].retry_after_seconds
            clock.advance(wait - MICROSECOND)
            assert not accepts(limiter, charge)
            clock.advance(MICROSECOND)

    @pytest.mark.T1
    @pytest.mark.T2
    @pytest.mark.parametrize("seconds", [1, 60, 3_600, 86_400])
    @pytest.mark.parametrize("part_of_a_slot", [0, 0.1, 0.5, 0.9, 0.999])
    def test_a_place_is_taken_for_the_whole_window_and_at_most_a_sixtieth_longer(
        self, limiter, clock, seconds, part_of_a_slot
    ):
        charge, slot = charge_of(1, seconds), seconds / 60
        # The beginning of a slot: this instant is the beginning of a day.
        clock.now_us = 20_000 * 86_400 * 1_000_000
        clock.advance(part_of_a_slot * slot)
        assert accepts(limiter, charge)
        clock.advance(seconds - MICROSECOND)
        assert not accepts(limiter, charge)
        clock.advance(slot + 2 * MICROSECOND)
        assert accepts(limiter, charge)

    @pytest.mark.T2
    def test_after_the_reset_the_bucket_is_as_new(self, limiter, clock):
        charge = charge_of(5)
        limiter.decide([charge])
        clock.advance(30)
        [decision] = limiter.decide([charge])
        assert 60 < decision.reset_after_seconds <= 61
        clock.advance(decision.reset_after_seconds)
        assert limiter.decide([charge])[0].remaining == 4

    @pytest.mark.T2
    @pytest.mark.parametrize("order", [1, -1])
    def test_a_refusal_by_one_rule_charges_no_other(self, limiter, order):
        narrow, wide = charge_of(1, rule="narrow"), charge_of(3, rule="wide")
        assert accepts(limiter, narrow)
        for _ in range(9):
            decisions = limiter.decide([narrow, wide][::order])[::order]
            assert [decision.allowed for decision in decisions] == [False, True]
            assert [decision.remaining for decision in decisions] == [0, 3]
        assert [accepts(limiter, wide) for _ in range(4)] == [True, True, True, False]

    @pytest.mark.T2
    def test_every_rule_that_refuses_says_so(self, limiter):
        charges = [charge_of(1, rule="one"), charge_of(1, HOUR, rule="two")]
        assert accepts(limiter, *charges)
        assert [d.allowed for d in limiter.decide(charges)] == [False, False]

    @pytest.mark.T5
    def test_several_windows_of_one_rule_all_hold(self, limiter, clock):
        charges = [charge_of(2), charge_of(3, HOUR)]
        assert [accepts(limiter, *charges) for _ in range(3)] == [True, True, False]
        clock.advance(61)
        assert [accepts(limiter, *charges) for _ in range(2)] == [True, False]
        clock.advance(61)
        assert [d.allowed for d in limiter.decide(charges)] == [True, False]

    @pytest.mark.T2
    @pytest.mark.parametrize("smooth", [False, True])
    def test_to_peek_charges_nothing_and_tells_how_each_bucket_stands(self, limiter, smooth):
        full = charge_of(1, rule="full", smooth=smooth)
        free = charge_of(122, rule="free", smooth=smooth)
        assert accepts(limiter, full)
        before = limiter.decide([full, free])
        for _ in range(3):
            assert limiter.decide([full, free], peek=True) == before
            assert limiter.decide([free], peek=True) == before[1:]
        assert [decision.allowed for decision in before] == [False, True]
        assert before[1].remaining == (3 if smooth else 122)
        assert limiter.decide([free])[0].remaining == before[1].remaining - 1

    @pytest.mark.T5
    @pytest.mark.parametrize("smooth", [False, True])
    def test_what_is_forgotten_is_as_new_and_nothing_else_is(self, limiter, clock, smooth):
        one, other, new = (charge_of(1, bucket=name, smooth=smooth) for name in "abc")
        assert accepts(limiter, one, other)
        assert limiter.forget([one, one, new]) == 1
        assert accepts(limiter, one)
        assert not accepts(limiter, other)
        clock.advance(61)
        assert accepts(limiter, one, other)

    def test_a_bucket_that_is_named_twice_is_charged_once(self, limiter):
        charge = charge_of(3)
        assert [accepts(limiter, charge, charge) for _ in range(4)] == [True, True, True, False]

    @pytest.mark.T5
    def test_a_lower_limit_keeps_what_was_counted_and_tells_when_one_fits(self, limiter, clock):
        for _ in range(6):
            assert accepts(limiter, charge_of(6))
            clock.advance(5)
        lowered = charge_of(2)
        [decision] = limiter.decide([lowered])
        assert (decision.allowed, decision.remaining) == (False, 0)
        clock.advance(decision.retry_after_seconds - MICROSECOND)
        assert not accepts(limiter, lowered)
        clock.advance(MICROSECOND)
        assert accepts(limiter, lowered)
        assert not accepts(limiter, lowered)

    @pytest.mark.T5
    def test_a_higher_limit_does_not_refill(self, limiter):
        assert [accepts(limiter, charge_of(2)) for _ in range(3)] == [True, True, False]
        assert [accepts(limiter, charge_of(3)) for _ in range(2)] == [True, False]

    @pytest.mark.T5
    def test_a_clock_set_back_an_hour_locks_out_for_one_window_and_lets_no_more_in(
        self, limiter, clock
    ):
        charge = charge_of(2)
        assert accepts(limiter, charge)
        clock.advance(30)
        assert accepts(limiter, charge)
        clock.advance(-HOUR)
        [decision] = limiter.decide([charge])
        assert not decision.allowed
        assert 60 < decision.retry_after_seconds <= 61
        for _ in range(6):
            clock.advance(10)
            assert not accepts(limiter, charge)
        clock.advance(decision.retry_after_seconds - 60)
        assert [accepts(limiter, charge) for _ in range(3)] == [True, True, False]

    @pytest.mark.T5
    def test_a_clock_set_forward_an_hour_locks_nobody_out(self, limiter, clock):
        charge = charge_of(2)
        assert [accepts(limiter, charge) for _ in range(3)] == [True, True, False]
        clock.advance(HOUR)
        assert [accepts(limiter, charge) for _ in range(3)] == [True, True, False]
        clock.advance(-HOUR)
        assert limiter.decide([charge])[0].retry_after_seconds <= 61

    @pytest.mark.T5
    def test_other_buckets_push_none_out(self, limiter):
        charge = charge_of(1)
        assert accepts(limiter, charge)
        for number in range(1_000):
            assert accepts(limiter, charge_of(1, bucket=f"other {number}"))
        assert not accepts(limiter, charge)

    @pytest.mark.T5
    def test_buckets_of_different_rules_windows_and_callers_are_apart(self, limiter):
        assert accepts(limiter, charge_of(1))
        assert accepts(limiter, charge_of(1, rule="other"))
        assert accepts(limiter, charge_of(1, bucket="other"))
        assert accepts(limiter, charge_of(1, HOUR))

    @pytest.mark.T1
    def test_a_bucket_holds_two_numbers_a_slot_and_no_more_slots_than_the_window_has(
        self, limiter, clock
    ):
        charge = charge_of(1_000_000)
        sizes = []
        for _ in range(400):
            for _ in range(2):
                limiter.decide([charge])
            sizes.append(limiter.size(charge))
            clock.advance(0.97)
        assert max(sizes) <= 2 * 61
        clock.advance(59)
        limiter.decide([charge])
        assert limiter.size(charge) <= 8


@pytest.mark.once
class TestInProcess(LimiterContract):
    @pytest.fixture
    def limiter(self, clock):
        return InProcessLimiter(clock)

    @pytest.mark.T5
    def test_buckets_that_have_emptied_are_dropped_as_others_come(self, limiter, clock):
        for number in range(1_000):
            limiter.decide([charge_of(5, bucket=f"early {number}")])
        clock.advance(61)
        for number in range(500):
            limiter.decide([charge_of(5, bucket=f"late {number}")])
        assert len(limiter) == 500

    @pytest.mark.T5
    def test_refused_newcomers_leave_nothing(self, limiter, clock):
        full = charge_of(1, 86_400, rule="full")
        limiter.decide([full])
        for number in range(1_000):
            assert not accepts(limiter, full, charge_of(5, bucket=f"{number}"))
        clock.advance(1)
        assert not accepts(limiter, full)
        assert len(limiter) <= 3

    @pytest.mark.T5
    def test_a_bucket_in_use_outlives_the_end_it_was_first_given(self, limiter, clock):
        charge = charge_of(2)
        assert accepts(limiter, charge)
        clock.advance(55)
        assert accepts(limiter, charge)
        clock.advance(10)
        for number in range(100):
            limiter.decide([charge_of(1, bucket=f"{number}")])
        assert [accepts(limiter, charge) for _ in range(2)] == [True, False]


@pytest.mark.once
@pytest.mark.T5
class TestInProcessWhenFull:
    """A limiter for ten buckets, each of which counts something."""

    @pytest.fixture
    def limiter(self, clock):
        limiter = InProcessLimiter(clock, max_buckets=10)
        for number in range(10):
            assert accepts(limiter, charge_of(1, bucket=f"known {number}"))
        return limiter

    def test_the_known_stay_counted(self, limiter):
        for number in range(100):
            limiter.decide([charge_of(1, bucket=f"new {number}")])
        assert not any(accepts(limiter, charge_of(1, bucket=f"known {n}")) for n in range(10))
        assert len(limiter) == 10

    def test_newcomers_of_one_rule_share_one_bucket_and_are_counted(self, limiter):
        before = counted("throttle_overflow")
        outcomes = [accepts(limiter, charge_of(3, bucket=f"new {n}")) for n in range(5)]
        assert outcomes == [True, True, True, False, False]
        assert accepts(limiter, charge_of(3, rule="other", bucket="new"))
        assert counted("throttle_overflow") == before + 6

    def test_newcomers_have_a_bucket_again_once_there_is_room(self, limiter, clock):
        clock.advance(61)
        outcomes = [accepts(limiter, charge_of(1, bucket=f"new {n}")) for n in range(10)]
        assert all(outcomes)
        assert len(limiter) == 10


class TestRedis(LimiterContract):
    @pytest.fixture
    def limiter(self, redis, clock):
        return RedisLimiter(clock)

    def test_production_reads_the_servers_clock_in_one_place(self):
        assert LUA.count(SERVER_TIME) == 1

    @pytest.mark.T5
    @pytest.mark.parametrize("seconds", [1, 60, 86_400])
    def test_a_bucket_is_dropped_when_it_has_emptied(self, limiter, seconds):
        charge = charge_of(5, seconds)
        limiter.decide([charge])
        key = f"backstay:throttle:rule:{seconds}:bucket"
        time_to_live_ms = limiter.call("PTTL", key) - HELD_MS
        assert seconds * 1_000 * 0.9 - 5_000 < time_to_live_ms <= seconds * 1_000 * 61 / 60 + 1

    @pytest.mark.T1
    def test_what_a_request_costs_grows_neither_with_the_limit_nor_with_idle_time(
        self, limiter, clock
    ):
        costs = []
        for limit, pause in [(10, 0), (1_000_000, 0), (10, 1.3), (1_000_000, 1.3), (10, 59)]:
            charge = charge_of(limit, bucket=f"{limit} {pause}")
            before = limiter.commands()
            for _ in range(100):
                limiter.decide([charge])
                clock.advance(pause)
            costs.append((limiter.commands() - before) / 100)
        assert max(costs) < 9


class TestDatabase(LimiterContract):
    @pytest.fixture
    def limiter(self, database, clock):
        return InDatabaseLimiter(clock)
