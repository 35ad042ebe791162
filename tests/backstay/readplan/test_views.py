"""The same view with and without ``ReadPlanMixin`` answers the same, byte by byte."""

import json
import pickle
import re
from functools import partial
from typing import Any

import pytest
from django.db.models import Count, Prefetch, Q
from django_filters.rest_framework import DjangoFilterBackend
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.settings import patched_settings
from rest_framework import (
    filters,
    generics,
    pagination,
    permissions,
    renderers,
    serializers,
    versioning,
    viewsets,
)
from rest_framework.decorators import action
from rest_framework.exceptions import ValidationError
from rest_framework.response import Response
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIRequestFactory

from backstay import pagination as ours
from backstay.permissions import IsOwner, PermittedRowsMixin, Rule
from backstay.readplan import ReadPlanMixin, reading
from tests.backstay.readplan.lab.models import City, Person, Pet, Toy
from tests.backstay.readplan.lab.shown import (
    ChosenPerson,
    GreetedPerson,
    PersonDetail,
    PetDetail,
    serializer,
)

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]

REQUEST_ID = re.compile(rb"\b[0-9a-f]{32}\b")

LIST = {"get": "list", "post": "create"}
DETAIL = {"get": "retrieve", "put": "update", "patch": "partial_update", "delete": "destroy"}


class People(viewsets.ModelViewSet):
    """What the views of these tests have in common."""

    queryset = Person.objects.all()
    serializer_class = PersonDetail
    authentication_classes = ()
    permission_classes: tuple[Any, ...] = (permissions.AllowAny,)
    versioning_class = None
    pagination_class = None
    renderer_classes = (renderers.JSONRenderer, renderers.BrowsableAPIRenderer)
    filter_backends = (DjangoFilterBackend, filters.OrderingFilter, filters.SearchFilter)
    filterset_fields = ("level", "city__name")
    search_fields = ("name", "pets__name")
    ordering_fields = ("id", "name", "made", "city__name")

    @action(detail=True)
    def peek(self, request, pk=None):
        return Response({"who": self.get_object().shouted()})

    @action(detail=False)
    def recent(self, request):
        rows = self.filter_queryset(self.get_queryset())
        page = self.paginate_queryset(rows)
        shown = self.get_serializer(rows if page is None else page, many=True).data
        return Response(shown)


class PageNumber(pagination.PageNumberPagination):
    page_size = 5


class LimitOffset(pagination.LimitOffsetPagination):
    default_limit = 5


class Cursor(pagination.CursorPagination):
    page_size = 5
    ordering = ("-made", "-id")  # DRF leaves tied rows to the database.


class CursorOverWhatIsNotShown(pagination.CursorPagination):
    page_size = 5
    ordering = "-slug"


class OurCursor(ours.CursorPagination):
    ordering = "-made"
    page_size = 5


class OurPages(ours.PagePagination):
    page_size = 5


PAGINATIONS = (PageNumber, LimitOffset, Cursor, CursorOverWhatIsNotShown, OurCursor, OurPages)


@pytest.fixture
def plans(monkeypatch):
    """The serializers that a plan has read for, one entry a reading."""
    made = []
    page = reading._Reading.page

    def noted(self, rows):
        made.append(type(self.plan.serializer))
        return page(self, rows)

    monkeypatch.setattr(reading._Reading, "page", noted)
    return made


def pair(base=People, **attributes):
    """The view without and with the mixin; of one name and docstring, which answers show."""
    attributes["__doc__"] = base.__doc__
    return (
        type("PeopleViewSet", (base,), attributes),
        type("PeopleViewSet", (ReadPlanMixin, base), attributes),
    )


def ask(view, url="/", method="get", actions=None, pk=None, **extra):
    request = getattr(APIRequestFactory(), method)(url, **extra)
    handler = view.as_view(actions) if actions else view.as_view()
    response = handler(request, **({} if pk is None else {"pk": pk}))
    return response.render()


def assert_same(views, *args, **kwargs):
    """Both answers have the same status, headers and bytes; returns the plan's."""
    plain, planned = (ask(view, *args, **kwargs) for view in views)
    assert planned.status_code == plain.status_code
    assert planned.headers == plain.headers
    assert content_of(planned) == content_of(plain)
    return planned


