"""Input that is what it says: unknown names and wrong JSON types are refused."""

from typing import Any

import pytest
from django.http import QueryDict
from rest_framework import serializers as drf
from rest_framework.exceptions import ValidationError

from backstay.serializers import ModelSerializer, Serializer, StrictInputMixin
from tests.backstay.testapp.models import Book, Shelf

pytestmark = pytest.mark.once


def codes(detail):
    """DRF's nested errors with the codes in place of the texts."""
    if isinstance(detail, dict):
        return {name: codes(value) for name, value in detail.items()}
    if isinstance(detail, list):
        return [codes(value) for value in detail]
    return detail.code


def errors(serializer_class, data, **kwargs):
    serializer = serializer_class(data=data, **kwargs)
    try:
        serializer.is_valid(raise_exception=True)
    except ValidationError as error:
        return codes(error.detail)
    return {}


def one(field):
    """A strict serializer of one field."""
    return type("One", (Serializer,), {"value": field})


class Item(Serializer):
    quantity = drf.IntegerField(min_value=1)
    note = drf.CharField(required=False)


class Order(Serializer):
    id = drf.IntegerField(read_only=True)
    status = drf.CharField(read_only=True)
    note = drf.CharField(required=False)
    item = Item(required=False)
    items = Item(many=True, required=False)


@pytest.mark.E3
class TestUnknownFields:
    def test_a_misspelt_name_is_refused(self):
        assert errors(Item, {"quantity": 1, "quantiy": 5}) == {"quantiy": ["unknown_field"]}

    def test_every_error_is_told_at_once(self):
        data = {"quantiy": 1, "note": 5, "color": "red"}

        assert errors(Item, data) == {
            "quantity": ["required"],
            "note": ["invalid_type"],
            "quantiy": ["unknown_field"],
            "color": ["unknown_field"],
        }

    def test_a_name_inside_an_object_is_refused(self):
        data = {"item": {"quantity": 1, "price": 0}}

        assert errors(Order, data) == {"item": {"price": ["unknown_field"]}}

    def test_a_name_inside_a_list_is_refused_at_its_index(self):
        data = {"items": [{"quantity": 1}, {"quantity": 1, "price": 0}]}

        assert errors(Order, data) == {"items": {1: {"price": ["unknown_field"]}}}

    def test_a_name_in_a_partial_update_is_refused(self):
        assert errors(Order, {"note": "x", "color": "red"}, partial=True) == {
            "color": ["unknown_field"]
        }

    def test_each_body_of_many_is_looked_at(self):
        assert errors(Item, [{"quantity": 1}, {"quantity": 1, "a": 1}], many=True) == {
            1: {"a": ["unknown_field"]}
        }

    def test_a_name_of_a_python_attribute_is_unknown(self):
        data = dict.fromkeys(["__class__", "pk", "_state", ""], "x") | {"quantity": 1}

        assert set(errors(Item, data)) == {"__class__", "pk", "_state", ""}


@pytest.mark.P2
class TestReadOnlyFields:
    def test_may_be_sent_back_and_change_nothing(self):
        serializer = Order(data={"id": "any", "status": {"type": ["wrong"]}, "note": "x"})

        assert serializer.is_valid()
        assert serializer.validated_data == {"note": "x"}


TAKEN: list[tuple[drf.Field, list[Any]]] = [
    (drf.BooleanField(), [True, False]),
    (drf.IntegerField(), [0, -1, 5, 5.0, 10**12]),
    (drf.FloatField(), [0, 1.5, -1e300]),
    (drf.DecimalField(6, 2), ["1.50", 1.5, 1, "0"]),
    (drf.CharField(), ["x", "5", "true"]),
    (drf.EmailField(), ["a@b.example"]),
    (drf.ChoiceField(["a", "b"]), ["a"]),
    (drf.UUIDField(), ["00000000-0000-4000-8000-000000000000"]),
    (drf.DateTimeField(), ["2026-01-01T00:00:00Z"]),
    (drf.DateField(), ["2026-01-01"]),
    (drf.TimeField(), ["12:00:00"]),
    (drf.DurationField(), ["01:00:00"]),
    (drf.ListField(), [[], [1, "x", None, {}]]),
    (drf.ListField(child=drf.IntegerField()), [[1, 2.0]]),
    (drf.DictField(), [{}, {"a": 1}]),
    (drf.DictField(child=drf.IntegerField()), [{"a": 1}]),
    (drf.JSONField(), [1, "x", [], {}, True]),
    (drf.IntegerField(allow_null=True), [None]),
]
REFUSED: list[tuple[drf.Field, list[Any]]] = [
    (drf.BooleanField(), [0, 1, "true", "on", "", [], {}]),
    (drf.IntegerField(), ["5", "", True, 5.5, [5], {"a": 5}]),
    (drf.FloatField(), ["1.5", True, [], {}]),
    (drf.DecimalField(6, 2), [True, [], {}]),
    (drf.CharField(), [5, 1.5, True, [], {}]),
    (drf.EmailField(), [5, ["a@b.example"]]),
    (drf.UUIDField(), [5, 0x1234, []]),
    (drf.DateTimeField(), [0, 1.5, True, []]),
    (drf.DateField(), [20260101, True]),
    (drf.TimeField(), [12, True]),
    (drf.DurationField(), [60, 1.5, True]),
    (drf.ListField(), ["x", 5, {}, True]),
    (drf.DictField(), ["x", 5, [], True]),
]


