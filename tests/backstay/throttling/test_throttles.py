"""The throttles in front of views, as a client meets them."""

import hashlib
import unicodedata

import pytest
import time_machine
from django.core.exceptions import ImproperlyConfigured
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.test import APIClient, APIRequestFactory

from backstay.counters import counted
from backstay.throttling import Charge, Rate, RateThrottle, ScopedRateThrottle, account_bucket
from tests.backstay.throttling.conftest import REST_FRAMEWORK, project
from tests.backstay.throttling.limiters import call
from tests.backstay.throttling.routes import (
    Asked,
    Caller,
    Page,
    anonymous,
    configure,
    customer,
    member,
)
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


def limits(settings, *, backstay=None, **rates):
    """The project of ``routes`` under these rates."""
    configure(settings, **rates)
    settings.BACKSTAY = {**settings.BACKSTAY, **(backstay or {})}


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestAnon:
    def test_anonymous_is_bounded_by_address(self, settings):
        limits(settings, anon="2/hour")
        assert anonymous(1).statuses("/usual/", 3) == [200, 200, 429]
        assert anonymous(2).statuses("/usual/", 1) == [200]

    def test_customer_is_not_charged(self, settings):
        limits(settings, anon="2/hour")
        assert customer().statuses("/usual/", 4) == [200] * 4
        assert anonymous().statuses("/usual/", 1) == [200]


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestUser:
    def test_customer_is_bounded_by_account_whatever_the_address(self, settings):
        limits(settings, user="2/hour")
        callers = [Caller(f"192.0.2.{number}", "7") for number in range(3)]
        assert [caller.get("/usual/").status_code for caller in callers] == [200, 200, 429]
        assert customer(8).statuses("/usual/", 1) == [200]

    def test_anonymous_is_counted_as_anonymous_only_where_both_are_set(self, settings):
        limits(settings, user="1/hour", anon="3/hour")
        assert anonymous().statuses("/usual/", 4) == [200, 200, 200, 429]

    @pytest.mark.parametrize("path", ["/export/", "/usual/"])
    def test_anonymous_is_bounded_by_address_where_nothing_else_does(self, settings, path):
        limits(settings, user="2/hour", anon=None)
        assert anonymous(1).statuses(path, 3) == [200, 200, 429]
        assert anonymous(2).statuses(path, 1) == [200]

    def test_account_and_address_of_one_number_are_two_buckets(self, settings):
        limits(settings, user="1/hour")
        assert Caller("0.0.0.7").statuses("/export/", 1) == [200]
        assert customer(7).statuses("/export/", 1) == [200]


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestScoped:
    def test_each_scope_counts_by_itself(self, settings):
        limits(settings, **{"export": "1/hour", "import": "1/hour"})
        assert customer().statuses("/export/", 2) == [200, 429]
        assert customer().statuses("/import/", 2) == [200, 429]

    def test_each_caller_counts_by_itself(self, settings):
        limits(settings, export="1/hour")
        callers = [customer(7), customer(8), anonymous(1), anonymous(2)]
        assert [caller.statuses("/export/", 2) for caller in callers] == [[200, 429]] * 4

    def test_a_view_without_a_scope_is_not_charged(self, settings):
        limits(settings, export="1/hour")
        view = Page.as_view(throttle_classes=(ScopedRateThrottle,))
        responses = [view(APIRequestFactory().get("/")) for _ in range(3)]
        assert statuses(responses) == [200] * 3


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestSearch:
    def test_only_searching_is_charged(self, settings):
        limits(settings, search="1/hour")
        paths = ["/usual/", "/usual/?search=a", "/usual/?search=b", "/usual/", "/usual/?q=b"]
        caller = customer()
        assert statuses(caller.get(path) for path in paths) == [200, 200, 429, 200, 200]

    def test_a_search_by_another_name_is_charged_too(self, settings):
        limits(settings, search="1/hour")
        caller = customer()
        paths = [
            "/finding/?q=a",
            "/finding/?q=b",
            "/finding/?search=c",
            "/finding/",
            "/finding/?p=d",
        ]
        assert statuses(caller.get(path) for path in paths) == [200, 429, 429, 200, 200]

    @pytest.mark.T2
    def test_a_refused_search_is_not_charged_to_the_user(self, settings):
        limits(settings, search="1/hour", user="3/hour")
        caller = customer()
        paths = ["/usual/?search=a"] * 9 + ["/usual/"] * 3
        refused = [429] * 8
        assert statuses(caller.get(path) for path in paths) == [200, *refused, 200, 200, 429]

    def test_a_user_out_of_calls_is_not_charged_for_searching(self, settings):
        limits(settings, search="2/hour", user="1/hour")
        caller = customer()
        assert statuses(caller.get("/usual/?search=a") for _ in range(5)) == [200] + [429] * 4
        limits(settings, search="2/hour", user="100/hour")
        assert statuses(caller.get("/usual/?search=a") for _ in range(2)) == [200, 429]