def content_of(response):
    """The bytes, but for the id that an error has of its request."""
    return (
        response.content if response.status_code == 200 else REQUEST_ID.sub(b"", response.content)
    )


list_of = partial(assert_same, actions=LIST)
detail_of = partial(assert_same, actions=DETAIL)


def above(view):
    """What the methods that ``pair`` gives to a view override."""
    return super(type(view), view)


def some_person():
    return Person.objects.order_by("pk")[0]


class TestLists:
    @pytest.mark.parametrize("paginator", [None, *PAGINATIONS])
    @pytest.mark.parametrize(
        "query", ["", "?level=1&search=a", "?ordering=-name,id", "?page=2&limit=3&offset=2"]
    )
    def test_have_the_same_pages(self, plans, paginator, query):
        views = pair(pagination_class=paginator)
        url = f"/{query}"
        for _ in range(4):
            response = list_of(views, url)
            following = response.data.get("next") if isinstance(response.data, dict) else None
            if following is None:
                break
            url = following
        assert plans

    @pytest.mark.parametrize("query", ["?city__name=a", "?level=x", "?search=\x00", "?cursor=x"])
    def test_are_filtered_and_refused_alike(self, query):
        list_of(pair(pagination_class=Cursor), f"/{query}")

    @pytest.mark.parametrize(
        "queryset",
        [
            Person.objects.none(),
            Person.objects.annotate(n=Count("pets")).order_by("-n", "pk"),
            Person.objects.only("name").distinct(),
            Person.objects.select_related("city").prefetch_related(
                Prefetch("pets", Pet.objects.order_by("-name", "pk")), "pets__toys"
            ),
            Person.objects.with_peers(),
        ],
        ids=["none", "annotated", "only", "prefetched", "peers"],
    )
    def test_are_the_same_whatever_the_queryset(self, plans, queryset):
        list_of(pair(queryset=queryset, pagination_class=PageNumber))
        assert plans or not queryset

    def test_over_a_union_are_left_to_drf(self, plans):
        everybody = Person.objects.order_by()
        union = everybody.filter(level=1).union(everybody.filter(level=2)).order_by("id")
        list_of(pair(queryset=union, filter_backends=()))
        assert not plans

    def test_show_what_a_method_says(self, plans):
        list_of(pair(serializer_class=GreetedPerson))
        assert plans

    @pytest.mark.parametrize("wanted", ["id", "id,pets", "pets,city,nothing"])
    def test_show_the_fields_that_the_request_names(self, plans, wanted):
        response = list_of(pair(serializer_class=ChosenPerson), f"/?fields={wanted}")
        assert set(response.data[0]) == set(wanted.split(",")) - {"nothing"}
        assert plans

    def test_show_rows_of_a_prefetch_under_another_name(self, plans):
        first = Prefetch("pets", Pet.objects.order_by("-id"), to_attr="newest")
        shown = serializer(Person, "id", newest=PetDetail(many=True, read_only=True))
        list_of(pair(queryset=Person.objects.prefetch_related(first), serializer_class=shown))
        assert plans

    def test_over_a_sliced_prefetch_are_left_to_drf(self, plans):
        newest = Prefetch("pets", Pet.objects.order_by("-id")[:1], to_attr="newest")
        shown = serializer(Person, "id", newest=PetDetail(many=True, read_only=True))
        list_of(pair(queryset=Person.objects.prefetch_related(newest), serializer_class=shown))
        assert not plans

    def test_in_drfs_own_view(self, plans):
        class Base(generics.ListAPIView):
            queryset = Person.objects.all()
            serializer_class = PersonDetail
            authentication_classes = ()
            permission_classes = (permissions.AllowAny,)
            pagination_class = PageNumber
            versioning_class = None

        assert_same(pair(Base))
        assert plans

    def test_link_to_the_version_that_was_asked_for(self, plans):
        response = list_of(
            pair(versioning_class=versioning.QueryParameterVersioning), "/?version=2"
        )
        assert response.data[0]["url"].endswith("?version=2")
        assert plans

    def test_cost_as_many_queries_however_long(self, query_count):
        _, planned = pair(serializer_class=GreetedPerson)

        def one_more():
            one = some_person()
            person = Person.objects.create(
                **{name: getattr(one, name) for name in ("name", "level", "kind", "price", "ok")},
                made=one.made,
                day=one.day,
                city=City.objects.create(country=one.city.country),
            )
            Pet.objects.create(owner=person, name="new")

        query_count.assert_constant(lambda: ask(planned, actions=LIST), after=one_more)


