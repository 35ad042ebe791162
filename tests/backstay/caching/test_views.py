"""Who gets which bytes, and what caches on the way are told."""

import json

import pytest
from django.contrib.auth import get_user_model
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.http import QueryDict
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.utils import timezone, translation
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

from backstay.caching import CachePolicy
from backstay.caching.backends import backend
from backstay.counters import counted
from tests.backstay.caching import views
from tests.backstay.caching.conftest import corrupt, status_of
from tests.backstay.testapp.models import Shelf

pytestmark = pytest.mark.django_db


def kept(api, path="/said/", **headers) -> bool:
    """Whether a second call is a hit."""
    api.get(path, headers=headers)
    return status_of(api.get(path, headers=headers)) == "hit"


class TestHit:
    def test_is_the_same_bytes_without_the_view(self, api):
        first, second = api.get("/said/"), api.get("/said/")
        assert (status_of(first), status_of(second)) == ("fwd=miss; stored", "hit")
        assert first.content == second.content
        assert len(views.Said.runs) == 1
        for name in ("Content-Type", "ETag", "Vary", "Cache-Control", "Allow"):
            assert first.headers[name] == second.headers[name], name
        assert second.headers["Age"] == "0"

    @pytest.mark.django_db(transaction=True)
    def test_asks_the_database_nothing(self, api):
        Shelf.objects.create(name="One")
        api.get("/shelves/")
        with CaptureQueriesContext(connection) as captured:
            assert status_of(api.get("/shelves/")) == "hit"
        assert len(captured) == 0

    @pytest.mark.C3
    def test_is_an_empty_list_too(self, api):
        assert [api.get("/books/").json() for _ in range(2)] == [[], []]
        assert len(views.Counting.runs) == 1 or connection.vendor == "sqlite"

    def test_head_shares_it_with_get(self, api):
        api.get("/said/")
        response = api.head("/said/")
        assert (status_of(response), response.content) == ("hit", b"")

    def test_of_a_handler_that_is_decorated(self, api):
        assert kept(api, "/decorated/") == (connection.vendor == "postgresql")


@pytest.mark.C1
class TestKey:
    @pytest.mark.parametrize(
        "other",
        [
            {"path": "/said/?a=1"},
            {"path": "/said/?a="},
            {"headers": {"X-Tenant": "b"}},
            {"headers": {"X-Tenant": ""}},
            {"headers": {"Host": "localhost"}},
            {"secure": True},
        ],
    )
    def test_tells_apart_what_answers_may_depend_on(self, api, other):
        api.get("/said/")
        assert status_of(api.get(**{"path": "/said/", **other})) != "hit"

    @pytest.mark.parametrize(("one", "two"), [("?a=1&b=2", "?b=2&a=1"), ("?", "")])
    def test_takes_the_same_query_in_another_order_for_the_same(self, api, one, two):
        api.get(f"/said/{one}")
        assert status_of(api.get(f"/said/{two}")) == "hit"

    def test_tells_apart_what_a_middleware_has_put_into_the_query(self):
        def key(tenant: str) -> str | None:
            plain = RequestFactory().get("/said/")
            plain.GET = QueryDict(f"tenant={tenant}")
            policy = CachePolicy(seconds=1, audience=lambda *_: "")
            return policy.key(None, Request(plain), None, version="v1", media_type="a/b")

        assert key("1") == key("1") != key("2")

    def test_keeps_the_order_of_repeated_parameters(self, api):
        api.get("/said/?a=1&a=2")
        assert status_of(api.get("/said/?a=2&a=1")) != "hit"

    def test_tells_languages_apart(self, api, monkeypatch):
        api.get("/said/")
        monkeypatch.setattr(translation, "get_language", lambda: "de")
        assert status_of(api.get("/said/")) != "hit"

    def test_tells_time_zones_apart(self, api):
        api.get("/said/")
        with timezone.override("Asia/Tokyo"):
            assert status_of(api.get("/said/")) != "hit"

    @pytest.mark.parametrize("audience", ["user", "organization", "plan", "role"])
    def test_nobody_in_particular_gets_what_is_somebodys(self, api, audience, monkeypatch):
        monkeypatch.setattr(views.Said, "cache", CachePolicy(seconds=60, audience=audience))
        assert not kept(api)

    def test_of_users(self, api, monkeypatch):
        monkeypatch.setattr(views.Said, "cache", CachePolicy(seconds=60, audience="user"))
        ada, bob = (
            get_user_model().objects.create_user(f"{name}@shop.example") for name in ("ada", "bob")
        )
        as_user(monkeypatch, ada)
        assert views_kept_in_a_clean_transaction(api)
        first = api.get("/said/")
        as_user(monkeypatch, bob)
        second = api.get("/said/")
        assert first.content != second.content
        assert "private" in second.headers["Cache-Control"]
        assert {"Authorization", "Cookie"} <= set(second.headers["Vary"].split(", "))


def as_user(monkeypatch, user):
    class Known:
        def authenticate(self, request):
            return user, None

        def authenticate_header(self, request):
            return "Known"

    monkeypatch.setattr(views.Said, "authentication_classes", (Known,))


def views_kept_in_a_clean_transaction(api) -> bool:
    """A test's own users are uncommitted, and while they are nothing is kept."""
    return status_of(api.get("/said/")) == "fwd=bypass"