PLANS = {"free": "2/hour", "pro": "4/hour", "enterprise": None}


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestOrganization:
    def test_members_share_the_limit_of_their_plan(self, settings):
        limits(settings, backstay={"PLAN_RATES": PLANS})
        callers = [member(number, of=3) for number in (7, 8, 9)]
        assert [caller.get("/usual/").status_code for caller in callers] == [200, 200, 429]
        assert member(7, of=4).statuses("/usual/", 1) == [200]

    def test_nobody_else_is_charged(self, settings):
        limits(settings, backstay={"PLAN_RATES": PLANS})
        for caller in (customer(), anonymous()):
            assert caller.statuses("/usual/", 5) == [200] * 5

    def test_an_upgrade_counts_at_once_and_refills_nothing(self, settings):
        limits(settings, backstay={"PLAN_RATES": PLANS})
        assert member(plan="free").statuses("/usual/", 3) == [200, 200, 429]
        assert member(plan="pro").statuses("/usual/", 3) == [200, 200, 429]
        assert member(plan="enterprise").statuses("/usual/", 3) == [200] * 3

    def test_a_downgrade_counts_at_once_and_keeps_what_was_used(self, settings):
        limits(settings, backstay={"PLAN_RATES": PLANS})
        assert member(plan="pro").statuses("/usual/", 3) == [200] * 3
        assert member(plan="free").statuses("/usual/", 1) == [429]

    def test_another_rate_for_the_plan_counts_at_once(self, settings):
        limits(settings, backstay={"PLAN_RATES": {"free": "1/hour"}})
        assert member().statuses("/usual/", 2) == [200, 429]
        limits(settings, backstay={"PLAN_RATES": {"free": "2/hour"}})
        assert member().statuses("/usual/", 2) == [200, 429]

    def test_several_windows_of_a_plan_all_hold(self, settings):
        limits(settings, backstay={"PLAN_RATES": {"free": "9/minute;1/hour"}})
        response = [member().get("/usual/") for _ in range(2)][1]
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) > 60

    def test_the_project_may_say_which_organization_and_plan(self, settings):
        hook = {"ORGANIZATION_OF": lambda user: (user.pk % 2, "free") if user.pk else None}
        limits(settings, backstay={"PLAN_RATES": PLANS, **hook})
        callers = [customer(7), customer(9), customer(11), customer(8), customer(0)]
        assert [caller.get("/usual/").status_code for caller in callers] == [
            200,
            200,
            429,
            200,
            200,
        ]

    @pytest.mark.parametrize(
        ("rates", "said"),
        [
            ({"pro": "5/hour"}, r"PLAN_RATES.*'free'"),
            ({"free": "5/month"}, r"PLAN_RATES.*'free'.*5/month"),
        ],
    )
    def test_a_plan_without_a_rate_is_named(self, settings, rates, said):
        limits(settings, backstay={"PLAN_RATES": rates})
        settings.DEBUG_PROPAGATE_EXCEPTIONS = True
        with pytest.raises(ImproperlyConfigured, match=said):
            member().get("/usual/")


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestShadow:
    def test_refuses_nobody(self, settings):
        limits(settings, tried="1/hour")
        assert customer().statuses("/trial/", 5) == [200] * 5

    def test_counts_what_it_would_refuse(self, settings):
        limits(settings, tried="2/hour")
        before = outcomes("tried")
        customer().statuses("/trial/", 5)
        assert changed(outcomes("tried"), before) == {"allowed": 2, "would_refuse": 3}

    def test_of_one_limit_hides_no_other(self, settings):
        limits(settings, tried="1/hour", tried_too="3/hour", user="4/hour")
        before = outcomes("tried_too")
        assert customer().statuses("/trial/", 5) == [200] * 4 + [429]
        assert changed(outcomes("tried_too"), before) == {"allowed": 3, "would_refuse": 1}

    @pytest.mark.T2
    def test_is_not_charged_for_what_another_limit_refuses(self, settings):
        limits(settings, tried="2/hour", user="1/hour")
        before = outcomes("tried")
        assert customer().statuses("/trial/", 5) == [200] + [429] * 4
        assert changed(outcomes("tried"), before) == {"allowed": 1}

    def test_is_not_told_to_the_client(self, settings):
        limits(settings)
        assert "tried" not in str(customer().get("/trial/").headers)