class TestDetails:
    def test_are_the_same(self, plans):
        views = pair()
        for pk in Person.objects.values_list("pk", flat=True):
            detail_of(views, pk=pk)
        assert plans

    @pytest.mark.parametrize("pk", [10**6, "x", 2**70])
    def test_that_are_missing_are_missing(self, pk):
        plain, planned = (ask(view, actions=DETAIL, pk=pk) for view in pair())
        assert planned.status_code == plain.status_code == 404
        assert planned.data["detail"] == plain.data["detail"]

    def test_make_no_more_queries_than_there_are_relations(self, query_count):
        """The person, their labels, pets and toys."""
        _, planned = pair()
        pk = Toy.objects.filter(pet__hidden=False)[0].pet.owner_id
        assert query_count(lambda: ask(planned, actions=DETAIL, pk=pk)) == 4


class Secretive(serializers.ModelSerializer):
    """Shows fewer fields to whoever says so."""

    class Meta:
        model = Person
        fields = ["id", "name", "slug"]

    def __init__(self, *args, only=None, **kwargs):
        super().__init__(*args, **kwargs)
        for name in [*self.fields] if only else ():
            if name not in only:
                self.fields.pop(name)


class TestTheViewsOwnSerializer:
    """What shows the rows is what the view makes for them, when it makes it."""

    @pytest.fixture(params=[list_of, detail_of], ids=["list", "detail"])
    def asked(self, request):
        def ask_for(views):
            key = {} if request.param is list_of else {"pk": some_person().pk}
            return request.param(views, **key).content

        return ask_for

    def test_has_the_arguments_that_the_view_gives(self, asked):
        def get_serializer(self, *args, **kwargs):
            return above(self).get_serializer(*args, **{**kwargs, "only": ("id", "name")})

        views = pair(serializer_class=Secretive, get_serializer=get_serializer)
        assert b"slug" not in asked(views)

    def test_has_the_fields_that_the_view_leaves_it(self, asked):
        def get_serializer(self, *args, **kwargs):
            made = above(self).get_serializer(*args, **kwargs)
            getattr(made, "child", made).fields.pop("slug")
            return made

        shown = serializer(Person, "id", "slug")
        assert b"slug" not in asked(pair(serializer_class=shown, get_serializer=get_serializer))

    def test_may_be_of_another_class_than_the_views(self, asked):
        def get_serializer(self, *args, **kwargs):
            kwargs.setdefault("context", self.get_serializer_context())
            return serializer(Person, "id", "name")(*args, **kwargs)

        assert b"slug" not in asked(pair(get_serializer=get_serializer))

    def test_knows_what_it_shows(self, asked):
        def get_fields(self):
            fields = serializers.ModelSerializer.get_fields(self)
            if self.instance is not None:
                fields.pop("slug")
            return fields

        shown = serializer(
            Person,
            "id",
            "slug",
            alone=serializers.SerializerMethodField(),
            get_alone=lambda self, one: self.instance is None,
            get_fields=get_fields,
        )
        content = asked(pair(serializer_class=shown))
        assert b"slug" not in content
        assert b'"alone":false' in content

    def test_has_a_context_that_knows_the_page(self):
        def paginate_queryset(self, queryset):
            page = above(self).paginate_queryset(queryset)
            self.liked = {one.pk for one in page}
            return page

        def get_serializer_context(self):
            return {**above(self).get_serializer_context(), "liked": self.liked}

        shown = serializer(
            Person,
            liked=serializers.SerializerMethodField(),
            get_liked=lambda self, one: one.pk in self.context["liked"],
        )
        views = pair(
            serializer_class=shown,
            pagination_class=PageNumber,
            paginate_queryset=paginate_queryset,
            get_serializer_context=get_serializer_context,
        )
        assert b'"liked":true' in list_of(views).content

    def test_is_not_asked_for_what_is_not_there(self):
        def get_serializer_class(self):
            raise ValidationError("Choose another.")

        views = pair(get_serializer_class=get_serializer_class)
        assert detail_of(views, pk=10**9).status_code == 404
        assert detail_of(views, pk=some_person().pk).status_code == 400

    def test_shows_rows_and_instances_together(self):
        def paginate_queryset(self, queryset):
            return [*above(self).paginate_queryset(queryset), some_person()]

        list_of(pair(pagination_class=PageNumber, paginate_queryset=paginate_queryset))

    def test_shows_what_was_changed_on_one_of_two_pages(self):
        def paginate_queryset(self, queryset):
            page = above(self).paginate_queryset(queryset)
            others = list(queryset[6:8])
            others[0].name = "changed"
            return [*page, *others]

        views = pair(pagination_class=PageNumber, paginate_queryset=paginate_queryset)
        assert b"changed" in list_of(views).content

    def test_is_of_rows_that_can_be_copied(self):
        def paginate_queryset(self, queryset):
            page = above(self).paginate_queryset(queryset)
            return pickle.loads(pickle.dumps(page))  # noqa: S301  # One's own.

        list_of(pair(pagination_class=PageNumber, paginate_queryset=paginate_queryset))


