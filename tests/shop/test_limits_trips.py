"""Denylist and limits in one read of the Redis server a request, by its own statistics."""

import pytest
from rest_framework.test import APIClient

from backstay import store
from backstay.auth.issuing import issue_tokens
from shop.accounts.models import Organization
from tests.faulty_redis import RedisServer, redis_of_ones_own
from tests.quiet import trust_denylist
from tests.shop import factories

pytestmark = [pytest.mark.T3, pytest.mark.once, pytest.mark.django_db]

PRODUCTS = "/api/v2/products/"
LOGIN = {"email": "nobody@shop.example", "password": "a wrong password"}


@pytest.fixture
def redis(settings, monkeypatch):
    """A server that nobody else asks, given more time than in production: tests share machines."""
    monkeypatch.setattr(store, "TIMEOUT_SECONDS", 30)
    with redis_of_ones_own() as server:
        settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": server.url}
        trust_denylist()
        yield server


def reads(server: RedisServer) -> int:
    """How often it has read from a client, this time included."""
    return server.do("INFO", "stats")["total_reads_processed"]


def trips(server: RedisServer, client: APIClient, method: str, path: str, body=None) -> int:
    """How many a call takes, once Redis knows its scripts; the denylist is loaded anew for each."""
    call = getattr(client, method)
    status = [call(path, body).status_code for _ in range(3)][-1]
    before = reads(server)
    assert call(path, body).status_code == status < 500
    return reads(server) - before - 1


def change_plan(organization: Organization) -> None:
    organization.plan = "enterprise"
    organization.save()


@pytest.mark.parametrize(
    ("actor", "method", "path", "body"),
    [
        ("anonymous", "get", "/api/v2/orders/", None),
        ("anonymous", "get", "/api/v2/orders/export/?search=a", None),
        ("anonymous", "get", "/api/rate-limits/", None),
        ("anonymous", "post", "/api/token/", LOGIN),
        ("anonymous", "post", "/api/v1/users/", {}),
        ("anonymous", "post", "/api/token/refresh/", {"refresh": "garbled"}),
        ("customer", "get", "/api/v2/orders/", None),
        ("customer", "get", "/api/v1/reports/sales/", None),
        ("customer", "put", "/mobile/orders/", None),
        ("owner", "get", f"{PRODUCTS}?search=lamp", None),
        ("owner", "get", "/api/v2/orders/export/?search=a", None),
        ("owner", "post", "/api/v1/users/me/password/", {}),
        ("staff", "get", "/partners/v1/orders/", None),
    ],
)
def test_is_one(client_of, redis, actor, method, path, body):
    assert trips(redis, client_of(actor), method, path, body) == 1


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("path", [PRODUCTS, f"{PRODUCTS}?search=lamp", "/api/v1/articles/"])
def test_is_one_with_the_answer_in_it(redis, path, django_assert_num_queries):
    client = APIClient()
    assert trips(redis, client, "get", path) == 1
    with django_assert_num_queries(0):
        assert client.get(path).headers["Cache-Status"] == "backstay; hit"


@pytest.mark.django_db(transaction=True)
def test_is_one_with_ones_own_answer_in_it(redis, django_assert_num_queries):
    client, path = APIClient(), "/api/v1/orders/"
    access = issue_tokens(factories.UserFactory.create())["access"]
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {access}")
    assert trips(redis, client, "get", path) == 1
    with django_assert_num_queries(0):
        assert client.get(path).headers["Cache-Status"] == "backstay; hit"


@pytest.mark.parametrize("path", [f"{PRODUCTS}?search=lamp", f"{PRODUCTS}99/", f"{PRODUCTS}98/"])
def test_is_three_where_an_answer_is_made_to_be_kept(redis, path):
    """To say who makes it, and to keep it or to say that it was not."""
    client = APIClient()
    for warm in ("?search=a", "97/", "?search=b"):
        client.get(f"{PRODUCTS}{warm}")
    before = reads(redis)
    client.get(path)
    assert reads(redis) - before - 1 == 3


def test_is_one_by_cookie(redis, customer):
    client = APIClient()
    client.cookies["__Host-access"] = issue_tokens(customer)["access"]
    assert trips(redis, client, "get", "/api/v2/orders/") == 1
    foreign = {"HTTP_ORIGIN": "https://evil.example"}
    client.credentials(**foreign)
    assert trips(redis, client, "post", "/api/v2/orders/") == 1


def test_is_one_for_a_token_that_is_none(redis):
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION="Bearer garbled")
    assert trips(redis, client, "get", PRODUCTS) == 1


def test_is_one_for_a_call_that_is_refused(redis, settings, as_owner):
    plans = dict.fromkeys(settings.BACKSTAY["PLAN_RATES"], "1/hour")
    settings.BACKSTAY = {**settings.BACKSTAY, "PLAN_RATES": plans}
    as_owner.get(PRODUCTS)
    assert trips(redis, as_owner, "get", PRODUCTS) == 1
    assert as_owner.get(PRODUCTS).status_code == 429


@pytest.mark.parametrize("path", ["/health/live/", "/api/docs/", "/nowhere/", "/admin/login/"])
def test_is_none_where_nothing_is_charged(redis, anonymous, path):
    assert trips(redis, anonymous, "get", path) == 0


class TestIsTwo:
    """What is stated in the guide: rare, or nobody's usual call."""

    def test_where_a_token_is_older_than_a_change_of_its_claims(
        self, redis, as_owner, organization, django_capture_on_commit_callbacks
    ):
        assert trips(redis, as_owner, "get", PRODUCTS) == 1
        with django_capture_on_commit_callbacks(execute=True):
            change_plan(organization)
        assert trips(redis, as_owner, "get", PRODUCTS) == 2

    def test_where_the_session_of_a_token_has_ended(self, redis, as_customer):
        as_customer.post("/api/token/logout-all/", {})
        assert trips(redis, as_customer, "get", PRODUCTS) == 2

    def test_where_ones_own_limits_are_asked_for_with_a_token(self, redis, as_owner):
        assert trips(redis, as_owner, "get", "/api/rate-limits/") == 2


def test_is_one_again_with_the_next_token(
    redis, owner, organization, django_capture_on_commit_callbacks
):
    """It is younger than the change, though the change is still told of."""
    client = APIClient()
    pair = issue_tokens(owner)
    with django_capture_on_commit_callbacks(execute=True):
        change_plan(organization)
    renewed = client.post("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {renewed['access']}")
    assert trips(redis, client, "get", PRODUCTS) == 1
