"""The document of each version, made by drf-spectacular, describes that version's answers."""

import pytest
from django.test import override_settings
from django.urls import include, path
from drf_spectacular.settings import patched_settings
from openapi_spec_validator import validate
from rest_framework import serializers, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.routers import SimpleRouter
from rest_framework.test import APIClient

from backstay.contrib.spectacular import AutoSchema
from backstay.contrib.spectacular.documents import generate
from backstay.contrib.spectacular.views import SchemaView
from backstay.serializers import ModelSerializer
from backstay.versioning import (
    AcceptVersioning,
    Collapse,
    Default,
    Drop,
    Nest,
    PathVersioning,
    QueryVersioning,
    Rename,
    TransformsMixin,
    Versioning,
)
from backstay.versioning.shapes import target
from tests.backstay.testapp.models import Book, Shelf
from tests.backstay.versioning.chains import refuses

pytestmark = [pytest.mark.V1, pytest.mark.M3, pytest.mark.once, pytest.mark.django_db]


class DocumentedShelf(ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]


class DocumentedBook(TransformsMixin, ModelSerializer):
    """Each kind of change, to a value, an object, one that is null, and a list."""

    place = DocumentedShelf(source="shelf", read_only=True)
    lost = DocumentedShelf(source="nobody", default=None, allow_null=True, read_only=True)
    siblings = DocumentedShelf(source="shelves", many=True, read_only=True)
    gift = serializers.BooleanField(source="has_gift", default=False)

    class Meta:
        model = Book
        fields = ["id", "title", "pages", "place", "lost", "siblings", "gift"]
        transforms = {
            "v2": (
                Rename("title", was="name"),
                Nest("lost", {"id": "lost_id", "name": "lost_name"}),
                Drop("pages"),
            ),
            "v3": (
                Collapse("place", to="name"),
                Collapse("siblings", to="id"),
                Default("gift", value=False),
            ),
        }


class Books(viewsets.ReadOnlyModelViewSet):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    throttle_classes = ()
    versioning_class: type[Versioning] = PathVersioning
    schema = AutoSchema()
    queryset = Book.objects.order_by("pk")
    serializer_class = DocumentedBook
    pagination_class = None
    lookup_value_converter = "int"

    def get_object(self) -> Book:
        book: Book = super().get_object()
        book.nobody, book.shelves, book.has_gift = None, [book.shelf], True  # type: ignore[attr-defined]
        return book


router = SimpleRouter(use_regex_path=False)
router.register("books", Books)

urlpatterns = [
    path("schema/", SchemaView.as_view(throttle_classes=(), permission_classes=())),
    path("api/<str:version>/", include(router.urls)),
]


@pytest.mark.parametrize(
    ("version", "names"),
    [
        ("v1", ["id", "name", "place", "lost_id", "lost_name", "siblings"]),
        ("v2", ["id", "title", "pages", "place", "lost", "siblings"]),
        ("v3", ["id", "title", "pages", "place", "lost", "siblings", "gift"]),
    ],
)
def test_describes_the_answers_of_its_version(version, names):
    book = Book.objects.create(shelf=Shelf.objects.create(name="A"), title="Emma")
    own = {"VERSIONS": ["v1", "v2", "v3"]}
    with override_settings(ROOT_URLCONF=__name__, BACKSTAY=own):
        document = APIClient().get("/schema/", {"version": version}).json()
        shown = APIClient().get(f"/api/{version}/books/{book.pk}/").json()
    validate(document)
    assert list(shown) == names
    components = document["components"]["schemas"]
    assert list(components["DocumentedBook"]["properties"]) == names
    assert refuses(components["DocumentedBook"], shown, components) == []
    # What it does not describe would be seen.
    assert refuses(components["DocumentedBook"], {**shown, "id": "x"}, components) != []


class BooksByHeader(Books):
    versioning_class = AcceptVersioning


class BooksByQuery(Books):
    versioning_class = QueryVersioning


elsewhere = SimpleRouter(use_regex_path=False)
elsewhere.register("by-header", BooksByHeader, basename="by-header")
elsewhere.register("by-query", BooksByQuery, basename="by-query")

urlpatterns += elsewhere.urls


@pytest.mark.parametrize("name", ["by-header", "by-query"])
@pytest.mark.parametrize("version", ["v1", "v2", "v3"])
def test_has_what_says_its_version_outside_of_the_path(version, name):
    """Else the contract of an older version would be empty, and hold whatever changes."""
    book = Book.objects.create(shelf=Shelf.objects.create(name="A"), title="Emma")
    own = {"VERSIONS": ["v1", "v2", "v3"]}
    with override_settings(ROOT_URLCONF=__name__, BACKSTAY=own):
        with patched_settings({"PREPROCESSING_HOOKS": []}):  # The shop's own.
            document = generate(version)
        # Each reads its own, and nothing refuses the other's.
        headers = {"Accept": f"application/json; version={version}"}
        shown = APIClient().get(f"/{name}/{book.pk}/?version={version}", headers=headers).json()
    operation = document["paths"][f"/{name}/{{id}}/"]["get"]
    schema = operation["responses"]["200"]["content"]["application/json"]["schema"]
    described = target(document, schema["$ref"])
    assert list(described["properties"]) == list(shown)


@pytest.mark.parametrize(("version", "required"), [("v1", True), ("v3", False)])
def test_takes_the_parameter_that_says_its_version(version, required):
    with (
        override_settings(ROOT_URLCONF=__name__, BACKSTAY={"VERSIONS": ["v1", "v2", "v3"]}),
        patched_settings({"PREPROCESSING_HOOKS": []}),  # The shop's own.
    ):
        document = generate(version)
    validate(document)
    taken = document["paths"]["/by-query/"]["get"]["parameters"]
    one = next(each for each in taken if each["name"] == "version")
    assert (one["in"], one["required"], one["schema"]["enum"]) == ("query", required, [version])