class TestPermissions:
    class LowOnly(permissions.BasePermission):
        def has_object_permission(self, request, view, obj):
            return obj.level == 1

    def test_that_look_at_the_object_are_asked(self, plans):
        views = pair(permission_classes=[self.LowOnly])
        statuses = set()
        for person in Person.objects.all():
            plain, planned = (ask(view, actions=DETAIL, pk=person.pk) for view in views)
            assert planned.status_code == plain.status_code
            statuses.add(planned.status_code)
        assert statuses == {200, 403}
        assert not plans

    def test_that_look_at_the_object_leave_lists_to_the_plan(self, plans):
        list_of(pair(permission_classes=[self.LowOnly]))
        assert plans

    def test_that_the_rows_hold_are_not_asked_again(self, plans):
        class Low(Rule):
            def rows(self, user, model, *, method="GET"):
                return Q(level=1)

        class Base(PermittedRowsMixin, People):
            permission_classes = (Low,)

            def rows_hold(self, permission):
                return isinstance(permission, Low)

        views = pair(Base)
        list_of(views)
        for person in Person.objects.all():
            plain, planned = (ask(view, actions=DETAIL, pk=person.pk) for view in views)
            assert planned.status_code == plain.status_code == (200 if person.level == 1 else 404)
        assert len(plans) == 1 + Person.objects.count()

    def test_of_ours_are_asked_where_nothing_says_that_rows_hold_them(self, plans):
        class Base(PermittedRowsMixin, People):
            permission_classes = (IsOwner(owner="boss"),)

        plain, planned = (ask(view, actions=DETAIL, pk=some_person().pk) for view in pair(Base))
        assert planned.status_code == plain.status_code
        assert not plans


