"""The walker is silent about an API that is tight, and finds each way to leak."""

import logging
from typing import Any

import pytest
from django.http import Http404
from django.test import override_settings
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.test import APIClient

from backstay.testing import Actor, IncompleteWalk, Resource, Walker, assert_isolated
from shop.accounts.models import Membership, Organization, User
from tests.backstay.testapp.models import Document, Folder
from tests.backstay.testing.urls import (
    OPENAPI,
    Documents,
    DocumentSerializer,
    FolderDocuments,
    operation,
)

pytestmark = [pytest.mark.django_db, pytest.mark.once]

SCOPED = Documents.get_queryset
REFUSAL = "not yours"


def unscoped(view: Any) -> Any:
    return Document.objects.order_by("pk")


@pytest.fixture(autouse=True)
def project():
    """The small API, without a line in the log for each of the walk's refusals."""
    logging.disable(logging.ERROR)
    with override_settings(ROOT_URLCONF="tests.backstay.testing.urls"):
        yield
    logging.disable(logging.NOTSET)


def member_of(organization, name):
    user = User.objects.create_user(f"{name}@library.example")
    Membership.objects.create(user=user, organization=organization, role="owner")
    return user


@pytest.fixture
def walk():
    """What a walk needs: a stranger and a rival, and a document that neither may see."""
    acme, other = (Organization.objects.create(name=name) for name in ("Acme", "Rival"))
    author, rival = member_of(acme, "author"), member_of(other, "rival")
    staff = User.objects.create_user("staff@library.example", is_staff=True)
    Membership.objects.create(user=staff, organization=acme)
    theirs, own = (Folder.objects.create(organization=each) for each in (acme, other))
    visible = Document.objects.create(owner=rival, folder=own)
    Document.objects.bulk_create(Document(owner=rival, folder=own) for _ in range(3))
    secret = Document.objects.create(owner=author, folder=theirs, title="Secret")

    def client(user=None):
        api = APIClient()
        api.force_authenticate(user)
        return api

    return {
        "actors": [
            Actor("anonymous", client),
            Actor("rival", lambda: client(rival)),
            Actor("staff", lambda: client(staff)),
        ],
        "resources": [
            Resource(
                "documents",
                foreign=secret.pk,
                seen_by=["staff"],
                visible={"rival": visible.pk},
                finders={"title": "Secret"},
            ),
            Resource(
                "folders",
                foreign=theirs.pk,
                seen_by=["staff"],
                visible={"rival": own.pk},
                references=["folder"],
            ),
        ],
        "snapshot": lambda: list(Document.objects.order_by("pk").values_list()),
    }


class TestTightApi:
    def test_has_no_leak(self, walk):
        assert Walker(OPENAPI, **walk).leaks() == []

    def test_passes(self, walk):
        assert_isolated(OPENAPI, **walk)

    def test_is_as_it_was_before(self, walk):
        before = walk["snapshot"]()
        Walker(OPENAPI, **walk).leaks()

        assert walk["snapshot"]() == before


# --- each way to leak -----------------------------------------------------------------


def on_get(monkeypatch):
    """The list is scoped and one object is not: the classic."""

    def get_queryset(view):
        return SCOPED(view) if view.action == "list" else unscoped(view)

    monkeypatch.setattr(Documents, "get_queryset", get_queryset)
    monkeypatch.setattr(Documents, "check_object_permissions", lambda *_: None)


def by_403(monkeypatch):
    """Permissions refuse what the queryset should not have found."""

    def get_queryset(view):
        return SCOPED(view) if view.action == "list" else unscoped(view)

    monkeypatch.setattr(Documents, "get_queryset", get_queryset)


def on(method):
    """One method alone looks the object up without its owner."""

    def leak(monkeypatch):
        def get_queryset(view):
            leaky = view.request.method == method and view.detail
            return unscoped(view) if leaky else SCOPED(view)

        def check(view, request, obj):
            return None

        monkeypatch.setattr(Documents, "get_queryset", get_queryset)
        monkeypatch.setattr(Documents, "check_object_permissions", check)

    return leak


def on_options(monkeypatch):
    """The description of a row says whether there is one."""

    def options(view, request, **kwargs):
        return Response({"exists": Document.objects.filter(**kwargs).exists()})

    monkeypatch.setattr(Documents, "options", options)


def on_unknown_method(monkeypatch):
    """The row is looked up before the method is."""

    def refused(view, request, **kwargs):
        if "pk" in kwargs and not Document.objects.filter(**kwargs).exists():
            raise Http404
        raise exceptions.MethodNotAllowed(request.method)

    monkeypatch.setattr(Documents, "http_method_not_allowed", refused)


def on_overridden_method(monkeypatch):
    """A proxy's old header turns POST into DELETE, after the permissions."""

    def refused(view, request, **kwargs):
        if request.headers.get("X-HTTP-Method-Override") == "DELETE":
            Document.objects.get(pk=kwargs["pk"]).delete()
            return Response(status=204)
        raise exceptions.MethodNotAllowed(request.method)

    monkeypatch.setattr(Documents, "http_method_not_allowed", refused)


