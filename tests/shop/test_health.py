"""The probes: live answers for the process, ready for what it stands on."""

import socket
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from django.conf import settings as service
from django.db import connection, connections
from django.test import Client

from shop.health import CHECK_SECONDS

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def probe() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A port that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.fixture
def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def database_at(monkeypatch):
    """Have connections from now on go to *port* of this machine, or to no file at all."""

    def move(port: int) -> None:
        place = (
            {"NAME": "/nowhere/db.sqlite3"}
            if connection.vendor == "sqlite"
            else {"HOST": "127.0.0.1", "PORT": port}
        )
        for name, value in place.items():
            monkeypatch.setitem(connections.settings["default"], name, value)

    return move


@pytest.fixture
def redis_at(settings):
    def move(port: int) -> None:
        settings.ENVIRONMENT = replace(
            service.ENVIRONMENT, redis_url=f"redis://:pa55word@127.0.0.1:{port}/0"
        )

    return move


class TestLive:
    def test_answers(self, probe):
        response = probe.get("/health/live/")

        assert (response.status_code, response.json()) == (200, {"status": "ok"})

    def test_answers_without_a_database(self, probe, database_at, closed_port):
        database_at(closed_port)
        connection.close()

        assert probe.get("/health/live/").status_code == 200

    def test_is_not_kept_by_a_proxy(self, probe):
        assert "no-store" in probe.get("/health/live/").headers["Cache-Control"]


class TestReady:
    def test_names_what_it_asked(self, probe):
        expected = {"database": "ok"} | ({"redis": "ok"} if service.ENVIRONMENT.redis_url else {})

        response = probe.get("/health/ready/")

        assert response.status_code == 200
        assert response.json() == {"status": "ok", "checks": expected}

    @pytest.mark.F2
    def test_a_database_that_is_down_is_503_until_it_is_back(
        self, probe, database_at, closed_port, monkeypatch
    ):
        database_at(closed_port)
        down = probe.get("/health/ready/")
        monkeypatch.undo()
        back = probe.get("/health/ready/")

        assert (down.status_code, back.status_code) == (503, 200)
        assert down.headers["Content-Type"] == "application/problem+json"
        assert int(down.headers["Retry-After"]) > 0

    @pytest.mark.F2
    def test_a_database_that_hangs_is_503_soon(self, probe, database_at, silent_port):
        if connection.vendor == "sqlite":
            pytest.skip("A file does not hang.")
        database_at(silent_port)
        began = time.monotonic()

        assert probe.get("/health/ready/").status_code == 503
        assert time.monotonic() - began < CHECK_SECONDS + 0.5

    @pytest.mark.F1
    def test_a_redis_that_is_down_takes_nothing_out_of_rotation(self, probe, redis_at, closed_port):
        redis_at(closed_port)

        response = probe.get("/health/ready/")

        assert response.status_code == 200
        assert response.json() == {
            "status": "degraded",
            "checks": {"database": "ok", "redis": "failing"},
        }

    @pytest.mark.F1
    def test_a_redis_that_hangs_holds_the_answer_up_for_a_second(
        self, probe, redis_at, silent_port
    ):
        redis_at(silent_port)
        began = time.monotonic()

        assert probe.get("/health/ready/").json()["checks"]["redis"] == "failing"
        assert time.monotonic() - began < CHECK_SECONDS + 0.5

    def test_tells_nobody_where_the_parts_are(self, probe, database_at, redis_at, closed_port):
        redis_at(closed_port)
        degraded = probe.get("/health/ready/").content.decode()
        database_at(closed_port)
        down = probe.get("/health/ready/").content.decode()

        for secret in ("127.0.0.1", "nowhere", "pa55word", f"{closed_port}"):
            assert secret not in degraded + down


class TestDependency:
    def test_each_answers_for_itself(self, probe, redis_at, closed_port):
        redis_at(closed_port)

        assert probe.get("/health/database/").json() == {"status": "ok"}
        assert probe.get("/health/redis/").status_code == 503

    def test_one_that_is_not_configured_is_none(self, probe):
        assert probe.get("/health/broker/").status_code == 404
        assert probe.get("/health/nothing/").status_code == 404

    @pytest.mark.F1
    @pytest.mark.once
    @pytest.mark.parametrize("scheme", ["amqp", "redis"])
    @pytest.mark.parametrize("port", ["closed_port", "silent_port"])
    def test_a_broker_that_does_not_answer_takes_nothing_out_of_rotation(
        self, probe, settings, request, scheme, port
    ):
        url = f"{scheme}://shop:pa55word@127.0.0.1:{request.getfixturevalue(port)}/0"
        settings.ENVIRONMENT = replace(service.ENVIRONMENT, celery_broker_url=url)
        began = time.monotonic()

        ready, alone = probe.get("/health/ready/"), probe.get("/health/broker/")

        assert (ready.status_code, ready.json()["checks"]["broker"]) == (200, "failing")
        assert alone.status_code == 503
        assert "pa55word" not in alone.content.decode()
        assert time.monotonic() - began < 2 * CHECK_SECONDS + 1
