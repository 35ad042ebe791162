"""
The shop's real server, two workers and a Redis that is broken under them.

Each connection goes to one worker or the other, so a few requests reach both.
"""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faulty_redis import RedisServer, redis_of_ones_own
from tests.shop.processes import eventually
from tests.shop.served import Shop, demo_database, served, stopped

#: Its own database and Redis, so one run is enough.
pytestmark = [pytest.mark.F1, pytest.mark.once, pytest.mark.long]

#: Beyond what the tests ask, so that no limit stands between them and the fault.
RATES = dict.fromkeys(("anon", "user", "login", "refresh", "auth_failure"), "100000/minute")


@pytest.fixture(scope="module")
def redis() -> Iterator[RedisServer]:
    with redis_of_ones_own() as server:
        yield server


@pytest.fixture(scope="module")
def shop(redis: RedisServer, tmp_path_factory) -> Iterator[Shop]:
    database = demo_database(tmp_path_factory.mktemp("shop"))
    with served(database, redis, workers=2, rates=RATES) as shop:
        yield shop


@pytest.mark.A3
class TestLogoutAll:
    def test_is_heard_by_every_worker_within_a_second(self, shop):
        tokens = [shop.log_in(2) for _ in range(2)]
        assert [shop.read(token) for token in tokens for _ in range(4)] == [200] * 8

        assert shop.ask("POST", "/api/token/logout-all/", {}, tokens[0])[0] == 204

        began = time.monotonic()
        answers = Counter(shop.read(token) for token in tokens for _ in range(10))
        assert time.monotonic() - began < 5
        assert answers == {401: 20}

    def test_while_redis_stands_still_is_heard_too_and_after(self, shop, redis):
        token = shop.log_in(3)
        assert [shop.read(token) for _ in range(4)] == [200] * 4
        with stopped(redis):
            assert shop.ask("POST", "/api/token/logout-all/", {}, token)[0] == 204
            assert [shop.read(token) for _ in range(10)] == [401] * 10
        assert [shop.read(token) for _ in range(10)] == [401] * 10
        time.sleep(1.1)  # The next requests are the probes of both workers.
        assert [shop.read(token) for _ in range(10)] == [401] * 10

    def test_is_still_known_after_a_flush(self, shop, redis):
        token = shop.log_in(4)
        assert shop.ask("POST", "/api/token/logout-all/", {}, token)[0] == 204
        redis.do("FLUSHALL")
        assert [shop.read(token) for _ in range(10)] == [401] * 10


class TestReads:
    def test_have_no_5xx_while_redis_stands_still(self, shop, redis):
        assert_nobody_is_refused(shop, redis, clients=4, seconds=2)

    @pytest.mark.long
    def test_have_no_5xx_however_often_redis_stands_still(self, shop, redis):
        for _ in range(4):
            assert_nobody_is_refused(shop, redis, clients=8, seconds=6)


def assert_nobody_is_refused(shop: Shop, redis: RedisServer, *, clients: int, seconds: float):
    """Reads go on before, during and after; each is answered, and soon."""
    token = shop.log_in()
    over = threading.Event()

    def read() -> list[tuple[int, float]]:
        seen = []
        while not over.is_set():
            began = time.monotonic()
            seen.append((shop.read(token), time.monotonic() - began))
        return seen

    with ThreadPoolExecutor(clients) as threads:
        try:
            reading = [threads.submit(read) for _ in range(clients)]
            wait(0.5)
            with stopped(redis):
                wait(seconds)
            wait(1.5)
        finally:
            over.set()
        seen = [answer for job in reading for answer in job.result()]
    assert Counter(status for status, _ in seen).keys() == {200}
    assert max(took for _, took in seen) < 3


def wait(seconds: float) -> None:
    """Let the clients read: what they are told over this time is the test."""
    assert not eventually(never, seconds=seconds)


def never() -> bool:
    return False
