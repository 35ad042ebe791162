"""The accepted count is the limit exactly, however many call at once."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from backstay.throttling.local import LocalLimiter
from tests.backstay.throttling.conftest import REDIS_URL, needs_redis
from tests.backstay.throttling.contest import PROCESSES, THREADS, contest
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


def race(limit, rounds):
    charges = [charge_of(limit, DAY, bucket=f"race for {limit}"), charge_of(10**6, DAY, rule="any")]
    assert limit < PROCESSES * THREADS * rounds
    return contest(str(REDIS_URL), charges, rounds=rounds)


@needs_redis
@pytest.mark.parametrize("limit", [5, 100])
def test_256_threads_of_4_processes_on_redis(limit):
    assert race(limit, rounds=2) == limit


@needs_redis
@pytest.mark.long
@pytest.mark.parametrize("limit", [1, 5, 100, 1_000, 20_000])
def test_256_threads_of_4_processes_on_redis_for_long(limit):
    assert race(limit, rounds=100) == limit


@pytest.mark.once
@pytest.mark.parametrize("limit", [5, 100])
@pytest.mark.parametrize("attempt", range(10))
def test_64_threads_of_one_process(restless, limit, attempt):
    limiter, charge = LocalLimiter(), charge_of(limit, DAY)
    with ThreadPoolExecutor(THREADS) as threads:
        runs = [threads.submit(accepts, limiter, charge) for _ in range(4 * THREADS)]
        assert sum(run.result() for run in runs) == limit
