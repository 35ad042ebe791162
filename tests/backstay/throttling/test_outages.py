"""A Redis that fails: nobody gets an error from it, and the limits hold in each worker."""

import socket
import time

import pytest
from rest_framework.test import APIClient

from backstay.counters import counted
from backstay.throttling import Charge, Rate, Throttled, enforce
from tests.backstay.throttling.conftest import project

pytestmark = [pytest.mark.F1, pytest.mark.once]


@pytest.fixture(params=["refuses", "never answers"])
def url(request):
    """A Redis that is none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"redis://127.0.0.1:{server.getsockname()[1]}/0"
        if request.param == "refuses":
            server.close()
        yield address


def accepted(limit, *, tries=20):
    count = 0
    for _ in range(tries):
        try:
            enforce([Charge("rule", "bucket", Rate(limit, 60))])
            count += 1
        except Throttled:
            pass
    return count


@pytest.mark.parametrize(
    ("limit", "workers", "expected"), [(8, 1, 8), (8, 4, 2), (9, 4, 2), (3, 4, 1)]
)
def test_each_worker_takes_its_part_of_the_limit(url, limit, workers, expected):
    with project(REDIS_URL=url, WORKERS=workers):
        assert accepted(limit) == expected


def test_every_such_answer_is_counted(url):
    before = counted("outage", part="throttle")
    with project(REDIS_URL=url):
        accepted(5, tries=7)
    assert counted("outage", part="throttle") == before + 7


def test_nobody_waits_long(url):
    began = time.monotonic()
    with project(REDIS_URL=url):
        accepted(5, tries=100)
    assert time.monotonic() - began < 3


@pytest.mark.A6
def test_a_login_is_still_bounded(url):
    with project(REDIS_URL=url, WORKERS=2):
        responses = [APIClient().post("/login/", {"email": "ada@shop.example"}) for _ in range(4)]
        assert [response.status_code for response in responses] == [200, 200, 429, 429]
        assert "Retry-After" in responses[-1].headers


def test_what_is_counted_meanwhile_is_apart_from_a_project_without_redis(url):
    with project(REDIS_URL=url):
        assert accepted(5) == 5
    with project():
        assert accepted(5) == 5
