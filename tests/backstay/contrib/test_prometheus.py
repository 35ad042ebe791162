"""Metrics are right, bounded, guarded, and those of all processes together."""

import os
import re
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier
from typing import Any

import pytest
from django.test import Client
from django.urls import path
from prometheus_client import Counter
from prometheus_client.parser import text_string_to_metric_families

from backstay.contrib import prometheus
from backstay.contrib.prometheus import metrics
from backstay.counters import count
from backstay.monitoring import sinks
from backstay.monitoring.records import METHODS
from backstay.store import Store, StoreUnavailable
from shop.environment import ROOT
from tests.backstay.monitoring import urls as watched

pytestmark = [pytest.mark.M1, pytest.mark.django_db]

urlpatterns = [*watched.urlpatterns, path("metrics", metrics)]


@pytest.fixture(autouse=True)
def project(settings) -> None:
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


def read(text: str) -> dict[tuple[str, ...], float]:
    """Each sample's value by its name and the values of its labels, in their names' order."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def scraped(client: Client, **options: Any) -> dict[tuple[str, ...], float]:
    response = client.get("/metrics", **options)
    assert response.status_code == 200
    return read(response.content.decode())


class TestMetrics:
    def test_a_request_is_counted_and_timed_by_its_route(self, client):
        name = ("backstay_requests_total", "anonymous", "GET", "/books/{pk}/", "404", "v2")
        before = scraped(client).get(name, 0)

        client.get("/books/7/")

        after = scraped(client)
        assert after[name] == before + 1
        assert after["backstay_request_duration_seconds_count", "GET", "/books/{pk}/"] >= 1
        assert after["backstay_request_queries_total", "/books/{pk}/"] >= 1
        assert after["backstay_request_spent_seconds_total", "/books/{pk}/", "sql"] > 0

    def test_it_tells_of_all_that_was_answered_by_now(self, client, monkeypatch):
        """As in a server, where records wait for a moment to be told."""
        monkeypatch.setattr(sinks, "MOST_WAITING", 1_000)
        monkeypatch.setattr(sinks._delivering, "enabled", False)
        name = ("backstay_requests_total", "anonymous", "GET", "/books/{pk}/", "404", "v2")
        before = scraped(client).get(name, 0)

        client.get("/books/7/")

        assert scraped(client)[name] == before + 1

    def test_what_does_not_exist_is_one_series(self, client):
        for number in range(50):
            client.generic(f"BREW{number}", f"/{number}/")

        routes = {name[3] for name in scraped(client) if name[0] == "backstay_requests_total"}
        methods = {name[2] for name in scraped(client) if name[0] == "backstay_requests_total"}
        assert "unmatched" in routes
        assert methods - METHODS == {"OTHER"}
        assert not [one for one in routes if re.fullmatch(r"/\d+/", one)]

    @pytest.mark.F1
    def test_every_count_is_exported(self, client):
        name = ("backstay_outage_total", "a part")
        before = scraped(client).get(name, 0)

        count("outage", part="a part")
        count("outage", 2, part="a part")

        assert scraped(client)[name] == before + 3

    def test_a_count_of_another_label_set_is_not_lost_and_breaks_nothing(self, client):
        count("strange", part="a part")
        count("strange", outcome="another")

        assert scraped(client)["backstay_strange_total", ""] == 1

    @pytest.mark.once
    def test_threads_may_be_the_first_to_count_together(self, client, monkeypatch):
        def slowly(*arguments: Any) -> Counter:
            time.sleep(0.002)  # A hop, in which others come along.
            return Counter(*arguments)

        def contest(_: int) -> None:
            barrier.wait()
            count("contested")

        monkeypatch.setattr(prometheus, "Counter", slowly)
        barrier = Barrier(8)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(contest, range(8)))

        assert scraped(client)["backstay_contested_total",] == 8

    @pytest.mark.F1
    def test_a_redis_that_is_out_is_told(self, client):
        name = ("backstay_store_total", "failed")
        before = scraped(client).get(name, 0)

        with pytest.raises(StoreUnavailable):
            Store("redis://127.0.0.1:1/0").call("PING")

        assert scraped(client)[name] == before + 1


class TestToken:
    @pytest.fixture(autouse=True)
    def token(self, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "METRICS_TOKEN": "café-token"}

    @pytest.mark.parametrize(
        "sent", ["", "Bearer", "Bearer café-toke", "Bearer x", "Basic café-token", "café-token"]
    )
    def test_without_it_nothing_is_told(self, client, sent):
        response = client.get("/metrics", headers={"authorization": sent})

        assert (response.status_code, response.json()["code"]) == (401, "not_authenticated")
        assert response.headers["WWW-Authenticate"].startswith("Bearer")
        assert response.headers["Content-Type"] == "application/problem+json"

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
    def test_with_it_all_is(self, client, scheme):
        assert scraped(client, headers={"authorization": f"{scheme} café-token"})

    def test_a_scrape_is_charged_to_no_limit(self, client):
        response = client.get("/metrics", headers={"authorization": "Bearer café-token"})

        assert "RateLimit" not in response.headers


PROCESS = """
    import os, sys, django
    django.setup()
    from backstay.counters import count
    from backstay.monitoring import Record
    from backstay.contrib import prometheus
    prometheus.observe()
    count("outage", int(sys.argv[1]), part="tests")
    for _ in range(int(sys.argv[1])):
        prometheus.observe_request(Record("GET", "/x/", "v1", 200, 0.0, 7.0, sql_count=2))
    print("ready", flush=True)
    sys.stdin.readline()
