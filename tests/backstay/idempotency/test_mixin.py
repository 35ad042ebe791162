"""One key is one effect and one answer, for a day, for one caller."""

from base64 import b64encode
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import connection
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from rest_framework.test import APIClient

from backstay.counters import counted
from backstay.idempotency.models import StoredAnswer
from tests.backstay.testapp.models import Shelf
from tests.shop.factories import PASSWORD, UserFactory

pytestmark = [pytest.mark.django_db, pytest.mark.O2, pytest.mark.urls(f"{__package__}.urls")]

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def client():
    return APIClient(raise_request_exception=False)


def put_up(client, key="k1", name="A", path="/shelves/", **headers):
    return client.post(path, {"name": name}, headers={"Idempotency-Key": key, **headers})


def answer(response):
    return response.status_code, response.content, response.headers.get("X-Own")


class TestReplay:
    def test_gives_the_first_answer_and_says_so(self, client):
        first = put_up(client)
        again = put_up(client)

        assert answer(first) == (201, b'{"shelves":1}', "kept")
        assert answer(again) == answer(first)
        assert again["Content-Type"] == first["Content-Type"]
        assert again["Idempotency-Replayed"] == "true"
        assert "Idempotency-Replayed" not in first
        assert Shelf.objects.count() == 1

    def test_the_key_is_the_same_with_quotes(self, client):
        put_up(client, "k1")
        assert put_up(client, '"k1"')["Idempotency-Replayed"] == "true"

    def test_a_permission_may_have_read_the_body(self, client):
        form = MULTIPART_CONTENT, encode_multipart(BOUNDARY, {"name": "A"})
        first, again = (
            client.generic("POST", "/forms/", form[1], form[0], headers={"Idempotency-Key": "k1"})
            for _ in range(2)
        )
        assert answer(again) == answer(first) == (201, b'{"shelves":1}', "kept")

    def test_bytes_and_empty_answers_come_back_as_they_were(self, client):
        for name, body, kind in (
            ("bytes", b"\x00\xff", "application/octet-stream"),
            ("cookie", b"", None),
        ):
            first, again = put_up(client, name, name), put_up(client, name, name)
            assert first.status_code == again.status_code
            assert again.content == first.content == body
            assert again.headers.get("Content-Type") == first.headers.get("Content-Type") == kind

    def test_cookies_are_for_the_first_alone(self, client):
        assert put_up(client, name="cookie").cookies
        assert not put_up(client, name="cookie").cookies

    def test_a_replay_asks_the_database_for_the_answer_alone(self, client):
        put_up(client)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            put_up(client)
        assert not any("testapp" in query["sql"] for query in captured)

    def test_each_outcome_is_counted(self, client):
        def outcomes():
            return [counted("idempotency", outcome=one) for one in ("stored", "replayed", "reused")]

        before = outcomes()
        for name in ("A", "A", "A", "B"):
            put_up(client, name=name)
        assert [now - then for now, then in zip(outcomes(), before, strict=True)] == [1, 2, 1]


class TestScope:
    def test_another_key_is_another_request(self, client):
        put_up(client, "k1")
        assert put_up(client, "k2").json() == {"shelves": 2}

    def test_without_a_key_each_request_is_one_of_its_own(self, client):
        for _ in range(2):
            client.post("/shelves/", {"name": "A"})
        assert Shelf.objects.count() == 2
        assert not StoredAnswer.objects.exists()

    def test_another_address_is_another_request(self, client):
        for path in ("/shelves/", "/others/", "/others/?page=2"):
            assert "Idempotency-Replayed" not in put_up(client, path=path)
        assert Shelf.objects.count() == 3

    def test_another_caller_is_another_request(self, client):
        def login(user):
            told = b64encode(f"{user.email}:{PASSWORD}".encode()).decode()
            return {"Authorization": f"Basic {told}"}

        callers = [login(user) for user in UserFactory.create_batch(2)]
        for headers in (*callers, {}):
            assert "Idempotency-Replayed" not in put_up(client, **headers)
        assert get_user_model().objects.count() == 2
        assert Shelf.objects.count() == 3

    def test_strangers_are_told_apart_by_address(self, client):
        put_up(client)
        elsewhere = APIClient(REMOTE_ADDR="192.0.2.1")
        assert "Idempotency-Replayed" not in put_up(elsewhere)

    def test_reading_takes_no_key(self, client):
        for _ in range(2):
            response = client.get("/shelves/", headers={"Idempotency-Key": "no key,\x01at all"})
            assert response.json() == 0
        assert not StoredAnswer.objects.exists()