class TestOwnCode:
    def test_in_list_that_calls_drfs(self, plans):
        class Base(People):
            def list(self, request, *args, **kwargs):
                response = super().list(request, *args, **kwargs)
                response["X-Seen"] = "1"
                return response

        assert list_of(pair(Base))["X-Seen"] == "1"

    def test_in_list_of_the_view_itself_that_calls_drfs(self, plans):
        """Python finds the view's own method before the mixin's."""

        def listed(self, request, *args, **kwargs):
            response = above(self).list(request, *args, **kwargs)
            response["X-Seen"] = "1"
            return response

        response = list_of(pair(list=listed, pagination_class=PageNumber))
        assert response["X-Seen"] == "1"
        assert plans

    def test_in_list_that_reads_rows_by_itself(self, plans):
        class Base(People):
            def list(self, request, *args, **kwargs):
                rows = self.filter_queryset(self.get_queryset())
                return Response([one.shouted() for one in rows])

        list_of(pair(Base))
        assert not plans

    @pytest.mark.parametrize("paginator", [None, PageNumber])
    def test_in_an_action(self, plans, paginator):
        views = pair(pagination_class=paginator)
        assert_same(views, actions={"get": "recent"})
        assert_same(views, actions={"get": "peek"}, pk=some_person().pk)
        assert not plans

    def test_in_an_action_has_peers(self, query_count):
        """The count, the people, cities, homes, countries, pets, toys, labels and passports."""
        _, planned = pair(serializer_class=GreetedPerson, pagination_class=PageNumber)
        assert query_count(lambda: ask(planned, actions={"get": "recent"})) == 10

    def test_in_filter_queryset(self, plans):
        class Base(People):
            def filter_queryset(self, queryset):
                return super().filter_queryset(queryset).exclude(level=2)

        list_of(pair(Base))
        assert plans

    def test_in_filter_queryset_of_the_view_itself(self, plans):
        def without_two(self, queryset):
            return above(self).filter_queryset(queryset).exclude(level=2)

        list_of(pair(filter_queryset=without_two))
        assert plans

    def test_that_sets_attributes_on_rows(self, plans, query_count):
        """The bodies know nothing of them, so the instances are loaded: one query for all."""

        def marked(self, queryset):
            page = above(self).paginate_queryset(queryset)
            for one in page:
                one.name = f"{one.name} on this page"
            return page

        views = pair(
            paginate_queryset=marked,
            pagination_class=PageNumber,
            serializer_class=serializer(Person, "id", "name"),
        )
        response = list_of(views)
        assert response.data["results"][0]["name"].endswith("on this page")
        assert plans
        # The count, the page, and the page's instances.
        assert query_count(lambda: ask(views[1], actions=LIST)) == 3

    def test_that_reads_what_was_not_selected_loads_the_page(self, plans, query_count):
        def noted(self, queryset):
            page = above(self).paginate_queryset(queryset)
            self.seen = [(one.pk, one.name, one.slug, one.shouted(), str(one)) for one in page]
            return page

        shown = serializer(Person, "id", "name")
        views = pair(paginate_queryset=noted, pagination_class=PageNumber, serializer_class=shown)
        list_of(views)
        assert query_count(lambda: ask(views[1], actions=LIST)) == 3

    def test_that_sets_attributes_finds_annotations_too(self, plans):
        def ranked(self, queryset):
            page = above(self).paginate_queryset(queryset)
            for one in page:
                one.name = f"{one.n} pets"
            return page

        views = pair(
            queryset=Person.objects.annotate(n=Count("pets")).order_by("pk"),
            paginate_queryset=ranked,
            pagination_class=PageNumber,
            serializer_class=serializer(Person, "name", n=serializers.IntegerField(read_only=True)),
        )
        assert list_of(views).data["results"][0]["name"].endswith(" pets")
        assert plans

    def test_that_has_an_instance_change_itself(self, plans):
        def renamed(self, queryset):
            page = above(self).paginate_queryset(queryset)
            for one in page:
                one.shout_out()
            return page

        views = pair(paginate_queryset=renamed, pagination_class=PageNumber)
        assert {body["name"] for body in list_of(views).data["results"]} == {"!"}
        assert plans

    def test_that_takes_rows_for_instances_may(self, plans):
        """It asks for what belongs to them, tells them apart, and names them."""

        def noted(self, queryset):
            page = above(self).paginate_queryset(queryset)
            pets = Pet.objects.filter(owner__in=page)
            people = list(Person.objects.filter(pk__in=[one.pk for one in page]))
            known = [
                isinstance(one, Person) and one in people and one in set(people) for one in page
            ]
            names = [str(one) for one in page]
            return page if all(known) and pets and names == [str(one) for one in people] else []

        views = pair(
            paginate_queryset=noted,
            pagination_class=PageNumber,
            serializer_class=serializer(Person, "id", "name"),
        )
        assert len(list_of(views).data["results"]) == 5
        assert plans

    def test_that_opens_a_file_finds_a_file(self, plans):
        def noted(self, queryset):
            page = above(self).paginate_queryset(queryset)
            self.seen = [one.doc.url for one in page if one.doc]
            return page

        shown = serializer(Person, "id", "doc")
        list_of(pair(paginate_queryset=noted, pagination_class=PageNumber, serializer_class=shown))
        assert plans

    def test_in_get_serializer_class_by_action(self, plans):
        def chosen(self):
            return PersonDetail if self.action == "retrieve" else serializer(Person, "id")

        views = pair(get_serializer_class=chosen)
        list_of(views)
        detail_of(views, pk=some_person().pk)
        assert len(plans) == 2

    def test_in_get_serializer_context(self, plans):
        def with_mark(self):
            return {**above(self).get_serializer_context(), "mark": "m"}

        shown = serializer(
            Person,
            "id",
            mark=serializers.SerializerMethodField(),
            get_mark=lambda self, person: self.context["mark"],
        )
        list_of(pair(serializer_class=shown, get_serializer_context=with_mark))
        assert plans

    def test_that_asks_whether_many_are_shown(self, plans):
        """A common question of serializers: are we a list?"""
        shown = serializer(
            Person,
            "id",
            many=serializers.SerializerMethodField(),
            get_many=lambda self, person: isinstance(self.parent, serializers.ListSerializer),
        )
        views = pair(serializer_class=shown)
        assert list_of(views).data[0]["many"] is True
        assert detail_of(views, pk=some_person().pk).data["many"] is False
        assert len(plans) == 2

    def test_in_a_list_serializer(self, plans):
        class Backwards(serializers.ListSerializer):
            def to_representation(self, data):
                return super().to_representation(data)[::-1]

        shown = serializer(Person, "id", "name")
        shown.Meta.list_serializer_class = Backwards
        list_of(pair(serializer_class=shown))
        assert not plans

    def test_with_a_queryset_of_another_model(self, plans):
        shown = serializer(Person, "id", "name")
        list_of(pair(queryset=City.objects.all(), serializer_class=shown, filter_backends=()))
        assert not plans

    def test_that_takes_itself_out(self, plans):
        list_of(pair(read_plan=False))
        assert not plans


