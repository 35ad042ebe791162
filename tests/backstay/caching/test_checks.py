"""The known mistakes in keeping answers, and the command."""

import pytest
from django.core.management import CommandError, call_command
from rest_framework.permissions import IsAuthenticated
from rest_framework.serializers import ModelSerializer as DRFModelSerializer

from backstay.caching import CachePolicy, checks
from backstay.permissions import IsOwner
from backstay.serializers import ModelSerializer, staff
from tests.backstay.caching import views
from tests.backstay.testapp.models import Book


class Noted(ModelSerializer):
    class Meta:
        model = Book
        fields = ["id", "title"]
        visible_to = {"title": staff}


class Around(DRFModelSerializer):
    noted = Noted(many=True, source="books")

    class Meta:
        model = Book
        fields = ["id", "noted"]


@pytest.fixture(autouse=True)
def urls(settings):
    settings.ROOT_URLCONF = "tests.backstay.caching.views"


def ids(check) -> list[str]:
    return [message.id for message in check()]


def test_views_that_are_right_have_none():
    assert ids(checks.check_audiences) == []


@pytest.mark.C1
@pytest.mark.parametrize(
    ("attribute", "value", "audience"),
    [
        ("permission_classes", (IsAuthenticated,), "public"),
        ("permission_classes", (IsOwner("shelf"),), "public"),
        *(("serializer_class", Noted, audience) for audience in ("public", "organization", "plan")),
        ("serializer_class", Around, "public"),
    ],
)
def test_an_audience_of_several_for_what_depends_on_one(monkeypatch, attribute, value, audience):
    monkeypatch.setattr(views.Books, attribute, value)
    monkeypatch.setattr(views.Books, "cache", CachePolicy(seconds=60, audience=audience))
    assert ids(checks.check_audiences) == ["backstay.E020"]
    monkeypatch.setattr(views.Books, "cache", CachePolicy(seconds=60, audience="user"))
    assert ids(checks.check_audiences) == []


def test_workers_that_share_nothing(settings):
    own = {**settings.BACKSTAY, "REDIS_URL": None, "CACHE_ALIAS": None}
    settings.BACKSTAY = {**own, "WORKERS": 4}
    assert ids(checks.check_workers) == ["backstay.W020"]
    settings.BACKSTAY = {**own, "WORKERS": 1}
    assert ids(checks.check_workers) == []


@pytest.mark.parametrize(
    ("kind", "found"),
    [("locmem.LocMemCache", []), ("db.DatabaseCache", ["backstay.W021"])],
)
def test_a_shared_cache_that_unpickles(settings, kind, found):
    place = {"BACKEND": f"django.core.cache.backends.{kind}", "LOCATION": "answers"}
    settings.CACHES = {**settings.CACHES, "answers": place}
    settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": None, "CACHE_ALIAS": "answers"}
    assert ids(checks.check_pickle) == found


def test_a_policy_without_the_app(settings):
    assert ids(checks.check_installed) == []
    settings.INSTALLED_APPS = [a for a in settings.INSTALLED_APPS if a != "backstay.caching"]
    assert ids(checks.check_installed) == ["backstay.W022"]


class TestCommand:
    def test_shows_looks_by_route_and_ends_what_depends_on_a_table(self, api, settings, capsys):
        if settings.BACKSTAY["REDIS_URL"] is None:
            with pytest.raises(CommandError, match="keeps its own"):
                call_command("cache", "stats")
            return
        for _ in range(4):
            api.get("/said/")
        call_command("cache", "stats")
        assert "said/: 3 hits, 1 misses (75%)" in capsys.readouterr().out
        for tag, status in (("testapp_book", "backstay; hit"), ("*", "backstay; fwd=miss; stored")):
            call_command("cache", "evict", tag)
            assert api.get("/said/").headers["Cache-Status"] == status
