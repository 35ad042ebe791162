"""Checks of what views show: W011, W012, W013, W018."""

import pytest
from django.core.checks import run_checks
from django.test import override_settings
from django.urls import include, path
from rest_framework import generics, routers, serializers, viewsets

from backstay.readplan import ReadPlanMixin
from tests.backstay.testapp.models import Book, Shelf

pytestmark = [pytest.mark.L1, pytest.mark.M3, pytest.mark.once]


class Asking(serializers.ModelSerializer):
    number = serializers.SerializerMethodField()

    class Meta:
        model = Shelf
        fields = ["id", "number"]

    def get_number(self, shelf):
        return shelf.books.count()


class Everything(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = "__all__"


class Brief(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id"]


class ByProperty(serializers.ModelSerializer):
    place = Brief(source="somewhere", read_only=True)

    class Meta:
        model = Book
        fields = ["id", "place"]


class WantsRequest(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.context["request"]


class Fine(ReadPlanMixin, viewsets.ReadOnlyModelViewSet):
    queryset = Shelf.objects.all()
    serializer_class = Brief


urlpatterns: list = []


@pytest.fixture
def found():
    """The messages about a view that shows these serializers."""

    def run(*kinds, base=Fine):
        first, *others = kinds
        named = {f"action{index}": kind for index, kind in enumerate(others)}
        attributes = {"serializer_class": first, "serializer_classes": named}
        router = routers.SimpleRouter()
        router.register("shown", type("Shown", (base,), attributes), basename="shown")
        urlpatterns[:] = [path("", include(router.urls))]
        with override_settings(ROOT_URLCONF=__name__):
            messages = run_checks()
        return [(one.id, one.msg) for one in messages if one.id in CHECKED]

    yield run
    urlpatterns.clear()


CHECKED = {"backstay.W011", "backstay.W012", "backstay.W013", "backstay.W018"}


def test_a_serializer_that_asks_for_nothing_is_fine(found):
    assert found(Brief) == []


def test_a_method_that_asks_for_each_object(found):
    ((number, message),) = found(Asking)
    assert number == "backstay.W011"
    assert "Asking.get_number(): shelf.books.count() is a query for each object" in message
    assert "declare a CountField" in message


def test_every_column_of_a_model(found):
    ((number, message),) = found(Brief, Everything)
    assert number == "backstay.W012"
    assert "Everything shows every column of Shelf" in message


def test_a_nested_serializer_whose_source_is_no_relation(found):
    ((number, message),) = found(ByProperty)
    assert number == "backstay.W013"
    assert "ByProperty.place" in message


def test_that_is_said_of_views_with_plans_only(found):
    assert found(ByProperty, base=viewsets.ReadOnlyModelViewSet) == []


class Late(viewsets.ReadOnlyModelViewSet, ReadPlanMixin):
    queryset = Shelf.objects.all()


class LateDetail(viewsets.GenericViewSet, generics.RetrieveAPIView, ReadPlanMixin):
    queryset = Shelf.objects.all()


@pytest.mark.parametrize("base", [Late, LateDetail])
def test_a_plan_that_stands_too_late_to_be_used(found, base):
    (message,) = found(Brief, base=base)
    assert message[0] == "backstay.W018"
    assert message[1].startswith(f"{__name__}.Shown has ReadPlanMixin after DRF's classes")


def test_nothing_is_said_of_a_serializer_that_wants_a_request(found):
    assert found(WantsRequest) == []


@override_settings(ROOT_URLCONF="shop.urls")
def test_the_service_has_none():
    assert [one for one in run_checks() if one.id in CHECKED] == []
