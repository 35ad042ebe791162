"""One rule, asked in every way there is to ask it, gives one answer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from functools import partial
from itertools import product
from operator import and_, invert, or_
from threading import Barrier
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import Q
from django.http import HttpResponse
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from django.urls import include, path
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rest_framework import permissions as drf
from rest_framework import serializers, viewsets
from rest_framework.authentication import BasicAuthentication
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient, APIRequestFactory, force_authenticate
from rest_framework.views import APIView

from backstay.permissions import (
    HasOrganizationPermission,
    IsOwner,
    IsOwnerOrAdmin,
    IsOwnerOrReadOnly,
    IsStaff,
    PermittedRelatedField,
    PermittedRowsMixin,
    ReadOnly,
    RequirePlan,
    RequireProPlan,
    Rule,
    WithinWindow,
)
from backstay.permissions.rules import as_instance
from backstay.permissions.views import permitted_rows
from shop.accounts.models import Membership, Organization, User
from tests.backstay.testapp.models import Desk, Document, Folder

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
METHODS = ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"]
DAY = WithinWindow(hours=24, methods=("DELETE",), code="delete_window_closed")

pytestmark = pytest.mark.django_db


# --- who there is, and every document there can be --------------------------------


def user_of(name, *, organization=None, role="member", **fields):
    user = User.objects.create_user(f"{name}@library.example", **fields)
    if organization:
        Membership.objects.create(user=user, organization=organization, role=role)
    return user


@pytest.fixture
def acme():
    return Organization.objects.create(name="Acme", plan="pro")


@pytest.fixture
def rival():
    return Organization.objects.create(name="Rival", plan="free")


@pytest.fixture
def author(acme):
    return user_of("author", organization=acme)


@pytest.fixture
def colleague(acme):
    return user_of("colleague", organization=acme, role="owner")


@pytest.fixture
def competitor(rival):
    return user_of("competitor", organization=rival, role="owner")


@pytest.fixture
def stranger():
    return user_of("stranger")


@pytest.fixture
def staff():
    return user_of("staff", is_staff=True)


@pytest.fixture
def actors(author, colleague, competitor, stranger, staff):
    return [AnonymousUser(), author, colleague, competitor, stranger, staff]


@pytest.fixture
def documents(acme, rival, author, colleague, competitor, stranger):
    """One document of each kind; the competitor has no desk."""
    owners = [None, author, competitor]
    desks = [None, Desk.objects.create(user=author), Desk.objects.create(user=stranger)]
    folders = [None, *(Folder.objects.create(organization=o) for o in (None, acme, rival))]
    times = [None, NOW - timedelta(hours=1), NOW - timedelta(hours=25)]
    kinds = product(owners, desks, folders, times)
    Document.objects.bulk_create(
        Document(owner=owner, desk=desk, folder=folder, created_at=created_at)
        for owner, desk, folder, created_at in kinds
    )
    return list(Document.objects.select_related("owner", "desk", "folder"))


# --- every rule there can be ------------------------------------------------------

RULES = st.sampled_from(
    [
        IsOwner,
        IsOwner("desk.user"),
        IsOwnerOrReadOnly,
        IsOwnerOrReadOnly("desk.user"),
        IsOwnerOrAdmin,
        IsStaff,
        ReadOnly,
        HasOrganizationPermission,
        HasOrganizationPermission(organization="folder.organization"),
        HasOrganizationPermission(organization="folder.organization", roles=("owner",)),
        RequireProPlan,
        RequirePlan("enterprise"),
        WithinWindow(hours=24, methods=("GET", "DELETE")),
    ]
)
FOREIGN = st.sampled_from(
    [drf.IsAuthenticated, drf.IsAdminUser, drf.AllowAny, drf.IsAuthenticatedOrReadOnly]
)


def combinations(parts):
    pairs = st.tuples(parts, parts)
    return st.one_of(
        pairs.map(lambda pair: and_(*pair)),
        pairs.map(lambda pair: or_(*pair)),
        parts.map(invert),
    )


COMBINED = st.recursive(RULES, combinations, max_leaves=5)
MIXED = st.recursive(RULES | FOREIGN, combinations, max_leaves=5)

# The rows are the same for all examples, so one set-up serves them.
law = partial(settings, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def keys(documents):
    return {document.pk for document in documents}


def assert_rows_are_objects(rule, user, method, documents):
    """What the queryset holds is what the object check permits, no more and no less."""
    rule = as_instance(rule)
    listed = Document.objects.filter(rule.scope(user, Document, method=method))
    permitted = [each for each in documents if rule.permits(user, each, method=method)]
    assert keys(listed) == keys(permitted)


def request_of(user, method="GET"):
    request = Request(APIRequestFactory().generic(method, "/"))
    request.user = user
    return request


@pytest.mark.P1
class TestLaw:
    @law(max_examples=200)
    @given(rule=COMBINED, method=st.sampled_from(METHODS), data=st.data())
    def test_rows_are_the_objects_that_are_permitted(self, actors, documents, rule, method, data):
        user = data.draw(st.sampled_from(actors))

        with time_machine.travel(NOW, tick=False):
            assert_rows_are_objects(rule, user, method, documents)

    @law(max_examples=200)
    @given(rule=COMBINED, method=st.sampled_from(METHODS), data=st.data())
    def test_drf_is_told_the_same(self, actors, documents, rule, method, data):
        user = data.draw(st.sampled_from(actors))
        rule = as_instance(rule)
        request = request_of(user, method)

        with time_machine.travel(NOW, tick=False):
            for document in documents:
                told = rule.has_object_permission(request, APIView(), document)
                assert told == rule.permits(user, document, method=method)
                assert rule.has_permission(request, APIView()) or not told

    @law(max_examples=200)
    @given(rule=COMBINED, method=st.sampled_from(METHODS), data=st.data())
    def test_not_permits_the_rest(self, actors, documents, rule, method, data):
        user = data.draw(st.sampled_from(actors))
        rule, rest = as_instance(rule), ~rule

        with time_machine.travel(NOW, tick=False):
            for document in documents:
                permitted = rule.permits(user, document, method=method)
                assert permitted != rest.permits(user, document, method=method)

    @law(max_examples=300)
    @given(permission=MIXED, data=st.data())
    def test_it_holds_among_drfs_own_permissions(self, actors, documents, permission, data):
        user = data.draw(st.sampled_from(actors))
        permission, request, view = permission(), request_of(user), APIView()

        with time_machine.travel(NOW, tick=False):
            listed = Document.objects.filter(permitted_rows(permission, request, view, Document))
            permitted = [
                document
                for document in documents
                if permission.has_permission(request, view)
                and permission.has_object_permission(request, view, document)
            ]
            assert keys(listed) == keys(permitted)

    @law(max_examples=40)
    @given(permission=MIXED, data=st.data())
    def test_a_list_holds_exactly_the_rows_whose_get_is_200(
        self, actors, documents, permission, data
    ):
        user = data.draw(st.sampled_from(actors))
        some = data.draw(st.lists(st.sampled_from(documents), max_size=8))

        with time_machine.travel(NOW, tick=False):
            shown = call(view_of(permission), user)
            listed = {row["id"] for row in shown.data} if shown.status_code == 200 else set()
            for document in some:
                found = call(view_of(permission), user, pk=document.pk)
                assert (found.status_code == 200) == (document.pk in listed)
                assert found.status_code in {200, 404} or shown.status_code != 200

    def test_a_rule_whose_two_sides_differ_breaks_it(self, author, documents):
        class Careless(IsOwner):
            def rows(self, user, model, *, method="GET"):
                return Q()

        with pytest.raises(AssertionError):
            assert_rows_are_objects(Careless, author, "GET", documents)

    def test_a_naive_negation_breaks_it(self, competitor, documents, monkeypatch):
        """``NOT (desk_id = NULL)`` is not true, so SQL hid rows that the object check permits."""
        monkeypatch.setattr("backstay.permissions.rules.none_of", lambda rows: ~rows)

        with pytest.raises(AssertionError):
            assert_rows_are_objects(~IsOwner("desk.user"), competitor, "GET", documents)


def view_of(*permissions, **members):
    class Serializer(serializers.ModelSerializer):
        class Meta:
            model = Document
            fields = ["id", "title"]

    return type(
        "View",
        (PermittedRowsMixin, viewsets.ModelViewSet),
        {
            "queryset": Document.objects.all(),
            "serializer_class": Serializer,
            "permission_classes": permissions,
            "authentication_classes": (BasicAuthentication,),
            "pagination_class": None,
            **members,
        },
    )


def call(view, user, method="GET", actions=None, **kwargs):
    """Answer one request with *view*, without URLs; *user* may be anonymous."""
    request = APIRequestFactory().generic(method, "/")
    if user.is_authenticated:
        force_authenticate(request, user)
    actions = actions or {"get": "retrieve" if kwargs else "list", "delete": "destroy"}
    return view.as_view(actions)(request, **kwargs)


# --- what each rule says ----------------------------------------------------------


@pytest.mark.P3
class TestRules:
    """Who may read and who may write the author's document, which is Acme's."""

    @pytest.fixture
    def document(self, author, acme):
        return Document.objects.create(
            owner=author, folder=Folder.objects.create(organization=acme)
        )

    @pytest.mark.parametrize(
        ("rule", "readers", "writers"),
        [
            (IsOwner(), "author", "author"),
            (IsOwnerOrReadOnly(), "anonymous author colleague competitor stranger staff", "author"),
            (
                IsOwnerOrAdmin(),
                "author colleague competitor stranger staff",
                "author staff",
            ),
            (IsStaff(), "staff", "staff"),
            (ReadOnly(), "anonymous author colleague competitor stranger staff", ""),
            (
                HasOrganizationPermission(),
                "author colleague competitor",
                "author colleague competitor",
            ),
            (
                HasOrganizationPermission(organization="folder.organization"),
                "author colleague",
                "author colleague",
            ),
            (
                HasOrganizationPermission(roles=("owner",)),
                "colleague competitor",
                "colleague competitor",
            ),
            (RequirePlan("free"), "author colleague competitor", "author colleague competitor"),
            (RequireProPlan(), "author colleague", "author colleague"),
            (RequirePlan("enterprise"), "", ""),
        ],
        ids=lambda value: type(value).__name__ if isinstance(value, Rule) else "",
    )
    def test_it_admits(self, request, document, rule, readers, writers):
        for method, admitted in [("GET", readers), ("PATCH", writers)]:
            names = ["anonymous", "author", "colleague", "competitor", "stranger", "staff"]
            found = [
                name
                for name in names
                if rule.permits(
                    AnonymousUser() if name == "anonymous" else request.getfixturevalue(name),
                    document,
                    method=method,
                )
            ]
            assert found == admitted.split(), method

    def test_an_owner_who_is_nobody_is_not_anonymous(self):
        assert not IsOwner().permits(AnonymousUser(), Document(owner=None))
        assert not IsOwner().holds(AnonymousUser(), Document(owner=None))

    def test_a_class_combines_like_its_instance(self, author):
        own = Document(owner=author)

        assert (~IsOwner).permits(author, own) == (~IsOwner()).permits(author, own) is False
        assert (IsStaff | IsOwner).permits(author, own)
        assert not (IsStaff & IsOwner).permits(author, own)

    def test_not_refuses_before_an_object_is_known_where_it_can(self, staff, author):
        assert not (~IsStaff()).admits(staff)
        assert not (~(IsStaff() | ReadOnly())).admits(staff, method="POST")
        assert not (~RequirePlan("pro")).admits(author)
        assert (~IsOwner()).admits(author)


class TestPlans:
    def user_on(self, plan):
        return SimpleNamespace(role="owner", organization=SimpleNamespace(pk=1, plan=plan))

    @pytest.mark.P3
    @override_settings(BACKSTAY={"PLANS": ("trial", "team", "company")})
    def test_the_setting_orders_them(self):
        admitted = [plan for plan in ("trial", "team", "company") if self.admits(plan, "team")]

        assert admitted == ["team", "company"]

    def admits(self, plan, required):
        return RequirePlan(required).admits(self.user_on(plan))

    def test_an_organization_on_an_unknown_plan_is_on_none(self):
        assert not self.admits("gold", "free")

    def test_a_gate_for_an_unknown_plan_is_a_mistake_that_is_named(self):
        with pytest.raises(ImproperlyConfigured, match="'gold'"):
            self.admits("free", "gold")


@pytest.mark.P3
class TestWindow:
    """A day is 24 hours, whatever the clocks on the wall do."""

    MOMENTS = [
        datetime(2026, 5, 4, 12, tzinfo=UTC),
        # The night after, clocks go forward, then back.
        datetime(2026, 3, 7, 12, tzinfo=ZoneInfo("America/New_York")),
        datetime(2026, 10, 31, 12, tzinfo=ZoneInfo("America/New_York")),
        datetime(2026, 3, 28, 12, tzinfo=ZoneInfo("Europe/Berlin")),
        datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Berlin")),
    ]

    @pytest.mark.parametrize(
        ("seconds", "is_open"), [(-1, True), (0, True), (1, False), (3600, False)]
    )
    @pytest.mark.parametrize("made", MOMENTS, ids=str)
    def test_it_closes_after_24_hours(self, author, made, seconds, is_open):
        Document.objects.create(created_at=made)
        elapsed = timedelta(hours=24, seconds=seconds)

        with (
            time_machine.travel(made.astimezone(UTC) + elapsed, tick=False),
            override_settings(TIME_ZONE=str(made.tzinfo)),
        ):
            rows = Document.objects.filter(DAY.scope(author, Document, method="DELETE"))
            assert rows.exists() == is_open
            for document in [Document.objects.get(), Document(created_at=made)]:
                assert DAY.permits(author, document, method="DELETE") == is_open

    def test_other_methods_know_no_window(self, author):
        long_ago = Document.objects.create(created_at=NOW - timedelta(days=900))

        assert DAY.permits(author, long_ago, method="PATCH")

    def test_what_was_never_made_is_in_no_window(self, author):
        assert not DAY.permits(author, Document(created_at=None), method="DELETE")


# --- rules in views ---------------------------------------------------------------

COLLEAGUES = HasOrganizationPermission(organization="folder.organization")


class FolderSerializer(serializers.ModelSerializer):
    class Meta:
        model = Folder
        fields = ["organization"]


class DocumentSerializer(serializers.ModelSerializer):
    folder = PermittedRelatedField(
        rule=HasOrganizationPermission(organization="organization") | IsStaff,
        queryset=Folder.objects.all(),
        required=False,
    )
    owner_id = serializers.IntegerField(required=False)

    class Meta:
        model = Document
        fields = ["id", "title", "owner", "owner_id", "folder"]


class Documents(PermittedRowsMixin, viewsets.ModelViewSet):
    """Colleagues read, the owner writes."""

    authentication_classes = (BasicAuthentication,)
    permission_classes = ((ReadOnly & COLLEAGUES) | IsOwner,)
    queryset = Document.objects.all()
    serializer_class = DocumentSerializer
    pagination_class = None

    @action(detail=True, methods=["post"], permission_classes=[IsStaff])
    def stamp(self, request, **kwargs):
        return Response(DocumentSerializer(self.get_object()).data)


router = SimpleRouter()
router.register("documents", Documents)
urlpatterns = [path("", include(router.urls))]


@pytest.fixture
def project():
    with override_settings(ROOT_URLCONF=__name__):
        yield


@pytest.fixture
def client_of(project):
    def client(user):
        api = APIClient()
        api.force_authenticate(user)
        return api

    return client


@pytest.fixture
def document(author, acme):
    return Document.objects.create(owner=author, folder=Folder.objects.create(organization=acme))


def bytes_of(response: HttpResponse, path):
    """The whole answer, but for the id of the request and the path that was asked for."""
    request_id = response.headers["X-Request-ID"]
    head = {
        k: v for k, v in response.headers.items() if k not in {"X-Request-ID", "Content-Length"}
    }
    body = response.content.replace(request_id.encode(), b"").replace(path.encode(), b"")
    return response.status_code, head, body


@pytest.mark.P1
class TestPermittedRowsMixin:
    def test_a_hidden_row_is_404_and_one_that_is_only_read_403(
        self, client_of, document, author, colleague, competitor
    ):
        answers = {
            user.email.split("@")[0]: [
                client_of(user).get(f"/documents/{document.pk}/").status_code,
                client_of(user).patch(f"/documents/{document.pk}/", {}, "json").status_code,
            ]
            for user in (author, colleague, competitor)
        }

        assert answers == {"author": [200, 200], "colleague": [200, 403], "competitor": [404, 404]}

    @pytest.mark.parametrize("method", [*METHODS, "BREW"])
    def test_a_foreign_row_is_like_a_missing_one(self, client_of, document, competitor, method):
        foreign, missing = f"/documents/{document.pk}/", "/documents/987654/"
        answers = [
            bytes_of(client_of(competitor).generic(method, where, "{}", "application/json"), where)
            for where in (foreign, missing)
        ]

        assert answers[0] == answers[1]

    def test_an_actions_own_permission_does_not_hide_the_row(
        self, client_of, document, author, competitor, staff
    ):
        stamp = f"/documents/{document.pk}/stamp/"

        assert client_of(author).post(stamp).status_code == 403
        # Staff may stamp what they may see, and see no documents here.
        assert client_of(staff).post(stamp).status_code == 404
        assert client_of(competitor).post(stamp).status_code == 403

    def test_permissions_given_to_as_view_scope_the_rows(self, author, documents):
        view = view_of(drf.IsAuthenticated)
        request = APIRequestFactory().get("/")
        force_authenticate(request, author)

        response = view.as_view({"get": "list"}, permission_classes=[IsOwner])(request)

        own = [document for document in documents if document.owner_id == author.pk]
        assert {row["id"] for row in response.data} == keys(own)

    def test_a_permission_of_another_make_with_an_object_check_is_refused(self, author, document):
        class IsDocumentOwner(drf.BasePermission):
            def has_object_permission(self, request, view, obj):
                return obj.owner == request.user

        for permission in (IsDocumentOwner, (drf.IsAuthenticated & IsDocumentOwner) | IsStaff):
            with pytest.raises(ImproperlyConfigured, match="IsDocumentOwner checks objects"):
                permitted_rows(permission(), request_of(author), APIView(), Document)

        assert call(view_of(IsDocumentOwner), author).status_code == 500

    def test_drfs_model_permissions_can_ask_for_the_queryset(self, author, documents):
        response = call(view_of(drf.DjangoModelPermissions, IsOwner), author)

        own = [document for document in documents if document.owner_id == author.pk]
        assert {row["id"] for row in response.data} == keys(own)

    def test_a_document_generator_sees_every_row_and_needs_no_caller(self, documents):
        view = view_of(IsOwner)(swagger_fake_view=True, request=None)

        assert view.get_queryset().count() == len(documents)


@pytest.mark.P3
class TestCodes:
    def code(self, permissions, user, **kwargs):
        return call(view_of(*permissions), user, **kwargs).data["code"]

    @pytest.mark.parametrize(
        "permission",
        [
            drf.IsAuthenticated & RequirePlan("pro"),
            IsOwner & RequirePlan("pro"),
            (RequirePlan("pro") & IsOwner()) & DAY,
            RequireProPlan,
            IsStaff | RequirePlan("pro"),
        ],
    )
    def test_a_plan_that_is_too_low(self, competitor, permission):
        assert self.code([permission], competitor) == "plan_required"

    def test_a_window_that_is_closed(self, author, document):
        with time_machine.travel(document.created_at + timedelta(days=2)):
            code = self.code([IsOwner & DAY], author, method="DELETE", pk=document.pk)

        assert code == "delete_window_closed"
        assert Document.objects.exists()

    def test_nobody_is_asked_to_log_in_first(self):
        assert self.code([IsOwner & RequirePlan("pro")], AnonymousUser()) == "not_authenticated"

    def test_anyone_else_is_told_what_is_missing(self, stranger):
        response = call(view_of(IsStaff & IsOwner), stranger)
        assert response.data["code"] == "permission_denied"

        response = call(view_of(HasOrganizationPermission), stranger)
        assert response.data["detail"] == HasOrganizationPermission.message


@pytest.mark.P1
class TestSavePermitted:
    @pytest.mark.parametrize("field", ["owner", "owner_id"])
    def test_nobody_gives_away_what_is_theirs(self, client_of, document, author, colleague, field):
        where = f"/documents/{document.pk}/"
        response = client_of(author).patch(where, {field: colleague.pk}, "json")

        document.refresh_from_db()
        assert (response.status_code, document.owner) == (403, author)

    @pytest.mark.parametrize("field", ["owner", "owner_id"])
    def test_nobody_creates_for_another(self, client_of, author, colleague, field):
        response = client_of(author).post("/documents/", {field: colleague.pk}, "json")

        assert response.status_code == 403
        assert not Document.objects.exists()

    def test_an_owner_creates_and_changes(self, client_of, author):
        created = client_of(author).post("/documents/", {"owner": author.pk}, "json")
        where = f"/documents/{created.data['id']}/"
        changed = client_of(author).patch(where, {"title": "New"}, "json")

        assert (created.status_code, changed.status_code) == (201, 200)
        assert Document.objects.get().title == "New"

    def test_values_of_the_view_count(self, author, colleague):
        def create(self, serializer):
            self.save_permitted(serializer, owner=colleague)

        view = view_of(IsOwner, perform_create=create)
        request = APIRequestFactory().post("/", {}, "json")
        force_authenticate(request, author)

        assert view.as_view({"post": "create"})(request).status_code == 403
        assert not Document.objects.exists()

    def test_an_object_that_is_made_along_is_nobodys_yet(self, author):
        class Nested(serializers.ModelSerializer):
            folder = FolderSerializer()

            class Meta:
                model = Document
                fields = ["folder"]

            def create(self, validated_data):
                folder = Folder.objects.create(**validated_data.pop("folder"))
                return Document.objects.create(folder=folder, **validated_data)

        def create(self, serializer):
            self.save_permitted(serializer, owner=self.request.user)

        statuses = []
        for permission in (IsOwner, COLLEAGUES):
            view = view_of(permission, perform_create=create, serializer_class=Nested)
            request = APIRequestFactory().post("/", {"folder": {"organization": None}}, "json")
            force_authenticate(request, author)
            statuses.append(view.as_view({"post": "create"})(request).status_code)

        assert statuses == [201, 403]


@pytest.mark.P1
class TestPermittedRelatedField:
    def answer(self, client, folder):
        body = {"folder": folder}
        response = client.post("/documents/", body, "json")
        return bytes_of(response, str(folder))

    def test_a_foreign_object_is_like_a_missing_one(self, client_of, author, rival):
        # A key that occurs nowhere else in the answer: "4" is also in "400".
        foreign = Folder.objects.create(pk=123456, organization=rival)
        client = client_of(author)

        assert self.answer(client, foreign.pk) == self.answer(client, 987654)
        assert not Document.objects.exists()

    def test_ones_own_is_taken(self, client_of, author, document):
        body = {"folder": document.folder_id, "owner": author.pk}

        assert client_of(author).post("/documents/", body, "json").status_code == 201

    def test_a_rule_that_admits_nobody_finds_nothing(self, document):
        class Serializer(serializers.Serializer):
            document = PermittedRelatedField(
                rule=IsOwnerOrAdmin("owner"), queryset=Document.objects.all()
            )

        context = {"request": request_of(AnonymousUser())}
        serializer = Serializer(data={"document": document.pk}, context=context)

        assert not serializer.is_valid()


class Slow(Rule):
    """Remembers the caller while another request is under way."""

    def __init__(self, barrier):
        self.barrier = barrier

    def admits(self, user, *, method="GET"):
        self.user = user
        self.barrier.wait(timeout=10)
        return self.user is user


class TestCopies:
    """No request sees what another's rule remembers."""

    @pytest.mark.parametrize(
        ("combined", "status"),
        [
            (lambda rule: rule, 200),
            (lambda rule: rule & ReadOnly(), 200),
            (lambda rule: rule | IsStaff(), 200),
            (lambda rule: ~rule, 403),
        ],
        ids=["alone", "and", "or", "not"],
    )
    def test_two_threads(self, combined, status):
        rule = combined(Slow(Barrier(2)))

        class View(APIView):
            authentication_classes = (BasicAuthentication,)
            permission_classes = (rule,)

            def get(self, request):
                return Response()

        def ask(key):
            request = APIRequestFactory().get("/")
            force_authenticate(request, User(pk=key))
            return View.as_view()(request).status_code

        with ThreadPoolExecutor(2) as threads:
            assert list(threads.map(ask, [1, 2])) == [status, status]


@pytest.mark.L1
class TestQueries:
    @pytest.mark.parametrize(
        "rule", [IsOwner(), IsOwner("desk.user") | IsStaff(), COLLEAGUES, ~IsOwner("desk.user")]
    )
    def test_a_rule_costs_no_query_of_its_own(self, author, documents, rule):
        assert author.organization

        with CaptureQueriesContext(connection) as queries:
            assert call(view_of(rule), author).data

        assert len(queries) == 1

    def test_the_way_over_ones_only_desk_is_a_value_and_no_join(self, author):
        rows = Document.objects.filter(IsOwner("desk.user").scope(author, Document))

        assert "JOIN" not in str(rows.query)


@pytest.mark.parametrize("rule", [IsOwner("user"), IsStaff(), RequireProPlan(), ReadOnly()])
def test_a_project_without_anonymous_users_is_refused_like_any_other(rule):
    """DRF's ``UNAUTHENTICATED_USER`` may be ``None``."""
    request = APIRequestFactory().post("/")
    request.user = None  # type: ignore[assignment]  # What the stubs do not know of.
    assert rule.has_permission(request, None) is False