def by_suffix(monkeypatch):
    """The route with a format suffix has a path of its own."""

    def get_queryset(view):
        return unscoped(view) if view.kwargs.get("format") else SCOPED(view)

    monkeypatch.setattr(Documents, "get_queryset", get_queryset)
    monkeypatch.setattr(Documents, "check_object_permissions", lambda *_: None)


def by_words(monkeypatch):
    """404 for both, and other words."""

    def get_object(view):
        if Document.objects.filter(pk=view.kwargs["pk"], title="Secret").exists():
            raise exceptions.NotFound(REFUSAL)
        raise exceptions.NotFound

    monkeypatch.setattr(Documents, "get_object", get_object)


def by_header(monkeypatch):
    """404 for both, and a validator of the object."""
    inherited = Documents.finalize_response

    def finalize(view, request, response, *args, **kwargs):
        response = inherited(view, request, response, *args, **kwargs)
        if Document.objects.filter(pk=kwargs.get("pk", 0), title="Secret").exists():
            response["ETag"] = '"secret"'
        return response

    monkeypatch.setattr(Documents, "finalize_response", finalize)


def by_an_effect(monkeypatch):
    """404 for both, and something is done."""

    def destroy(view, request, **kwargs):
        Document.objects.filter(pk=kwargs["pk"]).delete()
        raise Http404

    monkeypatch.setattr(Documents, "destroy", destroy)


def in_list(monkeypatch):
    """Every row is listed; the foreign one stands on the last page."""

    def get_queryset(view):
        return unscoped(view) if view.action == "list" else SCOPED(view)

    monkeypatch.setattr(Documents, "get_queryset", get_queryset)


def under(name, value):
    """A query parameter widens the list."""

    def leak(monkeypatch):
        def get_queryset(view):
            return unscoped(view) if view.request.GET.get(name) == value else SCOPED(view)

        monkeypatch.setattr(Documents, "get_queryset", get_queryset)

    return leak


def in_count(monkeypatch):
    """The page is scoped and its count is not."""
    inherited = Documents.get_paginated_response

    def get_paginated_response(view, data):
        response = inherited(view, data)
        response.data["count"] = Document.objects.count()
        return response

    monkeypatch.setattr(Documents, "get_paginated_response", get_paginated_response)


def in_filter(monkeypatch):
    """As django-filter does: a choice that exists filters, another is refused."""
    inherited = Documents.filter_queryset

    def filter_queryset(view, queryset):
        folder = view.request.query_params.get("folder_id")
        if folder and not Folder.objects.filter(pk=folder).exists():
            raise exceptions.ValidationError("No such folder.")
        return inherited(view, queryset)

    monkeypatch.setattr(Documents, "filter_queryset", filter_queryset)


def in_body(monkeypatch):
    """Whoever knows the id files a document into another's folder."""
    field = DocumentSerializer._declared_fields["folder"]
    monkeypatch.setattr(type(field), "get_queryset", lambda field: Folder.objects.all())


def in_words_of_body(monkeypatch):
    """400 for both, and other words."""

    def validate_folder(serializer, folder):
        return folder

    def get_queryset(field):
        return Folder.objects.all()

    def validate(serializer, attrs):
        folder = attrs.get("folder")
        user = serializer.context["request"].user
        if folder is not None and folder.organization_id != user.organization.pk:
            raise exceptions.ValidationError(REFUSAL)
        return attrs

    field = DocumentSerializer._declared_fields["folder"]
    monkeypatch.setattr(type(field), "get_queryset", get_queryset)
    monkeypatch.setattr(DocumentSerializer, "validate", validate)


def in_parent(monkeypatch):
    """The parent in the path is not looked at."""

    def filter_queryset(view, queryset):
        return queryset.filter(folder__in=Folder.objects.filter(pk=view.kwargs["folder_pk"]))

    def get_queryset(view):
        return unscoped(view)

    monkeypatch.setattr(FolderDocuments, "filter_queryset", filter_queryset)
    monkeypatch.setattr(FolderDocuments, "get_queryset", get_queryset, raising=False)


def through_parent(monkeypatch):
    """Under one's own parent, another's child is found."""

    def get_queryset(view):
        return unscoped(view) if view.detail else SCOPED(view)

    monkeypatch.setattr(FolderDocuments, "filter_queryset", lambda view, queryset: queryset)
    monkeypatch.setattr(FolderDocuments, "get_queryset", get_queryset, raising=False)
    monkeypatch.setattr(FolderDocuments, "check_object_permissions", lambda *_: None, raising=False)


def simpler(leak: Any, found: str) -> Any:
    """Like another one that every run has."""
    return pytest.param(leak, found, marks=pytest.mark.long)


