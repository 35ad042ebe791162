"""
What every place that keeps the history promises: this process, or Redis.

The backend is that of the suite's run. What concerns several processes needs Redis.
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import suppress
from threading import Event
from typing import Any

import pytest
import time_machine

from backstay import store as store_module
from backstay.counters import counted
from backstay.monitoring.history import History, summed
from backstay.monitoring.history.latency import BINS
from backstay.monitoring.history.redis import RedisSheets
from backstay.monitoring.history.sheets import (
    ENDPOINTS,
    FINDINGS,
    KINDS,
    OTHER,
    PULSE,
    REFUSALS,
    RULES,
)
from backstay.store import store
from backstay.throttling import Charge, Rate, Throttled, enforce
from tests.backstay.monitoring.records import finding, record
from tests.gate import Gate

pytestmark = pytest.mark.M1

NOON = 1_780_315_200
REDIS_URL = os.environ.get("REDIS_URL")
needs_redis = pytest.mark.skipif(REDIS_URL is None, reason="needs Redis")


@pytest.fixture(autouse=True)
def clock():
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture(autouse=True)
def patience(monkeypatch):
    """Tests share machines: a Redis that is there may take its time."""
    monkeypatch.setattr(store_module, "TIMEOUT_SECONDS", 30)
    store_module._store_of.cache_clear()
    yield
    store_module._store_of.cache_clear()


@pytest.fixture
def make():
    """A process's history."""

    def make():
        made = History()
        made.handing_over.enabled = False
        return made

    return make


@pytest.fixture
def history(make):
    return make()


def sheet(history, name):
    return history.read([name])[0][name]


def endpoints(history):
    return sheet(history, ENDPOINTS.at(time.time()))


class TestRequests:
    def test_are_added_up_by_method_version_and_route(self, history):
        for members in ({}, {}, {"version": "v2"}, {"method": "POST"}, {"route": "/other/"}):
            history.add(record(**members))
        assert {key: row.sums["n"] for key, row in endpoints(history).items()} == {
            "GET v1 /api/{version}/orders/": 2,
            "GET v2 /api/{version}/orders/": 1,
            "POST v1 /api/{version}/orders/": 1,
            "GET v1 /other/": 1,
        }

    def test_are_known_by_what_they_cost_and_how_they_ended(self, history):
        costs: dict[str, Any] = {
            "sql_count": 3,
            "sql_ms": 4.5,
            "rows": 20,
            "redis_count": 1,
            "redis_ms": 0.25,
        }
        costs |= {"serialization_ms": 2.0, "response_bytes": 900}
        history.add(record(cache="hit", throttle="admitted", **costs))
        history.add(record(status=429, throttle="refused", duration_ms=1.5))
        history.add(record(status=500))
        [row] = endpoints(history).values()
        sums = {name: n for name, n in row.sums.items() if name not in BINS}
        assert sums == {
            "n": 3,
            "us": 41_500,
            "2xx": 1,
            "4xx": 1,
            "5xx": 1,
            "hit": 1,
            "admitted": 1,
            "refused": 1,
            "sql": 3,
            "sql_us": 4_500,
            "rows": 20,
            "redis": 1,
            "redis_us": 250,
            "serialization_us": 2_000,
            "bytes": 900,
        }

    def test_of_ten_seconds_are_together(self, history, clock):
        for seconds in (0, 9.9, 10):
            clock.move_to(NOON + seconds)
            history.add(record())
        sheets, _ = history.read(PULSE.since(NOON, NOON + 19))
        assert [summed(one.values())["n"] for one in sheets.values()] == [2, 1]

    def test_are_there_once_before_and_after_they_were_handed_over(self, history):
        history.add(record())
        before = endpoints(history)
        history.flush()
        after = endpoints(history)
        history.flush()
        assert before == after == endpoints(history)

    def test_ask_nothing_of_redis(self, history):
        before = counted("store")
        history.add(record(findings=(finding(),)))
        assert counted("store") == before

    def test_have_sums_that_no_reader_can_change(self, history):
        history.add(record())
        endpoints(history)["GET v1 /api/{version}/orders/"].sums["n"] = 99
        assert endpoints(history)["GET v1 /api/{version}/orders/"].sums["n"] == 1

    def test_of_many_threads_are_all_there_while_they_are_handed_over(self, history):
        def answer(number):
            for _ in range(200):
                history.add(record(f"/{number}/"))
                if number % 2:
                    history.flush()
                endpoints(history)

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(answer, range(8)))
        history.flush()
        assert {row.sums["n"] for row in endpoints(history).values()} == {200}
        assert summed(endpoints(history).values())["n"] == 1_600


