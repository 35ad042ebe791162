"""Limits before permissions, and what a caller can learn about their own budgets."""

import pytest

from backstay.counters import counted
from tests.backstay.throttling.routes import (
    RATES,
    Asked,
    anonymous,
    configure,
    customer,
    member,
)


@pytest.mark.A6
@pytest.mark.usefixtures("either")
class TestThrottlesFirst:
    def test_anonymous_is_refused_by_the_limit_however_often_permission_refuses(self, settings):
        configure(settings, anon="2/hour")
        assert anonymous().statuses("/members-counted/", 4) == [401, 401, 429, 429]

    def test_without_it_such_a_flood_is_never_limited(self, settings):
        configure(settings, anon="2/hour")
        assert anonymous().statuses("/members/", 4) == [401] * 4

    def test_customer_without_permission_is_limited_too(self, settings):
        configure(settings, user="2/hour")
        assert customer().statuses("/staff-counted/", 4) == [403, 403, 429, 429]

    @pytest.mark.parametrize(
        ("path", "extra", "status"),
        [
            ("/members-counted/", {"HTTP_ACCEPT": "application/xml"}, 406),
            ("/v9/members-counted/", {}, 404),
        ],
    )
    def test_what_cannot_be_answered_is_charged(self, settings, path, extra, status):
        configure(settings, user="2/hour")
        responses = [customer().get(path, **extra) for _ in range(3)]
        assert [response.status_code for response in responses] == [status, status, 429]
        assert all("RateLimit" in response.headers for response in responses)

    def test_a_refused_credential_is_charged_as_that_alone(self, settings):
        configure(settings, anon="1/hour")
        responses = [anonymous().get("/members-counted/", HTTP_X_ACTOR="bad") for _ in range(3)]
        assert [response.status_code for response in responses] == [401] * 3
        assert anonymous().get("/usual/").status_code == 200

    def test_each_request_is_charged_once(self, settings):
        configure(settings, user="2/hour")
        assert customer().statuses("/members-counted/", 3) == [200, 200, 429]

    def test_a_throttle_of_another_make_is_asked_once(self, settings, monkeypatch):
        configure(settings)
        monkeypatch.setattr(Asked, "times", 0)
        customer().get("/members-counted/")
        assert Asked.times == 1


def budgets(caller, path="/budgets/"):
    response = caller.get(path)
    assert response.status_code == 200
    return {one.pop("name"): one for one in response.json()["limits"]}


@pytest.mark.T3
@pytest.mark.usefixtures("either")
class TestBudgets:
    def test_anonymous_sees_those_of_the_address(self, settings):
        configure(settings)
        assert list(budgets(anonymous())) == ["anon", "search", "login", "export"]

    def test_customer_sees_those_of_the_account(self, settings):
        configure(settings)
        assert list(budgets(customer())) == ["user", "search", "login", "export"]

    def test_member_sees_that_of_the_organization_too(self, settings):
        configure(settings)
        settings.BACKSTAY = {**settings.BACKSTAY, "PLAN_RATES": {"pro": "7/minute"}}
        for _ in range(2):
            member(8, plan="pro").get("/usual/")
        found = budgets(member(7, plan="pro"))
        assert list(found) == ["user", "organization", "search", "login", "export"]
        assert found["organization"]["remaining"] == 5

    def test_tell_limit_window_and_what_is_left(self, settings):
        configure(settings, user="5/minute;50/hour")
        fresh = {"limit": 5, "window_seconds": 60, "remaining": 5, "reset_after_seconds": 0}
        assert budgets(customer())["user-minute"] == fresh
        customer().get("/usual/")
        found = budgets(customer())
        assert found["user-minute"]["remaining"] == 4
        assert 59 <= found["user-minute"]["reset_after_seconds"] <= 61
        assert found["user-hour"]["remaining"] == 49

    def test_used_up_are_told_too(self, settings):
        configure(settings, user="1/hour")
        customer().statuses("/usual/", 3)
        assert budgets(customer())["user"]["remaining"] == 0
        assert budgets(customer(8))["user"]["remaining"] == 1

    def test_cost_nothing_and_are_not_limited(self, settings):
        configure(settings, **dict.fromkeys(RATES, "1/hour"))
        for caller in (anonymous(), customer(), member()):
            seen = [caller.get("/budgets/").json() for _ in range(5)]
            assert seen == [seen[0]] * 5
        assert customer().get("/usual/?search=a").status_code == 200

    def test_are_kept_by_no_cache_and_have_no_budget_of_their_own(self, settings):
        configure(settings)
        headers = customer().get("/budgets/").headers
        assert headers["Cache-Control"] == "no-store"
        assert "RateLimit" not in headers

    def test_show_only_the_login_where_the_project_has_no_default_limits(self, settings):
        configure(settings)
        assert list(budgets(customer(), "/usual-budgets/")) == ["login"]

    def test_show_the_projects_default_limits(self, settings):
        configure(settings)
        default = {"DEFAULT_THROTTLE_CLASSES": ["backstay.throttling.UserRateThrottle"]}
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **default}
        assert list(budgets(customer(), "/usual-budgets/")) == ["user", "login"]

    def test_show_no_limit_in_shadow(self, settings):
        configure(settings)
        assert not {"tried", "tried_too"} & {*budgets(customer(), "/trial-budgets/")}

    def test_with_a_refused_credential_are_401(self, settings):
        configure(settings)
        assert anonymous().get("/budgets/", HTTP_X_ACTOR="bad").status_code == 401


@pytest.mark.T3
@pytest.mark.usefixtures("redis")
def test_all_budgets_take_one_trip(settings):
    configure(settings)
    before = counted("store")
    budgets(member())
    assert counted("store") == before + 1
