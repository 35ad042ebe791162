"""Checks of lists: W014, W015, W016, W017."""

import django_filters
import pytest
from django.contrib.postgres.indexes import GinIndex
from django.core.checks import run_checks
from django.db import models
from django.test import override_settings
from django.urls import include, path
from rest_framework import filters, mixins, pagination, routers, serializers, viewsets

from backstay import pagination as ours
from backstay.filtering import DjangoFilterBackend, OrderingFilter
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.L2, pytest.mark.L3, pytest.mark.M3, pytest.mark.once]

CHECKED = {f"backstay.W0{number}" for number in (14, 15, 16, 17)}


class Parcel(models.Model):
    """Only its columns and indexes matter: it has no table and no rows."""

    shelf = models.ForeignKey(Shelf, on_delete=models.DO_NOTHING)
    sent_at = models.DateTimeField()
    weight = models.IntegerField()
    height = models.IntegerField()
    label = models.CharField(max_length=10, unique=True)
    place = models.CharField(max_length=10)
    words = models.TextField()
    urgent = models.BooleanField(default=False)

    class Meta:
        app_label = "testapp"
        managed = False
        indexes = [
            models.Index(fields=["-sent_at", "-id"], name="testapp_parcel_newest"),
            models.Index(fields=["shelf", "weight", "id"], name="testapp_parcel_weight"),
            GinIndex(fields=["words"], name="testapp_parcel_words"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["place", "height"], name="testapp_parcel_place")
        ]

    def __str__(self):
        return self.label


class ParcelSerializer(serializers.ModelSerializer):
    class Meta:
        model = Parcel
        fields = ["id"]


class Parcels(viewsets.ReadOnlyModelViewSet):
    queryset = Parcel._default_manager.all()
    serializer_class = ParcelSerializer
    pagination_class: type[pagination.BasePagination] | None = ours.PagePagination
    filter_backends = (DjangoFilterBackend, OrderingFilter)


class NumbersOfDrf(pagination.PageNumberPagination):
    page_size = 20


class CursorOfDrf(pagination.CursorPagination):
    page_size = 20
    ordering = "-sent_at"


urlpatterns: list = []


@pytest.fixture
def found():
    """The messages about a list with these attributes."""

    def run(base=Parcels, view=None, **attributes):
        router = routers.SimpleRouter()
        kind = type("Shown", (base,), attributes)
        router.register("shown", kind, basename="shown")
        lists = [path("alone/", view.as_view())] if view else [path("", include(router.urls))]
        # A second mount: each list is judged once.
        urlpatterns[:] = [*lists, *(path(f"{n}/", include(lists)) for n in range(2))]
        with override_settings(ROOT_URLCONF=__name__):
            messages = run_checks()
        return [
            (one.id[-4:], one.msg.partition("Shown ")[2]) for one in messages if one.id in CHECKED
        ]

    yield run
    urlpatterns.clear()


def cursor(*ordering):
    return type("By", (ours.CursorPagination,), {"ordering": ordering})


class TestCursorWithoutIndex:
    @pytest.mark.parametrize(
        "ordering",
        [
            ["-sent_at"],
            ["sent_at"],
            ["sent_at", "id"],
            ["weight"],
            ["-weight", "-id"],
            ["label"],
            ["-label", "weight"],
            ["id"],
            ["-pk"],
            [],
        ],
    )
    def test_is_fine_where_an_index_holds_the_order(self, found, ordering):
        """Either way round, after columns that the rows may be scoped by, or up to a unique one."""
        assert found(pagination_class=cursor(*ordering)) == []

    @pytest.mark.parametrize(
        "ordering",
        [
            ["height"],
            ["urgent"],
            ["-sent_at", "id"],
            ["weight", "-id"],
            ["sent_at", "weight"],
            ["words"],
            ["shelf__name"],
            ["shelf_id"],
        ],
    )
    def test_is_told_where_none_does(self, found, ordering):
        ((number, message),) = found(pagination_class=cursor(*ordering))

        assert number == "W014"
        assert message.startswith(f"pages by {', '.join(ordering)}")

    def test_of_what_clients_may_order_by(self, found):
        messages = found(
            pagination_class=cursor("-sent_at"),
            ordering_fields=("sent_at", "height", ("weight", "Weight")),
        )
        assert [message.partition(",")[0] for _, message in messages] == ["pages by height"]

    def test_of_the_views_ordering_and_not_of_the_paginators(self, found):
        assert found(pagination_class=cursor("height"), ordering="sent_at") == []
        assert found(pagination_class=cursor("sent_at"), ordering=("height",))

    def test_of_the_paginators_ordering_and_not_of_the_querysets(self, found):
        rows = Parcels.queryset.order_by("height")
        assert found(pagination_class=cursor("sent_at"), queryset=rows) == []
        undeclared = type("By", (ours.CursorPagination,), {})
        assert [number for number, _ in found(pagination_class=undeclared, queryset=rows)] == [
            "W014"
        ]

    def test_of_an_adaptive_list_too(self, found):
        kind = type("By", (ours.AdaptivePagination,), {"ordering": "height"})
        assert [number for number, _ in found(pagination_class=kind)] == ["W014"]

    def test_not_of_page_numbers(self, found):
        kind = type("By", (ours.PagePagination,), {"ordering": "height"})
        assert found(pagination_class=kind) == []