class TestTheRest:
    def test_browsable_pages_are_the_same(self, plans):
        views = pair(pagination_class=PageNumber)
        token = re.compile(rb"[A-Za-z0-9]{64}")
        for url, actions, pk in (("/", LIST, None), ("/", DETAIL, some_person().pk)):
            plain, planned = (
                token.sub(b"token", ask(view, f"{url}?format=api", actions=actions, pk=pk).content)
                for view in views
            )
            assert planned == plain
            assert len(planned) > 5000
        assert not plans

    @pytest.mark.parametrize("method", ["head", "options"])
    def test_head_and_options_are_the_same(self, method):
        views = pair(pagination_class=PageNumber)
        list_of(views, method=method)
        detail_of(views, method=method, pk=some_person().pk)

    def test_writes_are_the_same(self):
        shown = serializer(Person, "id", "name", "level")
        shown.Meta.read_only_fields = ["id"]
        views = pair(serializer_class=shown)
        pk = some_person().pk
        for method, body in (
            ("patch", {"name": "new"}),
            ("put", {"name": "newer", "level": 1}),
            ("patch", {"level": "x"}),
        ):
            extra = {"data": body, "format": "json"}
            plain, planned = (
                ask(view, method=method, actions=DETAIL, pk=pk, **extra) for view in views
            )
            assert planned.status_code == plain.status_code
            if planned.status_code == 200:
                assert planned.content == plain.content
        others = Person.objects.order_by("-pk")
        for view in views:
            gone = others[0].pk
            assert ask(view, method="delete", actions=DETAIL, pk=gone).status_code == 204
            assert not others.filter(pk=gone).exists()

    def test_an_indent_is_kept(self, plans):
        headers = {"Accept": "application/json; indent=2"}
        assert b"\n  " in list_of(pair(), headers=headers).content
        assert plans

    def test_the_schema_is_unchanged(self):
        documents = []
        for view in pair(pagination_class=PageNumber):
            router = SimpleRouter()
            router.register("people", view)
            with patched_settings({"PREPROCESSING_HOOKS": []}):  # The shop's own.
                document = SchemaGenerator(patterns=router.urls).get_schema(public=True)
            documents.append(json.dumps(document, default=str))
        assert documents[0] == documents[1]
        assert '"/people/{id}/"' in documents[0]
