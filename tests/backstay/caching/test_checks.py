"""The known mistakes in keeping answers, and the command."""

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Q
from rest_framework.permissions import (
    AllowAny,
    DjangoModelPermissions,
    DjangoModelPermissionsOrAnonReadOnly,
    IsAdminUser,
    IsAuthenticated,
    IsAuthenticatedOrReadOnly,
)
from rest_framework.response import Response
from rest_framework.serializers import ModelSerializer as DRFModelSerializer
from rest_framework.serializers import SerializerMethodField

from backstay.caching import CachePolicy, checks
from backstay.permissions import (
    HasOrganizationPermission,
    IsOwner,
    IsOwnerOrReadOnly,
    IsStaff,
    ReadOnly,
    RequirePlan,
    Rule,
)
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


class LoggedIn(IsAuthenticated):
    pass


class OwnBook(IsOwner):
    owner = "shelf"


class OfOrganization(HasOrganizationPermission):
    organization = "shelf"


class Department(Rule):
    """Reads of a user what only its project knows."""

    def rows(self, user, model, *, method="GET"):
        return Q(shelf=user.department_id)

    def holds(self, user, obj, *, method="GET"):
        return obj.shelf_id == user.department_id


class ByReader(DRFModelSerializer):
    mine = SerializerMethodField()

    class Meta:
        model = Book
        fields = ["id", "mine"]

    def get_mine(self, book):
        return book.shelf_id == self.context["request"].user.pk


class Represented(DRFModelSerializer):
    class Meta:
        model = Book
        fields = ["id"]

    def to_representation(self, book):
        request: Any = self.context.get("request")
        return {"id": book.pk, "mine": any(request.user.pk == one for one in (1, 2))}


class WithAddress(DRFModelSerializer):
    """Asks of the request where it came to, and of a row whose it is."""

    address = SerializerMethodField()

    class Meta:
        model = Book
        fields = ["id", "address"]

    def get_address(self, book):
        return self.context["request"].build_absolute_uri(book.user.path)


class Picky(DRFModelSerializer):
    """Which a check cannot make."""

    def __init__(self, wanted, **kwargs):
        super().__init__(**kwargs)

    class Meta:
        model = Book
        fields = ["id"]


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
        *(
            ("permission_classes", (permission,), "public")
            for permission in (
                *(IsAuthenticated, IsAdminUser, DjangoModelPermissions, LoggedIn),
                *(IsAuthenticated & IsAdminUser, IsAuthenticated | IsAdminUser),
                *(IsOwner("shelf"), OwnBook, IsStaff, IsStaff | ReadOnly & OwnBook),
            )
        ),
        *(
            ("permission_classes", (rule,), audience)
            for rule in (IsOwner("shelf"), OwnBook, Department)
            for audience in ("organization", "plan", "role")
        ),
        # Staff see more than their colleagues.
        ("permission_classes", (IsStaff | OfOrganization,), "organization"),
        ("permission_classes", (OfOrganization,), "plan"),
        ("serializer_class", ByReader, "public"),
        ("serializer_class", Represented, "public"),
        ("get_queryset", lambda self: Book.objects.filter(shelf=self.request.user.pk), "public"),
        ("list", lambda self, request: Response(request.user.pk), "public"),
        *(("serializer_class", Noted, audience) for audience in ("public", "organization", "plan")),
        ("serializer_class", Around, "public"),
    ],
)
def test_an_audience_of_several_for_what_depends_on_one(monkeypatch, attribute, value, audience):
    monkeypatch.setattr(views.Books, attribute, value)
    monkeypatch.setattr(views.Books, "cache", CachePolicy(seconds=60, audience=audience))
    assert set(ids(checks.check_audiences)) == {"backstay.E020"}
    monkeypatch.setattr(views.Books, "cache", CachePolicy(seconds=60, audience="user"))
    assert ids(checks.check_audiences) == []


@pytest.mark.C1
@pytest.mark.parametrize(
    ("attribute", "value", "audience"),
    [
        *(
            ("permission_classes", (permission,), "public")
            for permission in (
                *(AllowAny, IsAuthenticatedOrReadOnly, DjangoModelPermissionsOrAnonReadOnly),
                *(ReadOnly, IsOwnerOrReadOnly("shelf"), ReadOnly | IsStaff),
                *(AllowAny | IsAuthenticated,),
            )
        ),
        ("permission_classes", (OfOrganization,), "organization"),
        ("permission_classes", (RequirePlan("pro"), IsAuthenticated), "plan"),
        ("permission_classes", (IsStaff,), "role"),
        ("serializer_class", WithAddress, "public"),
        ("serializer_class", Picky, "public"),
        ("perform_create", lambda self, it: it.save(by=self.request.user), "public"),
    ],
)
def test_what_is_the_same_for_all_of_an_audience_is_fine(monkeypatch, attribute, value, audience):
    monkeypatch.setattr(views.Books, attribute, value)
    monkeypatch.setattr(views.Books, "cache", CachePolicy(seconds=60, audience=audience))
    assert [message.msg for message in checks.check_audiences()] == []


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
