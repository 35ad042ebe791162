"""The throttles in front of views, as a client meets them."""

import hashlib
import unicodedata

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient

from backstay.counters import counted
from backstay.throttling import account_bucket
from tests.backstay.throttling.conftest import REST_FRAMEWORK, project
from tests.backstay.throttling.limiters import call
from tests.backstay.throttling.urls import After


@pytest.fixture
def api():
    return APIClient()


class Client:
    """Logs in from one address after the other."""

    def __init__(self, api):
        self.api = api
        self.number = 0

    def post(self, body, address=None, **extra):
        if address is None:
            self.number += 1
            address = f"192.0.2.{self.number}"
        return self.api.post("/login/", body, REMOTE_ADDR=address, **extra)


@pytest.fixture
def client(api):
    return Client(api)


def statuses(responses):
    return [response.status_code for response in responses]


ONE_TOO_MANY = [200] * 5 + [429]


@pytest.mark.A6
@pytest.mark.usefixtures("either")
class TestLogin:
    def test_of_one_address_is_bounded_whatever_the_account(self, client):
        bodies = [{"email": f"{number}@shop.example"} for number in range(6)]
        assert statuses(client.post(body, "192.0.2.1") for body in bodies) == ONE_TOO_MANY

    def test_to_one_account_is_bounded_whatever_the_address(self, client):
        body = {"email": "ada@shop.example"}
        assert statuses(client.post(body) for _ in range(6)) == ONE_TOO_MANY

    def test_by_others_goes_on_while_one_account_is_refused(self, client):
        for _ in range(6):
            client.post({"email": "ada@shop.example"})
        assert client.post({"email": "bob@shop.example"}).status_code == 200

    @pytest.mark.T2
    def test_that_is_refused_for_its_account_is_not_charged_to_its_address(self, client):
        for _ in range(5):
            client.post({"email": "ada@shop.example"})
        for _ in range(9):
            assert client.post({"email": "ada@shop.example"}, "203.0.113.9").status_code == 429
        others = [client.post({"email": f"{n}@shop.example"}, "203.0.113.9") for n in range(6)]
        assert statuses(others) == ONE_TOO_MANY

    @pytest.mark.parametrize(
        "spelling",
        [
            "ADA@shop.example",
            "  ada@shop.example\t",
            "\u3000ada@shop.example\u00a0",
            "\uff21\uff24\uff21@shop.example",
            "ada@\u017fhop.example",
        ],
    )
    def test_to_one_account_in_another_spelling_is_the_same_account(self, client, spelling):
        for _ in range(5):
            client.post({"email": "ada@shop.example"})
        assert client.post({"email": spelling}).status_code == 429

    def test_to_an_account_by_number_is_the_same_account(self, client):
        for _ in range(5):
            client.post({"email": "17"})
        assert client.post({"email": 17}).status_code == 429

    @pytest.mark.parametrize("form", ["json", "multipart", "urlencoded"])
    def test_is_counted_by_account_in_every_form_of_body(self, client, form):
        for _ in range(5):
            client.post({"email": "ada@shop.example"})
        if form == "urlencoded":
            extra = {"content_type": "application/x-www-form-urlencoded"}
            response = client.post("email=ada%40shop.example", **extra)
        else:
            response = client.post({"email": "ada@shop.example"}, format=form)
        assert response.status_code == 429

    @pytest.mark.E1
    @pytest.mark.parametrize(
        "body",
        [
            *({}, [], [{"email": "ada@shop.example"}], "text", 5, None),
            *({"email": None}, {"email": ["a"]}, {"email": {"a": 1}}, {"email": True}),
            *({"Email": "ada@shop.example"}, {"email": ""}),
        ],
    )
    def test_with_a_body_that_names_no_account_is_charged_to_the_address(self, client, body):
        assert statuses(client.post(body, "192.0.2.1") for _ in range(6)) == ONE_TOO_MANY

    @pytest.mark.E1
    @pytest.mark.parametrize(
        ("body", "content_type", "status", "code"),
        [
            (b'{"email": ', "application/json", 400, "parse_error"),
            (b'{"email": "\\ud800"}', "application/json", 400, "parse_error"),
            (b"\xff\xfe", "application/json", 400, "parse_error"),
            (b"--x", "multipart/form-data", 400, "parse_error"),
            (b"<email/>", "application/xml", 415, "unsupported_media_type"),
        ],
    )
    def test_that_cannot_be_read_is_told_so_and_charged_to_the_address(
        self, client, body, content_type, status, code
    ):
        for _ in range(5):
            response = client.post(body, "192.0.2.1", content_type=content_type)
            assert (response.status_code, response.json()["code"]) == (status, code)
        response = client.post(body, "192.0.2.1", content_type=content_type)
        assert response.status_code == 429

    def test_whose_form_was_read_before_is_counted_by_account(self, client, settings):
        settings.MIDDLEWARE = ["tests.backstay.throttling.urls.read_form"]
        body = {"email": "ada@shop.example"}
        responses = [client.post(body, format="multipart") for _ in range(6)]
        assert statuses(responses) == ONE_TOO_MANY
        assert responses[0].json()["got"] == body

    @pytest.mark.E1
    def test_longer_than_django_keeps_is_413(self, client, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        assert client.post({"email": "ada@shop.example"}).status_code == 413

    @pytest.mark.T4
    @pytest.mark.parametrize("header", ["X_FORWARDED_FOR", "FORWARDED", "X_REAL_IP"])
    def test_with_another_forged_address_each_time_is_one_client(self, client, header):
        responses = [
            client.post({}, "203.0.113.9", **{f"HTTP_{header}": f"198.51.100.{number}"})
            for number in range(6)
        ]
        assert statuses(responses) == ONE_TOO_MANY

    @pytest.mark.T4
    def test_from_one_ipv6_network_is_one_client(self, client):
        responses = [client.post({}, f"2001:db8::{number}") for number in range(6)]
        assert statuses(responses) == ONE_TOO_MANY

    @pytest.mark.T2
    def test_that_is_refused_asks_no_later_throttle(self, client):
        for _ in range(5):
            client.post({}, "192.0.2.1")
        before = After.asked
        client.post({}, "192.0.2.1")
        assert After.asked == before

    def test_refused_is_a_problem_with_whole_seconds_to_wait(self, client):
        for _ in range(5):
            client.post({}, "192.0.2.1")
        response = client.post({}, "192.0.2.1")
        assert response.json()["code"] == "throttled"
        assert 59 <= int(response.headers["Retry-After"]) <= 61

    def test_is_counted_by_its_outcome(self, client):
        before = [counted("throttle", rule="login", outcome=o) for o in ("allowed", "refused")]
        for _ in range(8):
            client.post({"email": "ada@shop.example"}, "192.0.2.1")
        after = [counted("throttle", rule="login", outcome=o) for o in ("allowed", "refused")]
        assert [new - old for new, old in zip(after, before, strict=True)] == [5, 3]

    @pytest.mark.T5
    def test_without_a_rate_has_no_limit(self, client, settings):
        rates = {"DEFAULT_THROTTLE_RATES": {"login": None}}
        settings.REST_FRAMEWORK = {**REST_FRAMEWORK, **rates}
        assert statuses(client.post({}, "192.0.2.1") for _ in range(20)) == [200] * 20


@pytest.mark.A6
@pytest.mark.T2
@pytest.mark.once
class TestLoginInTime:
    def test_is_possible_again_after_the_wait(self, client):
        with project(), time_machine.travel(1_800_000_000.4, tick=False) as clock:
            body = {"email": "ada@shop.example"}
            assert statuses(client.post(body) for _ in range(6)) == ONE_TOO_MANY
            clock.shift(20)
            wait = int(client.post(body).headers["Retry-After"])
            assert 40 <= wait <= 41
            clock.shift(wait)
            assert client.post(body).status_code == 200

    @pytest.mark.T5
    def test_is_bounded_by_every_window(self, client):
        rates = {"login": "2/minute;3/hour"}
        with project(rates=rates), time_machine.travel(1_800_000_000, tick=False) as clock:
            assert statuses(client.post({}, "192.0.2.1") for _ in range(3)) == [200, 200, 429]
            clock.shift(61)
            responses = [client.post({}, "192.0.2.1") for _ in range(2)]
            assert statuses(responses) == [200, 429]
            assert 3_500 < int(responses[1].headers["Retry-After"]) <= 3_600


@pytest.mark.A6
@pytest.mark.usefixtures("either")
class TestRefusedCredential:
    def test_is_401_until_the_address_has_used_up_its_tries_then_429(self, api, settings):
        rates = {"DEFAULT_THROTTLE_RATES": {"auth_failure": "3/minute"}}
        settings.REST_FRAMEWORK = {**REST_FRAMEWORK, **rates}
        responses = [api.get("/private/", REMOTE_ADDR="192.0.2.1") for _ in range(4)]
        assert statuses(responses) == [401, 401, 401, 429]
        assert int(responses[-1].headers["Retry-After"]) >= 1
        assert api.get("/private/", REMOTE_ADDR="192.0.2.2").status_code == 401


@pytest.mark.once
@pytest.mark.A6
class TestAccountBucket:
    @given(st.text(max_size=30))
    def test_is_one_for_all_that_a_careful_project_takes_for_one_name(self, name):
        lowered = unicodedata.normalize("NFKC", name).strip().lower()
        assert account_bucket(unicodedata.normalize("NFKC", lowered)) == account_bucket(name)

    @pytest.mark.E1
    @pytest.mark.parametrize("name", ["", "\x00", "\ud800", "a" * 10**6, "\u0301\u0316" * 10**6])
    def test_is_there_for_any_text(self, name):
        assert account_bucket(name).startswith("account:")

    @pytest.mark.M1
    def test_is_a_hash(self):
        digest = hashlib.sha256(b"ada@shop.example").hexdigest()
        assert account_bucket("Ada@shop.example") == f"account:{digest}"


@pytest.mark.M1
@pytest.mark.usefixtures("redis")
def test_no_name_reaches_redis(client):
    client.post({"email": "ada@shop.example", "password": "correct horse"})
    keys = call("KEYS", "backstay:throttle:*")
    kept = b" ".join(keys + [part for key in keys for part in call("HGETALL", key)])
    assert len(keys) == 2
    assert not any(word in kept for word in (b"ada", b"shop.example", b"correct"))
