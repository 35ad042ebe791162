"""The accepted count is the limit exactly, however many call at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from backstay.throttling import Charge, Rate
from backstay.throttling.local import LocalLimiter
from tests.backstay.throttling.conftest import REDIS_URL, needs_redis
from tests.backstay.throttling.contest import PROCESSES, THREADS, Place, contest
from tests.backstay.throttling.limiters import accepts, charge_of

pytestmark = [pytest.mark.T1, pytest.mark.A6]

DAY = 86_400


@pytest.fixture
def restless():
    """Threads that are interrupted all the time."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def race(place, limit, rounds, *, smooth=False):
    counted = Charge("rule", f"race for {limit}", Rate(limit, DAY, smooth))
    charges = [counted, charge_of(10**6, DAY, rule="any")]
    assert limit < PROCESSES * THREADS * rounds
    return contest(place, charges, rounds=rounds)


@needs_redis
class TestRedis:
    """256 threads of 4 processes on one Redis."""

    @pytest.fixture
    def place(self):
        return Place(redis=REDIS_URL)

    @pytest.mark.parametrize("limit", [5, 100])
    def test_as_many_as_the_limit_are_let_in(self, place, limit):
        assert race(place, limit, rounds=2) == limit

    def test_of_a_smooth_rate_as_many_as_fit_at_once(self, place):
        assert race(place, 61 * 50, rounds=15, smooth=True) == 51

    @pytest.mark.long
    @pytest.mark.parametrize("limit", [1, 5, 100, 1_000, 20_000])
    def test_as_many_as_the_limit_are_let_in_for_long(self, place, limit):
        assert race(place, limit, rounds=100) == limit


class TestDatabase:
    """256 threads of 4 processes on one database, PostgreSQL or SQLite."""

    @pytest.fixture
    def place(self, committed_database):
        return Place(database=str(connection.settings_dict["NAME"]))

    @pytest.mark.parametrize("limit", [5, 50])
    def test_as_many_as_the_limit_are_let_in(self, place, limit):
        assert race(place, limit, rounds=2) == limit

    def test_of_a_smooth_rate_as_many_as_fit_at_once(self, place):
        assert race(place, 244, rounds=2, smooth=True) == 5

    def test_requests_that_share_buckets_in_any_order_never_wait_for_each_other(self, place):
        charges = [charge_of(10**6, DAY, bucket=f"{number}") for number in range(200)]
        calls = PROCESSES * THREADS * 4
        assert contest(place, charges, rounds=4, some=6) == calls

    @pytest.mark.long
    @pytest.mark.parametrize("limit", [1, 5, 100, 1_000])
    def test_as_many_as_the_limit_are_let_in_for_long(self, place, limit):
        assert race(place, limit, rounds=40) == limit

    @pytest.mark.long
    def test_requests_that_share_buckets_in_any_order_never_wait_for_long(self, place):
        charges = [charge_of(10**6, 1, bucket=f"{number}") for number in range(200)]
        calls = PROCESSES * THREADS * 40
        assert contest(place, charges, rounds=40, some=6) == calls


@pytest.mark.once
@pytest.mark.parametrize("limit", [5, 100])
@pytest.mark.parametrize("attempt", range(10))
def test_64_threads_of_one_process(restless, limit, attempt):
    limiter, charge = LocalLimiter(), charge_of(limit, DAY)
    with ThreadPoolExecutor(THREADS) as threads:
        runs = [threads.submit(accepts, limiter, charge) for _ in range(4 * THREADS)]
        assert sum(run.result() for run in runs) == limit