class TestLeakyApi:
    @pytest.mark.parametrize(
        ("leak", "found"),
        [
            (on_get, "GET /documents/{id}/ as rival: documents in the path answers 200"),
            simpler(by_403, "GET /documents/{id}/ as rival: documents in the path answers 403"),
            (on("HEAD"), "HEAD /documents/{id}/ as rival: documents in the path answers 200"),
            (on("PATCH"), "PATCH /documents/{id}/ as rival: documents in the path answers 200"),
            simpler(on("PUT"), "PUT /documents/{id}/ as rival: documents in the path answers 200"),
            (on("DELETE"), "DELETE /documents/{id}/ as rival: documents in the path answers 204"),
            simpler(
                on("POST"),
                "POST /documents/{id}/stamp/ as rival: documents in the path answers 200",
            ),
            (on_options, "OPTIONS /documents/{id}/ as rival: documents in the path says"),
            (on_unknown_method, "BREW /documents/{id}/ as rival: documents in the path answers"),
            simpler(on_overridden_method, "overridden by DELETE answers 204"),
            simpler(by_suffix, "with a format suffix answers 200"),
            simpler(by_words, REFUSAL),
            (by_header, "headers differ from a missing one's: etag"),
            (by_an_effect, "DELETE /documents/{id}/ as rival: documents in the path changes"),
            (in_list, "GET /documents/ as rival: holds documents"),
            simpler(under("archived", "true"), "GET /documents/ as rival: ?archived=true holds"),
            simpler(under("state", "lost"), "GET /documents/ as rival: ?state=lost holds"),
            (under("title", "Secret"), "GET /documents/ as rival: ?title=Secret holds"),
            (in_count, "GET /documents/ as rival: counts 5 of 4"),
            (in_filter, "GET /documents/ as rival: ?folder_id answers 200, and 400"),
            (in_body, "POST /documents/ as rival: /folder answers 201, and 400"),
            simpler(in_words_of_body, "PATCH /documents/{id}/ as rival: /folder says"),
            (in_parent, "GET /folders/{folder_pk}/documents/{id}/ as rival: documents in"),
            simpler(
                through_parent, "GET /folders/{folder_pk}/documents/{id}/ as rival: documents in"
            ),
        ],
        ids=lambda value: getattr(value, "__name__", None),
    )
    def test_is_told(self, walk, monkeypatch, leak, found):
        leak(monkeypatch)
        walk["actors"] = [actor for actor in walk["actors"] if actor.name == "rival"]

        leaks = [str(leak) for leak in Walker(OPENAPI, **walk).leaks()]

        assert [told for told in leaks if found in told], leaks

    def test_fails_with_a_line_for_each(self, walk, monkeypatch):
        in_list(monkeypatch)

        with pytest.raises(AssertionError, match=r"(?s)\d leaks:\n.*GET /documents/ as rival"):
            assert_isolated(OPENAPI, **walk)

    def test_is_as_it_was_before(self, walk, monkeypatch):
        """What a leak lets the walker do is undone, so one leak does not hide another."""
        on_get(monkeypatch)
        before = walk["snapshot"]()

        assert Walker(OPENAPI, **walk).leaks()
        assert walk["snapshot"]() == before


class TestIncompleteWalk:
    def test_an_id_without_a_resource_is_named(self, walk):
        walk["resources"] = walk["resources"][:1]

        with pytest.raises(IncompleteWalk, match=r"needs a Resource\('folders', …\)"):
            assert_isolated(OPENAPI, **walk)

    def test_a_list_without_a_resource_is_named(self, walk):
        paths = {**OPENAPI["paths"], "/drafts/": {"get": OPENAPI["paths"]["/documents/"]["get"]}}

        with pytest.raises(IncompleteWalk, match=r"GET /drafts/ needs a Resource\('drafts', …\)"):
            assert_isolated({**OPENAPI, "paths": paths}, **walk)

    def test_an_actor_who_should_see_an_object_and_does_not(self, walk):
        """With a broken login every answer is 401, and none tells anything."""
        walk["actors"] = [Actor("staff", APIClient)]

        with pytest.raises(IncompleteWalk, match="staff may see documents"):
            assert_isolated(OPENAPI, **walk)

    def test_a_throttled_walk(self, walk, monkeypatch):
        def throttled(view, request):
            raise exceptions.Throttled

        monkeypatch.setattr(Documents, "check_throttles", throttled)

        with pytest.raises(IncompleteWalk, match="was throttled"):
            assert_isolated(OPENAPI, **walk)

    def test_ids_of_two_types(self):
        with pytest.raises(ValueError, match="of one type"):
            Resource("sessions", foreign="0b1c")


class TestMounted:
    def test_the_documents_paths_can_be_served_elsewhere(self, walk):
        paths = {f"/api{route}": item for route, item in OPENAPI["paths"].items()}
        walk["mounted"] = lambda path: path.removeprefix("/api")

        assert_isolated({**OPENAPI, "paths": paths}, **walk)

    def test_a_list_may_be_a_bare_array(self, walk, monkeypatch):
        monkeypatch.setattr(Documents, "pagination_class", None)
        monkeypatch.setattr(Documents, "get_queryset", unscoped)
        array = {"type": "array", "items": {"$ref": "#/components/schemas/Document"}}
        paths = {**OPENAPI["paths"], "/documents/": {"get": operation(array)}}

        leaks = Walker({**OPENAPI, "paths": paths}, **walk).leaks()

        assert "holds documents" in "\n".join(leak.what for leak in leaks)
