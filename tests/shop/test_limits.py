"""What each call charges, by endpoint and actor, and what whoever is over a limit is told."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from shop.accounts.models import Membership
from tests.ratelimit_fields import told
from tests.shop import factories
from tests.shop.problems import assert_problem

pytestmark = pytest.mark.django_db

LIMITS = "/api/rate-limits/"
LOGIN = {"email": "nobody@shop.example", "password": "a wrong password"}
OWN_ORIGIN = {"HTTP_ORIGIN": "http://testserver"}
GARBLED = {"HTTP_AUTHORIZATION": "Bearer garbled"}
PRODUCTS = "/api/v2/products/"

#: Limits that are shown to a caller with an account, and are those of the address.
OF_THE_ADDRESS = {"login", "register", "refresh", "auth_failure"}


def left(client: APIClient) -> dict[str, int]:
    response = client.get(LIMITS)
    assert response.status_code == 200
    return {one["name"]: one["remaining"] for one in response.json()["limits"]}


def charged(client: Any, call: Callable[[], Any]) -> tuple[Any, set[str]]:
    """The answer to *call*, and every limit of the caller or of their address that it charged."""
    stranger = APIClient()
    watched = [client, stranger] if client._credentials else [stranger]
    before = [left(each) for each in watched]
    response = call()
    found = set()
    for each, was in zip(watched, before, strict=True):
        now = left(each)
        assert all(was[name] - now[name] in {0, 1} for name in was), (was, now)
        names = {name for name in was if was[name] != now[name]}
        if each is not watched[0]:
            names = {f"the address's {name}" for name in names - OF_THE_ADDRESS}
        found |= names
    return response, found


@pytest.fixture
def limited(settings) -> Callable[..., None]:
    """Other limits, by name; those of plans as a dict."""

    def limit(*, plans: dict[str, str] | None = None, **rates: str) -> None:
        framework = settings.REST_FRAMEWORK
        rates = {**framework["DEFAULT_THROTTLE_RATES"], **rates}
        settings.REST_FRAMEWORK = {**framework, "DEFAULT_THROTTLE_RATES": rates}
        plan_rates = {**settings.BACKSTAY["PLAN_RATES"], **(plans or {})}
        settings.BACKSTAY = {**settings.BACKSTAY, "PLAN_RATES": plan_rates}

    return limit


def statuses(client: Any, path: str, times: int, **extra: str) -> list[int]:
    return [client.get(path, **extra).status_code for _ in range(times)]


@pytest.mark.T5
class TestCharges:
    @pytest.mark.parametrize(
        ("actor", "method", "path", "status", "limits"),
        [
            # A call.
            ("anonymous", "get", "/api/v2/products/", 200, "anon"),
            ("anonymous", "head", "/api/v2/products/", 200, "anon"),
            ("anonymous", "get", "/api/v2/products/{product}/", 200, "anon"),
            ("anonymous", "get", "/api/v2/products/999999/", 404, "anon"),
            ("anonymous", "get", "/api/v9/products/", 404, "anon"),
            ("anonymous", "get", "/api/v2/products/?colour=red", 400, "anon"),
            ("anonymous", "get", "/api/v2/orders/", 401, "anon"),
            ("anonymous", "get", "/mobile/products/", 401, "anon"),
            ("anonymous", "get", "/api/token/sessions/", 401, "anon"),
            ("anonymous", "post", "/api/token/logout-all/", 401, "anon"),
            ("customer", "get", "/api/v2/products/", 200, "user"),
            ("customer", "options", "/api/v2/orders/", 200, "user"),
            ("customer", "put", "/api/v2/orders/", 405, "user"),
            ("customer", "post", "/api/v2/orders/", 400, "user"),
            ("customer", "post", "/api/v2/orders/{order}/ship/", 403, "user"),
            ("customer", "get", "/api/v1/reports/sales/", 403, "user"),
            ("customer", "get", "/api/v1/users/me/", 200, "user"),
            ("customer", "get", "/api/token/sessions/", 200, "user"),
            ("customer", "get", "/api/token/logout-all/", 405, "user"),
            ("owner", "get", "/api/v2/products/", 200, "user organization"),
            ("owner", "get", "/partners/v1/orders/999999/", 404, "user organization"),
            ("staff", "get", "/api/v1/reports/sales/", 200, "user"),
            # Searching and exporting charge a limit more.
            ("anonymous", "get", "/api/v2/products/?search=lamp", 200, "anon search"),
            ("customer", "get", "/api/v2/products/?search=", 200, "user search"),
            ("owner", "get", "/api/v2/products/?search=a", 200, "user organization search"),
            ("anonymous", "get", "/api/v2/orders/export/", 401, "anon export"),
            ("customer", "get", "/api/v2/orders/export/", 403, "user export"),
            ("owner", "get", "/api/v2/orders/export/", 200, "user organization export"),
            ("staff", "get", "/api/v2/orders/export/?format=csv", 200, "user export"),
            # Logging in, registering and refreshing charge one of their own and no other.
            ("anonymous", "post", "/api/token/", 400, "login"),
            ("owner", "post", "/api/token/?search=a", 400, "login"),
            ("anonymous", "post", "/api/token/cookie/", 400, "login"),
            ("anonymous", "post", "/api/v1/users/", 400, "register"),
            ("owner", "post", "/api/v2/users/?search=a", 400, "register"),
            ("anonymous", "post", "/api/token/refresh/", 400, "refresh"),
            ("owner", "post", "/api/token/verify/", 400, "refresh"),
            ("anonymous", "post", "/api/token/logout/", 400, "refresh"),
            ("anonymous", "post", "/api/token/cookie/refresh/", 401, "refresh"),
            ("anonymous", "post", "/api/token/cookie/logout/", 204, "refresh"),
            # Nothing.
            ("anonymous", "get", "/health/live/", 200, ""),
            ("anonymous", "get", "/.well-known/jwks.json", 200, ""),
            ("anonymous", "get", "/api/schema/?version=v2&search=a", 200, ""),
            ("customer", "get", "/api/docs/", 200, ""),
            ("anonymous", "get", "/api/docs/redoc/", 200, ""),
            ("anonymous", "get", "/admin/login/", 200, ""),
            ("customer", "get", "/api/rate-limits/", 200, ""),
            ("anonymous", "get", "/errors/throttled/", 200, ""),
            ("anonymous", "get", "/api/v2/products", 301, ""),
            ("anonymous", "get", "/nowhere/", 404, ""),
        ],
    )
    def test_are_those_of_the_table(
        self, client_of, product, order, actor, method, path, status, limits
    ):
        client = client_of(actor)
        body: Any = {} if method == "post" else None
        ids = {"product": product.pk, "order": order.pk}
        call = getattr(client, method)
        response, found = charged(client, lambda: call(path.format(**ids), body, **OWN_ORIGIN))
        assert response.status_code == status
        assert found == {*limits.split()}
        if limits:
            assert {*told(response)} == found
        else:
            assert "RateLimit" not in response.headers

    @pytest.mark.parametrize("by", [GARBLED, {"HTTP_COOKIE": "__Host-access=garbled"}])
    def test_of_a_refused_credential_are_of_the_address_and_of_nothing_else(self, anonymous, by):
        response, found = charged(anonymous, lambda: anonymous.get(PRODUCTS, **by))
        assert response.status_code == 401
        assert found == {*told(response)} == {"auth_failure"}

    def test_of_staff_in_the_browser_are_theirs(self, client, staff):
        client.force_login(staff)
        response, found = charged(APIClient(), lambda: client.get("/api/v1/reports/sales/"))
        assert response.status_code == 200
        assert found == set()
        assert {*told(response)} == {"user"}

    def test_of_staff_who_are_members_cost_no_query(
        self, signed_in, staff, organization, django_assert_num_queries
    ):
        Membership.objects.create(user=staff, organization=organization, role="member")
        client = signed_in(type(staff).objects.get(pk=staff.pk))
        with django_assert_num_queries(0):
            response = client.put("/api/v2/orders/")
        assert {*told(response)} == {"user", "organization"}

    def test_of_what_another_site_made_the_browser_send_are_none(self, as_customer, client):
        token = as_customer._credentials["HTTP_AUTHORIZATION"].removeprefix("Bearer ")
        client.cookies["__Host-access"] = token
        response, found = charged(
            as_customer,
            lambda: client.post("/api/v2/orders/", {}, HTTP_ORIGIN="https://evil.example"),
        )
        assert_problem(response, 403, "csrf_failed")
        assert found == set()

    @pytest.mark.A6
    def test_of_guessing_the_present_password_are_bounded_beside_the_users(self, as_customer):
        path = "/api/v1/users/me/password/"
        responses = [as_customer.post(path, {"current_password": "x"}) for _ in range(6)]
        assert [response.status_code for response in responses] == [400] * 5 + [429]
        assert {*told(responses[0])} == {"user", "login"}
        assert left(as_customer)["user"] == 995


@pytest.mark.T3
class TestAnswer:
    """Every answer of a route with limits tells them, whatever it is."""

    @pytest.mark.parametrize(
        ("actor", "method", "path", "extra", "status"),
        [
            ("owner", "get", PRODUCTS, {}, 200),
            ("owner", "post", PRODUCTS, {"data": "{", "content_type": "application/json"}, 400),
            ("anonymous", "get", "/api/v2/orders/", {}, 401),
            ("anonymous", "get", PRODUCTS, GARBLED, 401),
            ("owner", "get", "/api/v1/reports/sales/", {}, 403),
            ("owner", "get", "/api/v2/orders/999999/", {}, 404),
            ("owner", "get", "/mobile/orders/", {"HTTP_ACCEPT": "*/*; version=9"}, 406),
            ("owner", "patch", PRODUCTS, {}, 405),
            ("owner", "get", PRODUCTS, {"HTTP_ACCEPT": "text/csv"}, 406),
            ("owner", "post", PRODUCTS, {"CONTENT_LENGTH": "9999999"}, 413),
            ("owner", "post", PRODUCTS, {"data": "a=b", "content_type": "text/plain"}, 415),
        ],
    )
    def test_tells_them_to_pages_of_other_origins_too(
        self, settings, client_of, actor, method, path, extra, status
    ):
        settings.CORS_ALLOWED_ORIGINS = ["https://app.example"]
        call = getattr(client_of(actor), method)
        response = call(path, HTTP_ORIGIN="https://app.example", **extra)
        assert response.status_code == status
        budgets = told(response)
        assert all(0 < one["r"] <= one["q"] for one in budgets.values())
        exposed = response["Access-Control-Expose-Headers"].split(", ")
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= {*exposed}

    def test_tells_the_rates_of_each_plan(self, as_owner, organization):
        for plan, rate in (("free", 100), ("pro", 5_000), ("enterprise", 50_000)):
            organization.plan = plan
            organization.save()
            found = told(as_owner.get("/api/v2/orders/export/?search=a"))
            policies = {name: (one["q"], one["w"]) for name, one in found.items()}
            assert policies == {
                "user": (1_000, 3_600),
                "organization": (rate, 3_600),
                "search": (30, 60),
                "export": (10, 3_600),
            }

    @pytest.mark.once
    @pytest.mark.T2
    @pytest.mark.parametrize(
        ("method", "path", "body", "served", "times"),
        [
            ("get", "/api/v2/products/", None, 200, 60),
            ("get", "/api/v2/orders/", None, 401, 60),
            ("get", "/api/v2/products/?search=a", None, 200, 30),
            ("post", "/api/token/", LOGIN, 401, 5),
            ("post", "/api/token/cookie/", LOGIN, 401, 5),
            ("post", "/api/v1/users/", {}, 400, 10),
            ("post", "/api/token/refresh/", {"refresh": "x"}, 401, 60),
        ],
    )
    def test_over_a_limit_is_429_and_a_retry_when_it_says_is_served(
        self, anonymous, method, path, body, served, times
    ):
        def ask() -> Any:
            return getattr(anonymous, method)(path, body, **OWN_ORIGIN)

        with time_machine.travel(timezone.now(), tick=False) as clock:
            for _ in range(times):
                assert ask().status_code == served
                clock.shift(timedelta(milliseconds=1))
            standing = left(anonymous)
            for _ in range(3):
                response = ask()
                assert_problem(response, 429, "throttled")
                told(response)
            # A refusal charged nothing, here or anywhere else.
            assert left(anonymous) == standing
            clock.shift(timedelta(seconds=int(response["Retry-After"])))
            assert ask().status_code == served

    @pytest.mark.A6
    def test_to_a_flood_of_refused_tokens_is_429_and_to_a_good_one_of_the_address_is_not(
        self, anonymous, as_customer
    ):
        assert statuses(anonymous, PRODUCTS, 62, **GARBLED) == [401] * 60 + [429] * 2
        assert as_customer.get(PRODUCTS).status_code == 200


@pytest.mark.T4
class TestWhoIsCounted:
    @pytest.mark.parametrize(
        "header", ["HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_CLIENT_IP"]
    )
    @pytest.mark.parametrize("proxies", [[], ["10.0.0.0/8"]])
    def test_no_header_of_the_clients_own_gives_a_new_budget(
        self, settings, limited, anonymous, header, proxies
    ):
        settings.BACKSTAY = {**settings.BACKSTAY, "TRUSTED_PROXIES": proxies}
        limited(anon="3/hour")
        answers = []
        for number in range(5):
            value = f"for=198.51.100.{number}" if "FORWARDED" in header else f"198.51.100.{number}"
            value = value.removeprefix("for=") if header == "HTTP_X_FORWARDED_FOR" else value
            extra = {header: value}
            answers.append(anonymous.get(PRODUCTS, **extra).status_code)
        assert answers == [200, 200, 200, 429, 429]

    def test_clients_behind_a_trusted_proxy_are_told_apart_by_what_it_adds(
        self, settings, limited, anonymous
    ):
        settings.BACKSTAY = {**settings.BACKSTAY, "TRUSTED_PROXIES": ["10.0.0.0/8"]}
        limited(anon="1/hour")

        def ask(forwarded: str) -> int:
            extra = {"REMOTE_ADDR": "10.0.0.1", "HTTP_X_FORWARDED_FOR": forwarded}
            return anonymous.get(PRODUCTS, **extra).status_code

        assert [ask("192.0.2.1"), ask("192.0.2.2"), ask("198.51.100.7, 192.0.2.1")] == [
            200,
            200,
            429,
        ]

    @pytest.mark.parametrize(
        ("one", "other", "together"),
        [
            ("2001:db8::1", "2001:db8::ffff:1", True),
            ("2001:db8::1", "2001:db8:0:1::1", False),
            ("192.0.2.1", "::ffff:192.0.2.1", True),
            ("192.0.2.1", "192.0.2.2", False),
        ],
    )
    def test_an_ipv6_network_is_one_and_a_mapped_address_is_its_ipv4_one(
        self, limited, anonymous, one, other, together
    ):
        limited(anon="1/hour")
        assert anonymous.get(PRODUCTS, REMOTE_ADDR=one).status_code == 200
        expected = 429 if together else 200
        assert anonymous.get(PRODUCTS, REMOTE_ADDR=other).status_code == expected

    def test_a_caller_has_one_budget_over_all_mounts_and_versions(self, limited, as_customer):
        limited(user="5/hour")
        mounts = ("/api/v1", "/api/v2", "/mobile", "/partners/v1", "/partners/v2", "/api/v1")
        answers = [as_customer.get(f"{mount}/orders/").status_code for mount in mounts]
        assert answers == [200] * 5 + [429]

    def test_accounts_at_one_address_have_a_budget_each(
        self, limited, as_customer, as_other_customer, anonymous
    ):
        limited(user="1/hour", anon="1/hour")
        for client in (as_customer, as_other_customer, anonymous):
            assert statuses(client, PRODUCTS, 2) == [200, 429]


@pytest.mark.T5
class TestPlan:
    def test_members_of_an_organization_share_its_budget(
        self, limited, as_owner, as_member, as_customer
    ):
        limited(plans={"pro": "3/hour"})
        assert statuses(as_owner, PRODUCTS, 2) == [200, 200]
        assert statuses(as_member, PRODUCTS, 2) == [200, 429]
        assert statuses(as_customer, PRODUCTS, 4) == [200] * 4

    def test_a_higher_one_counts_with_the_next_call_and_does_not_refill(self, limited, signed_in):
        owner = factories.MembershipFactory.create(organization__plan="free", role="owner")
        member = factories.MembershipFactory.create(organization=owner.organization)
        as_owner, as_member = signed_in(owner.user), signed_in(member.user)
        limited(plans={"free": "3/hour", "pro": "5/hour"})
        assert as_member.get(PRODUCTS).status_code == 200
        path = f"/api/v1/organizations/{owner.organization.pk}/"
        assert as_owner.patch(path, {"plan": "pro"}).status_code == 200
        # With the tokens of before the change.
        for client, remaining in ((as_member, 2), (as_owner, 1), (as_member, 0)):
            budget = told(client.get(PRODUCTS))["organization"]
            assert (budget["q"], budget["r"]) == (5, remaining)
        assert as_owner.get(PRODUCTS).status_code == 429

    def test_a_lower_one_keeps_what_was_used(self, limited, as_owner, organization):
        limited(plans={"free": "3/hour", "pro": "9/hour"})
        assert statuses(as_owner, PRODUCTS, 4) == [200] * 4
        organization.plan = "free"
        organization.save()
        response = as_owner.get(PRODUCTS)
        assert_problem(response, 429, "throttled")
        assert told(response)["organization"]["q"] == 3


@pytest.mark.T3
class TestOwnLimits:
    def test_anonymous_sees_those_of_the_address(self, anonymous):
        expected = {
            "anon": (60, 3_600),
            "search": (30, 60),
            "login": (5, 60),
            "register": (10, 3_600),
            "refresh": (60, 60),
            "auth_failure": (60, 60),
            "export": (10, 3_600),
        }
        found = anonymous.get(LIMITS).json()["limits"]
        assert {one["name"]: (one["limit"], one["window_seconds"]) for one in found} == expected

    def test_an_owner_sees_the_accounts_and_the_organizations_too(self, as_owner):
        found = left(as_owner)
        assert (found["user"], found["organization"]) == (1_000, 5_000)
        assert "anon" not in found

    def test_asking_is_not_limited(self, limited, as_owner, anonymous):
        limited(anon="1/hour", user="1/hour", plans={"pro": "1/hour"})
        for client in (as_owner, anonymous):
            assert {str(left(client)) for _ in range(5)} == {str(left(client))}
            assert statuses(client, PRODUCTS, 2) == [200, 429]

    def test_is_kept_by_no_cache_and_read_only(self, anonymous):
        assert anonymous.get(LIMITS)["Cache-Control"] == "no-store"
        assert_problem(anonymous.post(LIMITS, {}), 405, "method_not_allowed")