def outcomes(rule):
    names = ("allowed", "refused", "would_refuse")
    return {name: counted("throttle", rule=rule, outcome=name) for name in names}


def changed(after, before):
    return {name: after[name] - before[name] for name in after if after[name] != before[name]}


@pytest.mark.T5
@pytest.mark.usefixtures("either")
class TestRates:
    def test_are_read_at_use(self, settings):
        limits(settings, user="1/hour")
        assert customer().statuses("/usual/", 2) == [200, 429]
        limits(settings, user="2/hour")
        assert customer().statuses("/usual/", 2) == [200, 429]

    def test_of_a_class_hold_instead_of_those_of_the_settings(self, settings):
        limits(settings)
        assert customer().statuses("/own/", 3) == [200, 200, 429]

    def test_of_a_class_count_by_its_own_scope(self, settings):
        limits(settings, user="3/hour")
        customer().statuses("/own/", 2)
        assert customer().statuses("/usual/", 4) == [200, 200, 200, 429]

    def test_of_a_class_without_a_scope_count_by_its_name(self):
        kind = type("Nightly", (RateThrottle,), {"rate": "2/day"})
        assert kind().charge("user:7") == [Charge("Nightly", "user:7", Rate(2, 86_400))]

    def test_a_scope_without_one_is_named(self, settings):
        limits(settings)
        rates = {"DEFAULT_THROTTLE_RATES": {"user": None}}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}
        settings.DEBUG_PROPAGATE_EXCEPTIONS = True
        with pytest.raises(ImproperlyConfigured, match=r"DEFAULT_THROTTLE_RATES.*'export'"):
            customer().get("/export/")

    def test_of_none_is_no_limit(self, settings):
        limits(settings, user=None)
        assert customer().statuses("/usual/", 9) == [200] * 9


@pytest.mark.usefixtures("either")
class TestThrottleOfAnotherMake:
    @pytest.fixture(autouse=True)
    def asked(self, monkeypatch):
        monkeypatch.setattr(Asked, "times", 0)

    def test_is_asked_as_drf_does(self, settings, monkeypatch):
        limits(settings)
        assert customer().get("/beside/").status_code == 200
        monkeypatch.setattr(Asked, "allows", False)
        response = customer().get("/beside/")
        assert (response.status_code, response.headers["Retry-After"]) == (429, "7")

    def test_is_not_asked_where_ours_refuse(self, settings):
        limits(settings, user="1/hour")
        customer().statuses("/beside/", 3)
        assert Asked.times == 1