class TestRefused:
    def test_another_body_under_a_used_key_is_422(self, client):
        put_up(client, name="A")
        response = put_up(client, name="B")
        assert (response.status_code, response.json()["code"]) == (422, "idempotency_key_reused")
        assert Shelf.objects.count() == 1
        assert put_up(client, name="A")["Idempotency-Replayed"] == "true"

    @pytest.mark.parametrize("key", ["", "a" * 300, "a\x01b", "a,b"])
    def test_what_is_no_key_is_400_and_writes_nothing(self, client, key):
        response = put_up(client, key)
        assert (response.status_code, response.json()["code"]) == (400, "parse_error")
        assert "Idempotency-Key" in response.json()["detail"]
        assert not Shelf.objects.exists()

    def test_a_request_without_a_key_is_400_where_one_is_required(self, client):
        response = client.post("/keyed/", {"name": "A"})
        assert (response.status_code, response.json()["code"]) == (400, "parse_error")
        assert "Idempotency-Key" in response.json()["detail"]
        assert not Shelf.objects.exists()
        assert put_up(client, path="/keyed/").status_code == 201
        assert client.get("/keyed/").status_code == 200

    def test_a_method_that_is_not_there_is_405(self, client):
        response = client.put("/shelves/", {}, headers={"Idempotency-Key": "k1"})
        assert response.status_code == 405
        assert not StoredAnswer.objects.exists()


class TestFailures:
    @pytest.mark.parametrize(("name", "status"), [("raise", 409), ("refuse", 422), ("break", 500)])
    def test_an_error_is_not_stored_and_what_was_written_is_rolled_back(self, client, name, status):
        for _ in range(2):
            response = put_up(client, name=name)
            assert response.status_code == status
            assert "Idempotency-Replayed" not in response
        assert not Shelf.objects.exists()
        assert not StoredAnswer.objects.exists()

    def test_after_an_error_the_key_is_free_for_a_corrected_request(self, client):
        assert (
            client.post(
                "/shelves/", {"name": "refuse"}, headers={"Idempotency-Key": "k1"}
            ).status_code
            == 422
        )
        assert put_up(client, "k1", "A").status_code == 201

    def test_a_body_that_cannot_be_read_is_400(self, client):
        response = client.generic(
            "POST",
            "/shelves/",
            "{",
            content_type="application/json",
            headers={"Idempotency-Key": "k1"},
        )
        assert response.status_code == 400
        assert not StoredAnswer.objects.exists()


class TestLifetime:
    def test_is_a_day(self, client):
        with time_machine.travel(NOON, tick=False) as clock:
            put_up(client)
            clock.move_to(NOON + timedelta(hours=23, minutes=59))
            assert put_up(client)["Idempotency-Replayed"] == "true"
            clock.move_to(NOON + timedelta(hours=24))
            assert put_up(client).json() == {"shelves": 2}
            assert put_up(client)["Idempotency-Replayed"] == "true"

    def test_cleanup_deletes_what_is_over_in_batches_and_nothing_else(self, client):
        with time_machine.travel(NOON, tick=False) as clock:
            for number in range(7):
                put_up(client, f"old {number}".replace(" ", "-"))
            clock.move_to(NOON + timedelta(hours=24))
            put_up(client, "new")
            printed = StringIO()
            with CaptureQueriesContext(connection) as captured:
                call_command("idempotency_cleanup", batch=3, stdout=printed)
        assert printed.getvalue().endswith("7 answers deleted\n")
        assert StoredAnswer.objects.count() == 1
        deletions = [one for one in captured if one["sql"].startswith("DELETE")]
        assert len(deletions) == 3

    def test_cleanup_leaves_a_key_alone_that_is_used_anew_meanwhile(self, client):
        def use_anew(execute, sql, *rest):
            # Another client's request, between what cleanup has read and what it deletes.
            if sql.startswith("DELETE"):
                StoredAnswer.objects.update(created_at=timezone.now())
            return execute(sql, *rest)

        with time_machine.travel(NOON, tick=False) as clock:
            put_up(client)
            clock.move_to(NOON + timedelta(hours=24))
            with connection.execute_wrapper(use_anew):
                call_command("idempotency_cleanup", stdout=StringIO())
            assert put_up(client)["Idempotency-Replayed"] == "true"


def test_neither_key_nor_caller_is_stored(client):
    put_up(client, "a-telling-key")
    stored = StoredAnswer.objects.get()
    assert "telling" not in f"{stored.pk}{stored.fingerprint}{stored.headers}{bytes(stored.body)!r}"
