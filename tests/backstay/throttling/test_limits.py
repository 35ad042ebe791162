"""All limits of a request are decided in one step, at most once, whoever asks first."""

import socket

import pytest
from django.test import RequestFactory
from rest_framework.request import Request

from backstay.counters import counted
from backstay.throttling import limits_of
from backstay.throttling.limits import decided
from tests.backstay.throttling.routes import (
    Actor,
    Caller,
    Page,
    anonymous,
    configure,
    customer,
    member,
)


@pytest.fixture
def unreachable():
    """The address of a Redis that refuses connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    return f"redis://127.0.0.1:{port}/0"


def remaining(caller, path="/budgets/"):
    """What is left of each budget; asking charges nothing."""
    return {one["name"]: one["remaining"] for one in caller.get(path).json()["limits"]}


@pytest.mark.T3
@pytest.mark.usefixtures("redis")
class TestTrips:
    """Counted by the one client of Redis that there is."""

    @pytest.mark.parametrize("path", ["/usual/?search=a", "/one-trip/?search=a", "/export/"])
    @pytest.mark.parametrize("caller", [customer(), member()], ids=["customer", "member"])
    def test_all_rules_take_one(self, settings, path, caller):
        configure(settings)
        before = counted("store")
        assert caller.get(path).status_code == 200
        assert counted("store") == before + 1

    def test_an_authenticator_of_ours_takes_them_along(self, settings):
        configure(settings, user="1/hour")
        before = counted("store")
        assert customer().statuses("/one-trip/", 2) == [200, 429]
        assert counted("store") == before + 2

    def test_rules_in_shadow_are_in_it(self, settings):
        configure(settings)
        before = counted("store")
        assert customer().get("/trial/").status_code == 200
        assert counted("store") == before + 1

    def test_a_view_without_limits_takes_none(self, settings):
        configure(settings)
        before = counted("store")
        assert customer().get("/unlimited/").status_code == 200
        assert anonymous().get("/plain/").status_code == 200
        assert counted("store") == before


@pytest.mark.T1
@pytest.mark.usefixtures("either")
class TestOnce:
    @pytest.mark.parametrize("path", ["/usual/", "/one-trip/"])
    def test_each_request_is_charged_once(self, settings, path):
        configure(settings, user="3/hour")
        assert member().statuses(path, 4) == [200, 200, 200, 429]

    def test_a_request_that_is_dispatched_again_is_not_charged_again(self, settings):
        configure(settings, user="2/hour")
        assert customer().statuses("/twice/", 3) == [200, 200, 429]

    def test_a_throttle_asked_by_hand_is_charged_once_beside_those_of_the_view(self, settings):
        configure(settings, user="3/hour", burst="2/hour")
        assert customer().statuses("/by-hand/", 3) == [200, 200, 429]
        assert customer().statuses("/usual/", 1) == [429]  # Three are charged to the user.

    def test_a_view_may_choose_its_throttles_by_the_user(self, settings):
        configure(settings, user="2/hour", anon="1/hour")
        assert customer().statuses("/curious/", 3) == [200, 200, 429]
        assert anonymous().statuses("/curious/", 2) == [200, 429]


@pytest.mark.T2
@pytest.mark.usefixtures("either")
class TestRefusal:
    @pytest.mark.parametrize("path", ["/usual/?search=a", "/one-trip/?search=a"])
    @pytest.mark.parametrize(
        ("rates", "refusing"),
        [({"search": "1/hour"}, "search"), ({"user": "1/hour"}, "user")],
    )
    def test_charges_nothing_anywhere(self, settings, path, rates, refusing):
        configure(settings, **rates)
        caller = member()
        assert caller.statuses(path, 6) == [200] + [429] * 5
        left = remaining(caller)
        assert left.pop(refusing) == 0
        assert left["organization"] == 99
        assert left["user" if refusing == "search" else "search"] == 99

    def test_counts_the_rules_that_refused(self, settings):
        configure(settings, user="1/hour")
        before = [counted("throttle", outcome="refused", rule=rule) for rule in ("user", "search")]
        customer().statuses("/usual/?search=a", 3)
        after = [counted("throttle", outcome="refused", rule=rule) for rule in ("user", "search")]
        assert [new - old for new, old in zip(after, before, strict=True)] == [2, 0]

    def test_runs_no_view(self, settings):
        configure(settings, user="1/hour")
        customer().get("/one-trip/")
        before = Page.served
        assert customer().get("/one-trip/").status_code == 429
        assert Page.served == before


@pytest.mark.usefixtures("either")
class TestEndedSession:
    @pytest.mark.T3
    def test_is_charged_to_nobody(self, settings):
        configure(settings, user="2/hour")
        closed = [customer().get("/one-trip/", HTTP_X_GATE="closed") for _ in range(9)]
        assert {response.status_code for response in closed} == {401}
        assert customer().statuses("/one-trip/", 3) == [200, 200, 429]

    @pytest.mark.T1
    def test_that_has_to_be_looked_up_is_charged_after_it(self, settings):
        configure(settings, user="2/hour")
        unsure = [customer().get("/one-trip/", HTTP_X_GATE="unsure") for _ in range(3)]
        assert [response.status_code for response in unsure] == [200, 200, 429]


@pytest.mark.once
class TestAuthenticatorWithoutAView:
    def test_has_nothing_to_ask(self):
        request = Request(RequestFactory().get("/"))
        limits = limits_of(request, Actor(7))
        assert limits.parts == []
        limits.settle([])
        assert decided(request).decisions == []


@pytest.mark.F1
@pytest.mark.once
class TestOutage:
    @pytest.fixture(autouse=True)
    def out(self, settings, unreachable):
        settings.BACKSTAY = {"REDIS_URL": unreachable, "WORKERS": 2}

    @pytest.mark.parametrize("path", ["/usual/", "/one-trip/"])
    def test_each_worker_counts_its_part(self, settings, path):
        configure(settings, user="4/hour")
        assert customer().statuses(path, 3) == [200, 200, 429]

    def test_an_open_rule_refuses_nobody_and_claims_nothing(self, settings):
        configure(settings, open="1/hour")
        responses = [customer().get("/open/") for _ in range(3)]
        assert {response.status_code for response in responses} == {200}
        assert "RateLimit" not in responses[0].headers

    def test_an_open_rule_opens_no_other(self, settings):
        configure(settings, open="1/hour", user="4/hour")
        assert customer().statuses("/open-and-local/", 3) == [200, 200, 429]

    def test_a_closed_rule_is_503_and_charges_nothing(self, settings):
        configure(settings, user="4/hour")
        responses = [customer().get("/closed/") for _ in range(5)]
        assert {response.status_code for response in responses} == {503}
        assert responses[0].json()["code"] == "service_unavailable"
        assert int(responses[0].headers["Retry-After"]) >= 1
        assert customer().statuses("/usual/", 3) == [200, 200, 429]

    def test_a_rule_in_shadow_still_refuses_nobody(self, settings):
        configure(settings, tried="2/hour", user="100/hour")
        assert customer().statuses("/trial/", 5) == [200] * 5

    @pytest.mark.A6
    def test_a_login_stays_bounded(self, settings):
        configure(settings, login="4/hour")
        responses = [anonymous().post("/login/", {}) for _ in range(3)]
        assert [response.status_code for response in responses] == [201, 201, 429]

    @pytest.mark.T3
    def test_is_told_in_what_the_worker_has_left(self, settings):
        configure(settings, user="4/hour")
        headers = customer().get("/usual/").headers
        assert headers["RateLimit-Policy"] == '"user";q=2;w=3600'
        assert headers["RateLimit"].startswith('"user";r=1;t=')


@pytest.mark.T5
@pytest.mark.usefixtures("either")
def test_one_caller_does_not_count_as_another(settings):
    configure(settings, user="1/hour")
    callers = [customer(7), customer(70), Caller("192.0.2.1", "77")]
    assert [caller.statuses("/usual/", 2) for caller in callers] == [[200, 429]] * 3
