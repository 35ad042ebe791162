"""Compiled reads show every version as DRF does, by plan all the same."""

from types import SimpleNamespace

import pytest
from django.test import override_settings
from rest_framework import serializers

from backstay.versioning import Collapse, Drop, Nest, Rename, TransformsMixin
from tests.backstay.readplan.comparison import compare
from tests.backstay.testapp.models import Book, Shelf

pytestmark = [pytest.mark.V1, pytest.mark.L1, pytest.mark.django_db]


class ShelfBrief(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]


class BookDetail(TransformsMixin, serializers.ModelSerializer):
    """v1: id, name, shelf_id, shelf_name; v2: id, title, pages, shelf {id, name}."""

    shelf = ShelfBrief()

    class Meta:
        model = Book
        fields = ["id", "title", "pages", "shelf", "isbn"]
        transforms = {
            "v2": (
                Rename("title", was="name"),
                Drop("pages"),
                Nest("shelf", {"id": "shelf_id", "name": "shelf_name"}),
            ),
            "v3": (Drop("isbn"),),
        }


class ShelfDetail(TransformsMixin, serializers.ModelSerializer):
    """In v2 the books were their keys, and books have versions of their own."""

    books = BookDetail(many=True)

    class Meta:
        model = Shelf
        fields = ["id", "books"]
        transforms = {"v3": (Collapse("books", to="id"),)}


class Kept(serializers.ModelSerializer):
    """A serializer without versions around one that has them."""

    books = BookDetail(many=True)

    class Meta:
        model = Shelf
        fields = ["id", "books"]


@pytest.fixture(autouse=True)
def rows():
    for name in ("A", "B"):
        shelf = Shelf.objects.create(name=name)
        for number in range(3):
            Book.objects.create(shelf=shelf, position=number, title=f"T{number}", pages=9)


@pytest.mark.parametrize(
    ("version", "shown"),
    [
        ("v1", b'"name":"T0","shelf_id":'),
        ("v2", b'"title":"T0","pages":9,"shelf":{"id":'),
        ("v3", b'"isbn":""'),
    ],
)
@pytest.mark.parametrize("serializer", [BookDetail, ShelfDetail, Kept])
def test_are_the_same_bytes(version, shown, serializer):
    with override_settings(BACKSTAY={"VERSIONS": ["v1", "v2", "v3"]}):
        rows = serializer.Meta.model.objects.order_by("pk")
        case = compare(rows, serializer, {"request": SimpleNamespace(version=version)})
    assert case.difference == ""
    assert case.plan.planned
    assert (shown in case.plan.body) == (serializer is not ShelfDetail or version == "v3")
