"""The dashboard of a service that is several processes: whichever answers, it tells of all."""

import json
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from urllib.parse import urlencode

import pytest

from tests.faulty_redis import RedisServer, redis_of_ones_own
from tests.shop.processes import eventually
from tests.shop.served import PASSWORD, Shop, demo_database, served

pytestmark = [pytest.mark.M1, pytest.mark.long, pytest.mark.once]


@pytest.fixture
def redis() -> Iterator[RedisServer]:
    with redis_of_ones_own() as server:
        yield server


class Staff:
    """A browser without a screen."""

    def __init__(self, shop: Shop) -> None:
        self.origin = f"http://127.0.0.1:{shop.port}"
        self.cookies = CookieJar()
        cookies = urllib.request.HTTPCookieProcessor(self.cookies)
        self.opener = urllib.request.build_opener(cookies)
        self.get("/admin/login/")
        [token] = [cookie.value for cookie in self.cookies if cookie.name == "csrftoken"]
        form = {"username": "staff@shop.example", "password": PASSWORD}
        form |= {"csrfmiddlewaretoken": str(token), "next": "/health/live/"}
        self.opener.open(f"{self.origin}/admin/login/", urlencode(form).encode(), timeout=10)

    def get(self, path: str) -> bytes:
        with self.opener.open(self.origin + path, timeout=10) as response:
            return bytes(response.read())

    def requests(self, route: str) -> int:
        told = json.loads(self.get("/ops/data/"))
        assert told["complete"]
        return sum(row["requests"] for row in told["endpoints"] if row["route"] == route)


def test_every_process_tells_what_all_did(tmp_path, redis):
    database = demo_database(tmp_path)
    with served(database, redis, workers=3, rates={"anon": "1000/hour"}) as shop:
        for _ in range(60):
            assert shop.ask("GET", "/api/v2/products/")[0] == 200
        staff, route = Staff(shop), "/api/{version}/products/"

        def told() -> set[int]:
            """By new connections, so by any of the processes."""
            return {staff.requests(route) for _ in range(12)}

        assert eventually(lambda: told() == {60}, seconds=20)