class TestMemory:
    """Whatever is asked, it is bounded."""

    def test_ten_thousand_routes_are_a_hundred_rows_and_no_request_is_lost(self, history):
        for number in range(10_000):
            history.add(record(f"/{number}/"))
            if number % 2_500 == 0:
                history.flush()
        history.flush()
        rows = endpoints(history)
        assert len(rows) in {ENDPOINTS.most_rows, ENDPOINTS.most_rows + 1}
        assert summed(rows.values())["n"] == 10_000
        assert rows[OTHER].sums["n"] >= 10_000 - ENDPOINTS.most_rows

    def test_findings_are_the_latest(self, history, clock):
        for number in range(1_000):
            clock.shift(0.001)
            history.add(record("/r/", findings=(finding(f"views.py:{number}"),)))
            if number % 150 == 0:
                history.flush()
        history.flush()
        rows = sheet(history, FINDINGS.only)
        assert len(rows) == FINDINGS.most_rows
        assert "/r/ views.py:999 items.product.name" in rows
        assert "/r/ views.py:1 items.product.name" not in rows

    def test_what_is_older_than_a_day_is_gone(self, history, clock):
        for minute in range(0, 3 * 24 * 60, 5):
            clock.move_to(NOON + 60 * minute)
            history.add(record())
        most = sum(kind.kept_seconds // kind.seconds + 1 for kind in (PULSE, ENDPOINTS)) + 1
        assert len(list(history._kept)) <= most
        assert sheet(history, ENDPOINTS.at(NOON)) == {}


class TestFindings:
    def test_are_one_for_each_route_line_and_field(self, history):
        for line in (41, 41, 90):
            history.add(record(findings=(finding(f"shop/views.py:{line}"),)))
        history.flush()
        history.add(record(findings=(finding("shop/views.py:41"),)))
        rows = sheet(history, FINDINGS.only)
        [row] = [row for key, row in rows.items() if ":41" in key]
        assert len(rows) == 2
        assert row.sums == {"n": 3, "queries": 36, "us": 18_000}
        assert row.said["field"] == "items.product.name"
        assert row.said["fix"] == "Add select_related('product')."

    def test_two_statements_of_one_field_are_one_request_and_the_longer_is_shown(self, history):
        quick = finding(sql="SELECT quick", total_ms=1)
        history.add(record(findings=(quick, finding(sql="SELECT slow", total_ms=9), quick)))
        [row] = sheet(history, FINDINGS.only).values()
        assert row.sums == {"n": 1, "queries": 36, "us": 11_000}
        assert row.said["sql"] == "SELECT slow"

    @pytest.mark.parametrize("sql", ["half \ud800 of a pair", "NUL \x00", "“quoted” \\u", "\u2028"])
    def test_any_text_is_kept(self, history, sql):
        kept = counted("history", outcome="kept")
        history.add(record(findings=(finding(sql=sql),)))
        history.flush()
        # What Redis refuses would be read from here.
        assert counted("history", outcome="kept") == kept
        [row] = sheet(history, FINDINGS.only).values()
        assert row.said["sql"][:3] == sql[:3]


class TestLimits:
    def refuse(self, bucket="address:192.0.2.1"):
        for _ in range(3):
            with suppress(Throttled):
                enforce([Charge("login", bucket, Rate(1, 60))])

    def test_who_was_refused_is_known(self, history):
        self.refuse()
        [row] = sheet(history, REFUSALS.only).values()
        assert row.sums["n"] == 2
        assert (row.said["rule"], row.said["bucket"]) == ("login", "address:192.0.2.1")

    def test_how_often_each_rule_let_in_and_refused_is_known(self, history):
        self.refuse()
        self.refuse("user:7")
        assert sheet(history, RULES.at(time.time()))["login"].sums == {"allowed": 2, "refused": 4}

    def test_only_the_latest_refused_are_known(self, history):
        for number in range(250):
            self.refuse(f"user:{number}")
        rows = sheet(history, REFUSALS.only)
        assert len(rows) == REFUSALS.most_rows
        assert "login\n60\nuser:249" in rows


@needs_redis
class TestProcesses:
    def test_read_what_all_of_them_did(self, make):
        one, other = make(), make()
        for process in (one, other, other):
            process.add(record(findings=(finding(),)))
        for process in (one, other):
            process.flush()
        assert endpoints(one) == endpoints(other)
        assert summed(endpoints(one).values())["n"] == 3
        assert sheet(one, FINDINGS.only) == sheet(other, FINDINGS.only)

    def test_are_bounded_together(self, make):
        for number in range(5):
            process = make()
            for route in range(150):
                process.add(record(f"/{number}/{route}/"))
            process.flush()
        rows = endpoints(make())
        assert len(rows) in {ENDPOINTS.most_rows, ENDPOINTS.most_rows + 1}
        assert summed(rows.values())["n"] == 750

    def test_are_there_while_they_are_handed_over_and_the_end_waits_for_it(
        self, history, monkeypatch
    ):
        begun, goes_on, merge = Event(), Event(), RedisSheets.merge

        def linger(sheets, part):
            begun.set()
            goes_on.wait(30)
            merge(sheets, part)

        monkeypatch.setattr(RedisSheets, "merge", linger)
        history.add(record())
        with ThreadPoolExecutor(3) as threads:
            threads.submit(history.flush)
            assert begun.wait(30)
            reading, ending = threads.submit(endpoints, history), threads.submit(history.flush)
            early, _ = wait([reading, ending], timeout=0.05)
            goes_on.set()
        assert not early
        assert summed(reading.result().values())["n"] == 1

    def test_leave_nothing_in_redis_for_ever(self, history):
        history.add(record(findings=(finding(),)))
        history.flush()
        redis = store()
        assert redis is not None
        keys = redis.call("KEYS", "*history*")
        limits = [kind.kept_seconds + 2 * kind.seconds for kind in KINDS.values()]
        assert len(keys) == 3
        assert all(0 < redis.call("TTL", key) <= max(limits) for key in keys)

    def test_read_what_is_over_once(self, history, clock):
        history.add(record())
        history.flush()
        clock.shift(120)
        asked = PULSE.since(NOON, NOON + 40)
        history.read(asked)
        before = counted("store")
        assert summed(history.read(asked)[0][PULSE.at(NOON)].values())["n"] == 1
        assert counted("store") == before

    def test_hand_over_an_hour_in_many_calls(self, history, clock):
        for second in range(0, 3_600, 10):
            clock.move_to(NOON + second)
            for route in range(3):
                history.add(record(f"/{route}/{second}/"))
        before = counted("store")
        history.flush()
        assert counted("store") - before > 3
        sheets, _ = history.read(PULSE.since(NOON, NOON + 3_599))
        assert sum(summed(one.values())["n"] for one in sheets.values()) == 1_080


@pytest.mark.F1
class TestOutage:
    @pytest.fixture
    def gate(self, settings):
        gate = Gate(REDIS_URL or "redis://127.0.0.1:9/0")
        settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": gate.url}
        yield gate
        gate.shut()

    def test_everything_is_kept_here_and_counted(self, history, gate):
        before = counted("history", outcome="kept")
        history.add(record())
        history.flush()
        sheets, complete = history.read([ENDPOINTS.at(NOON)])
        assert summed(sheets[ENDPOINTS.at(NOON)].values())["n"] == 1
        assert not complete
        assert counted("history", outcome="kept") == before + 1

    def test_memory_is_bounded_all_the_same(self, history, gate, clock):
        for minute in range(0, 2 * 24 * 60, 5):
            clock.move_to(NOON + 60 * minute)
            history.add(record())
            history.flush()
        assert len(list(history._kept)) < 700

    @needs_redis
    def test_what_was_kept_is_handed_over_once_it_is_over(self, history, gate, make):
        for _ in range(3):
            history.add(record(findings=(finding(),)))
            history.flush()
        gate.open()
        redis = store()
        assert redis is not None
        redis.breaker.succeeded()
        history.add(record())
        history.flush()
        other = make()
        assert summed(endpoints(other).values())["n"] == 4
        [found] = sheet(other, FINDINGS.only).values()
        assert found.sums["n"] == 3
        assert history.read([ENDPOINTS.at(NOON)])[1]