def cases(table):
    return [
        pytest.param(field, value, id=f"{type(field).__name__}-{value!r}")
        for field, values in table
        for value in values
    ]


@pytest.mark.E3
class TestTypes:
    @pytest.mark.parametrize(("field", "value"), cases(TAKEN))
    def test_takes(self, field, value):
        assert errors(one(field), {"value": value}) == {}

    @pytest.mark.parametrize(("field", "value"), cases(REFUSED))
    def test_refuses(self, field, value):
        assert errors(one(field), {"value": value}) == {"value": ["invalid_type"]}

    @pytest.mark.parametrize(
        "field", [field for field, _ in REFUSED], ids=lambda f: type(f).__name__
    )
    def test_null_is_the_fields_own_to_refuse(self, field):
        assert errors(one(field), {"value": None}) == {"value": ["null"]}

    @pytest.mark.parametrize("value", [1e308, -1e308])
    def test_a_huge_float_is_no_integer(self, value):
        assert errors(one(drf.IntegerField()), {"value": value}) == {"value": ["invalid"]}

    def test_says_what_is_wanted(self):
        serializer = one(drf.IntegerField())(data={"value": "5"})

        assert not serializer.is_valid()
        assert serializer.errors == {"value": ["Expected an integer."]}

    def test_the_type_is_told_before_the_value(self):
        """ "-5" is of the wrong type and below the minimum: one error, the first to mend."""
        assert errors(Item, {"quantity": "-5"}) == {"quantity": ["invalid_type"]}


@pytest.mark.E3
class TestLists:
    Numbers = one(drf.ListField(child=drf.IntegerField(min_value=1)))

    def test_an_item_of_the_wrong_type_is_refused_at_its_index(self):
        assert errors(self.Numbers, {"value": [1, "2", True]}) == {
            "value": {1: ["invalid_type"], 2: ["invalid_type"]}
        }

    def test_errors_of_type_and_of_value_are_told_together(self):
        assert errors(self.Numbers, {"value": [0, "2"]}) == {
            "value": {0: ["min_value"], 1: ["invalid_type"]}
        }

    def test_lists_of_lists_are_looked_into(self):
        matrix = one(drf.ListField(child=drf.ListField(child=drf.IntegerField())))

        assert errors(matrix, {"value": [[1], [1, "2"]]}) == {"value": {1: {1: ["invalid_type"]}}}

    def test_values_of_an_object_are_refused_at_their_name(self):
        counts = one(drf.DictField(child=drf.IntegerField()))

        assert errors(counts, {"value": {"a": 1, "b": "2"}}) == {"value": {"b": ["invalid_type"]}}


@pytest.mark.E1
class TestBodiesThatAreNoObjects:
    @pytest.mark.parametrize("data", [[], "x", 5, True, 1.5, [{}]])
    def test_are_refused_as_drf_does(self, data):
        assert errors(Item, data) == {"non_field_errors": ["invalid"]}

    def test_null_is_refused(self):
        assert errors(Item, None) == {"non_field_errors": ["null"]}


class TestFormInput:
    def test_has_no_types(self):
        serializer = Item(data=QueryDict("quantity=5&note=1"))

        assert serializer.is_valid()
        assert serializer.validated_data["quantity"] == 5

    def test_has_names_of_its_own(self):
        """A form carries its CSRF token and its buttons."""
        assert errors(Item, QueryDict("quantity=5&csrfmiddlewaretoken=x")) == {}


class BookInput(ModelSerializer):
    class Meta:
        model = Book
        fields = ["title", "shelf"]


class ShelfInput(Serializer):
    books = drf.PrimaryKeyRelatedField(queryset=Book.objects.all(), many=True)


@pytest.mark.E3
@pytest.mark.django_db
class TestForeignKeys:
    @pytest.fixture
    def shelf(self):
        return Shelf.objects.create(name="A")

    def test_takes_an_integer(self, shelf):
        for key in (shelf.pk, float(shelf.pk)):
            assert errors(BookInput, {"title": "x", "shelf": key}) == {}

    @pytest.mark.parametrize(
        "turn", [str, lambda key: key + 0.5, lambda key: [key], lambda _: True]
    )
    def test_refuses_what_only_converts_to_the_key(self, shelf, turn):
        """DRF stored ``1.5`` as 1, and ``true`` as 1."""
        data = {"title": "x", "shelf": turn(shelf.pk)}

        assert errors(BookInput, data) == {"shelf": ["invalid_type"]}

    @pytest.mark.parametrize("key", [0, -1, 10**30, 1e308])
    def test_a_key_of_no_row_does_not_exist(self, shelf, key):
        data = {"title": "x", "shelf": key}

        assert errors(BookInput, data) == {"shelf": ["does_not_exist"]}

    def test_a_list_of_keys_is_looked_into(self, shelf):
        book = Book.objects.create(shelf=shelf, title="x")

        assert errors(ShelfInput, {"books": [book.pk]}) == {}
        assert errors(ShelfInput, {"books": [book.pk, str(book.pk), True]}) == {
            "books": {1: ["invalid_type"], 2: ["invalid_type"]}
        }
        assert errors(ShelfInput, {"books": "5"}) == {"books": ["not_a_list"]}


class TestMixin:
    def test_works_alone_on_any_drf_serializer(self):
        class Plain(StrictInputMixin, drf.Serializer):
            name = drf.CharField()

        assert errors(Plain, {"name": 5, "x": 1}) == {
            "name": ["invalid_type"],
            "x": ["unknown_field"],
        }