class TestFilterWithoutIndex:
    def filters(self, **declared):
        meta = type("Meta", (), {"model": Parcel, "fields": []})
        return type("Filters", (django_filters.FilterSet,), {**declared, "Meta": meta})

    @pytest.mark.parametrize(
        ("name", "lookup"),
        [
            ("sent_at", "gte"),
            ("shelf", "exact"),
            ("shelf_id", "exact"),
            ("place", "exact"),
            ("label", "exact"),
            ("pk", "in"),
            ("urgent", "exact"),
            ("words", "icontains"),
            ("shelf__name", "exact"),
        ],
    )
    def test_is_fine_where_an_index_begins_with_it(self, found, name, lookup):
        """Or where none would help: two values, or a search inside a text."""
        one = django_filters.CharFilter(field_name=name, lookup_expr=lookup)
        assert found(filterset_class=self.filters(one=one)) == []

    @pytest.mark.parametrize("name", ["weight", "height", "words"])
    def test_is_told_where_none_does(self, found, name):
        one = django_filters.CharFilter(field_name=name)
        ((number, message),) = found(filterset_class=self.filters(one=one))

        assert number == "W015"
        assert message.startswith(f"filters by {name},")

    def test_of_filterset_fields_too(self, found):
        messages = found(filterset_fields={"height": ["lt"], "sent_at": ["lt"]})
        assert [message.partition(",")[0] for _, message in messages] == ["filters by height"]

    def test_not_of_a_method(self, found):
        kind = self.filters(one=django_filters.CharFilter(field_name="height", method="by_height"))
        kind.by_height = lambda self, rows, name, value: rows
        assert found(filterset_class=kind) == []


class TestUnboundedList:
    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            (None, "all rows"),
            (pagination.PageNumberPagination, "all rows"),
            (pagination.LimitOffsetPagination, "all rows"),
            (type("Any", (NumbersOfDrf,), {"page_size_query_param": "size"}), "as many rows"),
            (
                type("Any", (pagination.LimitOffsetPagination,), {"default_limit": 9}),
                "as many rows",
            ),
        ],
    )
    def test_is_told(self, found, kind, said):
        ((number, message),) = found(
            pagination_class=kind, queryset=Parcels.queryset.order_by("pk")
        )

        assert number == "W016"
        assert message.startswith(f"lists {said}")

    @pytest.mark.parametrize(
        "kind", [ours.PagePagination, ours.LimitOffsetPagination, cursor("id"), NumbersOfDrf]
    )
    def test_is_not_told_of_one_that_is_bounded(self, found, kind):
        assert found(pagination_class=kind, queryset=Parcels.queryset.order_by("pk")) == []

    def test_is_not_told_of_what_lists_nothing(self, found):
        class Objects(mixins.RetrieveModelMixin, viewsets.GenericViewSet):
            queryset = Parcels.queryset
            serializer_class = ParcelSerializer
            pagination_class = None

        assert found(base=Objects) == []


class TestUnstableOrder:
    @pytest.mark.parametrize(
        ("kind", "ordering"),
        [
            (NumbersOfDrf, ()),
            (NumbersOfDrf, ("-sent_at",)),
            (NumbersOfDrf, ("shelf__id",)),
            (CursorOfDrf, ()),
            (CursorOfDrf, ("weight",)),
        ],
    )
    def test_is_told_of_drfs_pages(self, found, kind, ordering):
        queryset = Parcels.queryset.order_by(*ordering)
        numbers = [number for number, _ in found(pagination_class=kind, queryset=queryset)]
        assert numbers == ["W017"]

    @pytest.mark.parametrize("ordering", [("-sent_at", "id"), ("label",), ("-pk",)])
    def test_is_not_told_where_a_column_is_unique(self, found, ordering):
        queryset = Parcels.queryset.order_by(*ordering)
        assert found(pagination_class=NumbersOfDrf, queryset=queryset) == []

    def test_is_not_told_of_ours_which_add_the_key(self, found):
        assert found(pagination_class=ours.PagePagination, ordering="-sent_at") == []

    def test_the_views_ordering_counts_where_drfs_filter_is_there(self, found):
        backends = (filters.OrderingFilter,)
        assert found(pagination_class=NumbersOfDrf, ordering="pk", filter_backends=backends) == []
        assert found(pagination_class=NumbersOfDrf, ordering="pk", filter_backends=())


@pytest.mark.parametrize(
    ("base", "ordering"),
    [
        *((ours.PagePagination, name) for name in ("?", "nothing")),
        *((ours.CursorPagination, name) for name in ("?", "nothing", "shelf")),
    ],
)
def test_an_order_that_cannot_be_paged_is_told(found, base, ordering):
    """Else its first reader is told, by a 500."""
    kind = type("By", (base,), {"ordering": ordering})
    ((number, message),) = found(pagination_class=kind)
    assert number == "W017"
    assert message.startswith("fails: ")


def test_an_order_that_is_offered_and_cannot_be_paged_is_told(found):
    messages = found(pagination_class=cursor("-sent_at"), ordering_fields=["sent_at", "shelf"])
    assert [number for number, _ in messages] == ["W017"]


def test_numbered_pages_take_any_order_that_is_one(found):
    assert found(pagination_class=ours.PagePagination, ordering_fields=["shelf"]) == []


@override_settings(ROOT_URLCONF="shop.urls")
def test_the_service_has_none():
    assert [one for one in run_checks() if one.id in CHECKED] == []