"""


class TestSeveralProcesses:
    """Each is a real one, with the directory that ``manage.py serve`` gives to its workers."""

    NAME = ("backstay_requests_total", "anonymous", "GET", "/x/", "200", "v1")

    def run(self, directory: Path, code: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), *arguments],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.settings",
                "PROMETHEUS_MULTIPROC_DIR": str(directory),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def scrape(self, directory: Path) -> dict[tuple[str, ...], float]:
        code = """
            import django
            django.setup()
            from django.test import RequestFactory
            from backstay.contrib.prometheus import metrics
            print(metrics(RequestFactory().get("/metrics")).content.decode())
        """
        return read(self.run(directory, code).communicate(timeout=60)[0])

    @contextmanager
    def counting(self, directory: Path, number: int) -> Iterator[int]:
        """A process that has counted *number*; its pid. It is killed at the end."""
        with self.run(directory, PROCESS, f"{number}") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            try:
                yield process.pid
            finally:
                process.kill()

    @pytest.mark.once
    @pytest.mark.long
    def test_any_answers_for_all_and_the_dead_stay_counted(self, tmp_path):
        with self.counting(tmp_path, 4) as living:
            with self.counting(tmp_path, 3) as dead:
                together = self.scrape(tmp_path)

            keep = "from backstay.contrib.prometheus_files import keep_dead\nkeep_dead()\n" * 2
            self.run(tmp_path, keep).communicate(timeout=60)
            left = self.scrape(tmp_path)

            assert together[self.NAME] == together["backstay_outage_total", "tests"] == 7
            assert left[self.NAME] == left["backstay_outage_total", "tests"] == 7
            assert left["backstay_request_duration_seconds_bucket", "0.01", "GET", "/x/"] == 7
            # Whoever scrapes is one more, while it lives.
            assert together["backstay_processes",] == left["backstay_processes",] + 1
            assert not list(tmp_path.glob(f"*_{dead}.db"))
            assert list(tmp_path.glob(f"counter_{living}.db"))

    @pytest.mark.once
    def test_one_that_was_killed_before_it_counted_ends_nobody(self, tmp_path, monkeypatch):
        monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
        from backstay.contrib.prometheus_files import keep_dead

        # No process has so high an id.
        (tmp_path / "counter_4194305.db").touch()
        keep_dead()

        assert [file.name for file in tmp_path.iterdir()] == ["lock"]

    @pytest.mark.once
    def test_without_a_directory_there_is_nothing_to_keep(self, monkeypatch):
        monkeypatch.delenv("PROMETHEUS_MULTIPROC_DIR", raising=False)
        from backstay.contrib.prometheus_files import keep_dead

        keep_dead()
