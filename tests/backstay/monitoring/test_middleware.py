"""Every request has one record, whatever becomes of it, and of bounded words."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.checks import run_checks
from django.db import connection
from django.http import HttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext

from backstay.auth.issuing import issue_tokens
from backstay.counters import counted
from backstay.monitoring import MonitoringMiddleware, add_sink, remove_sink
from backstay.monitoring import records as making
from backstay.monitoring.budgets import budget_of

pytestmark = [pytest.mark.M1, pytest.mark.django_db]


class TestOneRecordEach:
    @pytest.mark.parametrize(
        ("path", "status", "route"),
        [
            ("/joined/", 200, "/joined/"),
            ("/books/7/", 404, "/books/{pk}/"),
            ("/refused/", 429, "/refused/"),
            ("/crash/", 500, "/crash/"),
            ("/nowhere/", 404, "unmatched"),
            ("/api/v1/things/", 200, "/api/{version}/things/"),
        ],
    )
    def test_whatever_it_is_answered(self, client, records, path, status, route):
        response = client.get(path)

        (record,) = records
        assert (record.method, record.route, record.status) == ("GET", route, status)
        assert record.request_id == response.headers["X-Request-ID"]
        assert record.response_bytes == len(response.content)
        assert 0 < record.duration_ms == round(record.duration_ms, 3)

    def test_of_head_the_body_is_not_sent(self, client, records):
        client.head("/joined/")

        assert (records[0].method, records[0].response_bytes) == ("HEAD", 0)

    def test_one_that_takes_the_process_with_it_too(self, client, records):
        with pytest.raises(SystemExit):
            client.get("/leave/")

        (record,) = records
        assert (record.route, record.status) == ("/leave/", 500)

    def test_a_host_that_is_refused_too(self, client, records):
        client.get("/joined/", headers={"host": "evil.example"})

        assert [record.status for record in records] == [400]

    def test_a_body_that_is_too_long_too(self, client, records):
        client.post("/joined/", headers={"content-length": "99999999"})

        assert [(record.route, record.status) for record in records] == [("/joined/", 413)]


class TestWhatItCost:
    def test_statements_and_rows_are_those_that_were_run(self, client, records, shelves):
        with CaptureQueriesContext(connection) as captured:
            client.get("/joined/")

        assert (records[0].sql_count, records[0].rows) == (len(captured), 2)
        assert records[0].sql_ms > 0

    def test_it_is_the_same_without_debugging_cursors(self, client, records, shelves):
        client.get("/joined/")

        assert (records[0].sql_count, records[0].rows) == (1, 2)

    def test_making_the_body_is_timed(self, client, records, shelves):
        client.get("/joined/")

        assert 0 < records[0].serialization_ms < records[0].duration_ms

    def test_what_runs_between_requests_is_nobodys(self, client, records, shelves):
        client.get("/api/v1/things/")
        shelves[0].refresh_from_db()
        client.get("/api/v1/things/")

        assert [record.sql_count for record in records] == [0, 0]

    def test_the_cache_says_what_it_did(self, client, records, transactional_db):
        client.get("/kept/")
        client.get("/kept/")

        assert [record.cache for record in records] == ["miss", "hit"]

    @pytest.mark.parametrize(
        ("path", "outcome"), [("/limited/", "admitted"), ("/refused/", "refused")]
    )
    def test_limits_say_what_they_did(self, client, records, path, outcome):
        client.get(path)

        assert [record.throttle for record in records] == [outcome]

    def test_a_limit_of_ours_that_refuses_says_so(self, client, records, settings, monkeypatch):
        rates = {**settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"], "anon": "1/hour"}
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "DEFAULT_THROTTLE_RATES": rates,
        }

        client.get("/limited/")
        client.get("/limited/")

        assert [record.throttle for record in records] == ["admitted", "refused"]


class TestStreams:
    def test_a_stream_is_recorded_when_it_has_ended(self, client, records, shelves):
        response = client.get("/stream/")
        assert records == []

        body = b"".join(response.streaming_content)

        (record,) = records
        assert body == b"poemsmaps"
        assert (record.response_bytes, record.sql_count, record.rows) == (9, 1, 2)

    def test_or_when_the_client_has_left(self, client, records, shelves):
        response = client.get("/stream/")
        next(iter(response.streaming_content))

        response.close()
        response.close()

        assert [record.response_bytes for record in records] == [5]
        assert [record.status for record in records] == [200]

    def test_one_that_an_error_broke_off_is_one(self, client, records):
        parts = iter(client.get("/broken-stream/").streaming_content)
        assert next(parts) == b"part"

        with pytest.raises(RuntimeError):
            next(parts)

        assert [(record.status, record.response_bytes) for record in records] == [(500, 4)]


class TestWho:
    def client_of(self, *, is_staff: bool = False) -> Client:
        user = get_user_model().objects.create_user("ada@shop.example", is_staff=is_staff)
        return Client(headers={"authorization": f"Bearer {issue_tokens(user)['access']}"})

    @pytest.mark.parametrize(("staff", "kind"), [(False, "user"), (True, "staff")])
    def test_a_user_is_known_by_kind_and_key(self, settings, records, staff, kind):
        settings.ROOT_URLCONF = "shop.urls"
        client = self.client_of(is_staff=staff)

        response = client.get("/api/v1/users/me/")

        user = get_user_model().objects.get()
        assert (records[0].actor, records[0].user_id) == (kind, str(user.pk))
        assert ("Server-Timing" in response.headers) is staff

    def test_nobody_is_looked_up_for_it(self, settings, records):
        settings.ROOT_URLCONF = "shop.urls"
        client = self.client_of()

        client.get("/api/rate-limits/")

        assert (records[0].actor, records[0].sql_count) == ("user", 0)

    def test_a_session_that_nobody_reads_is_not_read(self, client, records, staff_session):
        client.cookies = staff_session.cookies

        client.get("/slow/")

        assert (records[0].actor, records[0].sql_count) == ("anonymous", 1)

    def test_a_session_is_known_where_no_limit_asked(self, settings, records, staff_session):
        settings.ROOT_URLCONF = "shop.urls"

        response = staff_session.get("/ops/data/")

        assert (records[0].route, records[0].actor) == ("/ops/data/", "staff")
        assert "Server-Timing" in response.headers

    @pytest.mark.once
    @pytest.mark.parametrize(
        ("key", "told"),
        [
            (7, "7"),
            ("ada", "ada"),
            ("ada@shop.example", "[redacted]"),
            ("a\u2028event=forged", "a\\u2028event=forged"),
        ],
    )
    def test_a_key_that_is_text_is_cleaned(self, key, told):
        user = SimpleNamespace(is_authenticated=True, is_staff=False, pk=key)

        assert making.who(user) == ("user", told)

    def test_staff_are_told_what_it_cost(self, settings, records):
        settings.ROOT_URLCONF = "shop.urls"

        told = self.client_of(is_staff=True).get("/api/v1/orders/").headers["Server-Timing"]

        names = [part.split(";")[0].strip() for part in told.split(",") if ";dur=" in part]
        assert names == ["total", "sql", "redis", "serialization"]


class TestWhatClientsSay:
    def test_methods_that_are_none_are_one(self, client, records):
        known = budget_of.cache_info().currsize
        for method in ("BREW", "x" * 5_000, "GET\u2028"):
            client.generic(method, "/joined/")

        assert {record.method for record in records} == {"OTHER"}
        assert budget_of.cache_info().currsize <= known + 1

    @pytest.mark.once
    def test_a_thousand_routes_that_do_not_exist_are_one(self, client, records):
        for number in range(1_000):
            client.get(f"/{number}/wp-login.php")

        assert {record.route for record in records} == {"unmatched"}

    @pytest.mark.parametrize("version", ["v999", "v1'--", "x" * 2_000])
    def test_versions_that_are_none_are_none(self, client, records, version):
        client.get(f"/api/{version}/things/")

        assert [record.version for record in records] == [""]

    @pytest.mark.once
    @pytest.mark.parametrize(
        ("said", "known"),
        [
            ("okhttp/4.12.0 (ada@shop.example)", "okhttp/4"),
            ("Mozilla/5.0 (X11)", "Mozilla/5"),
            ("shop-app", "shop-app"),
            ("curl/7.99999999999", "curl/7"),
            ("a" * 8_192, ""),
            ("4111111111111111", ""),
            ("\x1b[31mred", ""),
            ("", ""),
            ("ada@shop.example", ""),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2lnbmF0dXJl", ""),
            ("curl/8 ada@shop.example", "curl/8"),
        ],
    )
    def test_a_client_is_a_product_and_a_number(self, said, known):
        assert making.client_of(said) == known

    @pytest.mark.parametrize(
        "hostile", ["a\r\nevent=forged", "x" * 65, "é", "a b", "\u2028", "\x1b[2J", ""]
    )
    def test_an_id_that_could_forge_a_line_is_replaced(self, client, records, hostile):
        client.get("/joined/", headers={"x-request-id": hostile})

        assert len(records[0].request_id) == 32
        assert records[0].request_id.isalnum()


class TestTrace:
    TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"

    def test_who_brings_no_id_has_one_for_the_request_and_its_trace(self, client, records):
        for _ in range(2):
            client.get("/joined/")

        assert [one.trace_id for one in records] == [one.request_id for one in records]
        assert records[0].trace_id != records[1].trace_id

    def test_a_callers_request_id_is_no_trace(self, client, records):
        """It may be that of a retry; of two parts of a trace each has an id of its own."""
        for _ in range(2):
            client.get("/joined/", headers={"x-request-id": "a" * 32})

        assert {one.request_id for one in records} == {"a" * 32}
        assert len({"a" * 32, *(one.trace_id for one in records)}) == 3

    def test_a_callers_trace_goes_on(self, client, records):
        client.get("/joined/", headers={"traceparent": f"00-{self.TRACE}-00f067aa0ba902b7-01"})

        assert records[0].trace_id == self.TRACE


class TestSinks:
    def test_one_that_fails_hurts_neither_the_answer_nor_the_others(self, client, records):
        def broken(_: object) -> None:
            raise RuntimeError

        before = counted("monitoring_sink", outcome="failed")
        add_sink(broken)
        try:
            statuses = [client.get("/joined/").status_code for _ in range(2)]
        finally:
            remove_sink(broken)

        assert (statuses, len(records)) == ([200, 200], 2)
        assert counted("monitoring_sink", outcome="failed") == before + 2

    def test_a_request_that_cannot_be_recorded_is_answered(self, records):
        before = counted("monitoring_failed")
        answer = HttpResponse()
        request: Any = RequestFactory().get("/")
        request.user = object()  # What no middleware should make a user of.

        assert MonitoringMiddleware(lambda _: answer)(request) is answer
        assert (records, counted("monitoring_failed")) == ([], before + 1)


@pytest.mark.once
class TestChecks:
    def found(self) -> set[str | None]:
        return {message.id for message in run_checks(include_deployment_checks=True)}

    def test_the_shop_is_right(self):
        assert not {"backstay.W040", "backstay.W041"} & self.found()

    def test_middleware_that_is_not_first_is_told(self, settings):
        first, *others = settings.MIDDLEWARE
        settings.MIDDLEWARE = [*others, first]

        assert "backstay.W040" in self.found()

    def test_metrics_without_the_middleware_are_told(self, settings):
        settings.ROOT_URLCONF = "shop.urls"
        settings.MIDDLEWARE = settings.MIDDLEWARE[1:]

        assert "backstay.W040" in self.found()

    def test_open_metrics_are_told_at_deployment(self, settings):
        settings.ROOT_URLCONF = "shop.urls"

        assert "backstay.W041" in self.found()
        settings.BACKSTAY = {**settings.BACKSTAY, "METRICS_TOKEN": "a token"}
        assert "backstay.W041" not in self.found()