@pytest.mark.C1
@pytest.mark.parametrize(
    "says",
    [
        {"headers": {"Vary": "*"}},
        {"headers": {"Vary": "Accept, *"}},
        {"headers": {"Vary": " * "}},
        {"headers": {"Vary": "Cookie"}},
        {"headers": {"Vary": "Accept,  authorization "}},
        {"headers": {"Vary": "X-Something"}},
        {"headers": {"Cache-Control": "private"}},
        {"headers": {"Cache-Control": "max-age=60, Private"}},
        {"headers": {"Cache-Control": 'PRIVATE="Set-Cookie"'}},
        {"headers": {"Cache-Control": " no-store"}},
        {"headers": {"Cache-Control": "No-Cache"}},
        {"headers": {"Set-Cookie": "a=b"}},
        {"cookie": "secret"},
        *({"status": status} for status in (201, 204, 206, 301, 400, 404, 500)),
    ],
    ids=str,
)
def test_is_not_kept(api, says):
    views.Said.says = says
    assert not kept(api)


@pytest.mark.C1
@pytest.mark.parametrize(
    "says",
    [
        {},
        {"headers": {"Vary": "Accept"}},
        {"headers": {"Vary": "x-tenant , Accept"}},
        {"headers": {"Cache-Control": "public, max-age=60"}},
        {"headers": {"Link": "</said/?page=2>; rel=next"}},
    ],
    ids=str,
)
def test_is_kept(api, says):
    views.Said.says = says
    assert kept(api)


@pytest.mark.C1
def test_an_unknown_credential_is_not_the_public(api):
    assert not kept(api, Authorization="Basic eDp5")


@pytest.mark.C1
@pytest.mark.parametrize("value", ["", "a"])
def test_a_declared_header_is_kept_apart(api, value):
    api.get("/said/")
    assert status_of(api.get("/said/", headers={"X-Tenant": value})) != "hit"
    assert status_of(api.get("/said/", headers={"X-Tenant": value})) == "hit"
    assert "X-Tenant" in api.get("/said/").headers["Vary"]


def test_what_is_too_large_is_not_kept(api, monkeypatch):
    monkeypatch.setattr(
        views.Said, "cache", CachePolicy(seconds=60, audience="public", max_bytes=5)
    )
    assert not kept(api)


@pytest.mark.C1
def test_the_browsable_page_is_not_kept(api, monkeypatch):
    monkeypatch.setattr(views.Said, "renderer_classes", (BrowsableAPIRenderer,))
    assert not kept(api)


def test_where_the_app_is_missing_nothing_is_kept(api, settings):
    settings.INSTALLED_APPS = [a for a in settings.INSTALLED_APPS if a != "backstay.caching"]
    assert not kept(api)


@pytest.mark.C3
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\x04\x95cos\nsystem\n.",
        b"backstay-0 {}\nbody",
        b"backstay-1 {}",
        b"backstay-1 []\nbody",
        b'backstay-1 {"A": 1}\nbody',
        b'backstay-1 {"A": "x\\r\\nSet-Cookie: a=b"}\nbody',
        b'backstay-1 {"A\\r\\nSet-Cookie": "a=b"}\nbody',
        b'backstay-1 {"\\u00e9": "x"}\nbody',
        b'backstay-1 {"A": "\\ud800"}\nbody',
        b"backstay-1 " + b"[" * 100_000 + b"\nbody",
        b"backstay-1 {\xff}\nbody",
    ],
)
def test_an_entry_of_another_form_is_a_miss_and_counted(api, data):
    api.get("/said/")
    place = backend()
    seen = place.look
    before = counted("cache_not_kept", reason="corrupt")

    # In the place of what was kept, as someone who can write to the store would.
    corrupt(place, data)
    response = api.get("/said/")
    assert place.look == seen
    assert status_of(response) == "fwd=miss; stored"
    assert "Set-Cookie" not in response.headers
    assert counted("cache_not_kept", reason="corrupt") > before
    assert status_of(api.get("/said/")) == "hit"


@pytest.mark.C4
@pytest.mark.parametrize("vary", [[], ["X-Tenant"]], ids=str)
def test_vary_names_what_the_answer_depends_on_and_nothing_empty(api, monkeypatch, vary):
    """RFC 9110 section 5.6.1.1: a sender makes no empty elements."""
    monkeypatch.setattr(views.Said, "cache", CachePolicy(seconds=60, audience="public", vary=vary))
    for _ in range(2):
        names = api.get("/said/").headers["Vary"].split(", ")
        assert "" not in names
        assert set(vary) <= set(names)


@pytest.mark.parametrize(
    "wrong",
    [
        {"seconds": 0},
        {"seconds": -1},
        {"seconds": 60, "stale_seconds": -1},
        {"seconds": 100_000},
        {"seconds": 60, "audience": "everybody"},
    ],
    ids=str,
)
def test_a_policy_that_means_nothing_is_refused(wrong):
    with pytest.raises(ImproperlyConfigured):
        CachePolicy(**wrong)


class TestListMixin:
    def test_of_the_seeds_keeps_lists_alone(self, api):
        api.get("/own/")
        assert status_of(api.get("/own/")) == (
            "hit" if connection.vendor == "postgresql" else "fwd=miss"
        )
        assert "Cache-Status" not in api.get("/own/1/").headers

    def test_asks_get_cache_key(self, api, monkeypatch):
        monkeypatch.setattr(
            views.OwnBooks, "get_cache_key", lambda self, request: request.META.get("HTTP_X_A", "")
        )
        api.get("/own/", headers={"X-A": "1"})
        assert status_of(api.get("/own/", headers={"X-A": "2"})) != "hit"


def test_bodies_are_what_they_are_without_a_cache(api, monkeypatch):
    first = api.get("/books/").content
    monkeypatch.setattr(views.Books, "cache", None)
    response = api.get("/books/")
    assert response.content == first == json.dumps([]).encode()
    assert "Cache-Status" not in response.headers
