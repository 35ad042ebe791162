"""
The served shop's limits while Redis stands still (SIGSTOP) under load, and after.

How long an answer takes is measured by ``python -m benchmarks.outage``; here counts decide.
"""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faulty_redis import RedisServer, redis_of_ones_own
from tests.ratelimit_fields import parse
from tests.shop.processes import eventually
from tests.shop.served import ME, Answer, Shop, demo_database, served, stopped

pytestmark = [pytest.mark.F1, pytest.mark.once, pytest.mark.long]

WORKERS = 2
LOGINS = 9
CALLS = 100_000
RATES = {"login": f"{LOGINS}/hour", "user": f"{CALLS}/minute"}
WRONG = {"email": "nobody@shop.example", "password": "a wrong password"}


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_of_ones_own() as server:
        yield server


@pytest.fixture
def shop(redis: RedisServer, tmp_path) -> Iterator[Shop]:
    with served(demo_database(tmp_path), redis, workers=WORKERS, rates=RATES) as shop:
        yield shop


def guesses(shop: Shop, times: int) -> Counter[int]:
    """The statuses of wrong logins, eight at a time."""
    with ThreadPoolExecutor(8) as threads:
        asked = [threads.submit(shop.ask, "POST", "/api/token/", WRONG) for _ in range(times)]
        return Counter(job.result()[0] for job in asked)


def limit_told(answer: Answer) -> int:
    return parse(answer.headers["RateLimit-Policy"])["user"]["q"]


@pytest.mark.A6
def test_calls_are_answered_logins_stay_bounded_and_the_whole_limit_is_counted_again(shop, redis):
    token = shop.log_in()

    def read() -> Answer:
        return shop.answer("GET", ME, token=token)

    def reads(times: int) -> list[Answer]:
        with ThreadPoolExecutor(8) as threads:
            return [job.result() for job in [threads.submit(read) for _ in range(times)]]

    assert eventually(lambda: {limit_told(one) for one in reads(20)} == {CALLS}, seconds=30)
    with stopped(redis):
        assert {one.status for one in reads(200)} == {200}
        # By now both workers know, and count their part.
        assert {limit_told(one) for one in reads(200)} == {CALLS // WORKERS}
        meanwhile = guesses(shop, 60)
    assert eventually(lambda: {limit_told(one) for one in reads(20)} == {CALLS}, seconds=5)
    after = guesses(shop, 60)
    # Each worker verified its part of the passwords, and Redis goes on from what it had counted.
    assert {*meanwhile} == {*after} == {401, 429}
    assert meanwhile[401] <= WORKERS * (LOGINS // WORKERS)
    assert after[401] <= LOGINS - 1
