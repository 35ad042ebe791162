"""Pauses grow, are bounded and spread; a job is given up after the last try."""

from datetime import UTC, datetime, timedelta
from random import Random, SystemRandom

import pytest

from backstay.outbox.failures import next_try, pause

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


class Latest(Random):
    """Draws the longest pause there is."""

    def uniform(self, a: float, b: float) -> float:
        return b


class Earliest(Random):
    def uniform(self, a: float, b: float) -> float:
        return a


class TestPause:
    def test_grows_threefold_up_to_six_hours(self):
        seconds = [pause(attempts, Latest()).total_seconds() for attempts in range(1, 11)]
        assert seconds == [5, 15, 45, 135, 405, 1215, 3645, 10935, 21600, 21600]

    def test_is_half_of_that_at_least(self):
        assert pause(3, Earliest()) == timedelta(seconds=22.5)

    def test_spreads_jobs_that_failed_together(self):
        random = SystemRandom()
        assert len({pause(1, random) for _ in range(100)}) == 100

    def test_of_an_absurd_number_of_tries_is_bounded(self):
        assert pause(10**6, Latest()) == timedelta(hours=6)

    def test_default_tries_outlast_a_night(self):
        total = sum((pause(attempts, Earliest()) for attempts in range(1, 10)), timedelta())
        assert timedelta(hours=5) < total < timedelta(hours=6)


class TestNextTry:
    def test_follows_the_pause(self):
        at = next_try(2, max_attempts=10, now=NOON, random=Latest())
        assert at == NOON + timedelta(seconds=15)

    @pytest.mark.parametrize("attempts", [10, 11])
    def test_there_is_none_after_the_last(self, attempts):
        assert next_try(attempts, max_attempts=10, now=NOON, random=Latest()) is None
