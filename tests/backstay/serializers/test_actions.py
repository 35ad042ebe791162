"""One serializer per action; a write answers what a GET would."""

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

from tests.backstay.testapp.models import Book, Shelf

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def project():
    with override_settings(ROOT_URLCONF="tests.backstay.serializers.urls"):
        yield


@pytest.fixture
def api():
    return APIClient()


@pytest.fixture
def shelf():
    return Shelf.objects.create(name="A")


@pytest.fixture
def book(shelf):
    return Book.objects.create(shelf=shelf, title="Emma")


class TestCreate:
    def test_reads_its_own_fields_and_answers_the_object(self, api, shelf, book):
        Book.objects.filter(pk=book.pk).update(position=1)
        response = api.post("/api/books/", {"shelf": shelf.pk, "title": "Persuasion"})

        assert response.status_code == 201
        assert response.json() == {
            "id": Book.objects.get(title="Persuasion").pk,
            "title": "Persuasion",
            "pages": 1,
            "shelf_name": "A",
            "neighbours": 1,
        }

    def test_says_where_the_object_is(self, api, shelf):
        """RFC 9110 section 10.2.2."""
        response = api.post("/api/books/", {"shelf": shelf.pk, "title": "Emma"})

        assert api.get(response.headers["Location"]).json() == response.json()

    def test_says_where_by_the_field_of_the_route(self, api, shelf):
        response = api.post("/api/titles/", {"shelf": shelf.pk, "title": "Emma"})

        assert response.headers["Location"] == "/api/titles/Emma/"

    def test_a_refused_body_creates_nothing(self, api, shelf):
        response = api.post("/api/books/", {"shelf": shelf.pk, "title": "Emma", "pages": 5})

        assert response.status_code == 400
        assert response.json()["errors"] == [
            {"pointer": "/pages", "code": "unknown_field", "detail": "There is no such field."}
        ]
        assert not Book.objects.exists()


class TestUpdate:
    @pytest.mark.parametrize("method", ["put", "patch"])
    def test_answers_what_a_get_would(self, api, book, method):
        response = getattr(api, method)(f"/api/books/{book.pk}/", {"title": "Persuasion"})

        assert response.status_code == 200
        assert response.json()["title"] == "Persuasion"
        assert response.json() == api.get(f"/api/books/{book.pk}/").json()

    @pytest.mark.E3
    def test_a_patch_changes_what_it_names(self, api, book):
        api.patch(f"/api/books/{book.pk}/", {"pages": 7})
        book.refresh_from_db()

        assert (book.title, book.pages) == ("Emma", 7)

    @pytest.mark.P2
    def test_what_a_get_returned_can_be_sent_back(self, api, book):
        body = api.get(f"/api/books/{book.pk}/").json()

        assert api.put(f"/api/books/{book.pk}/", body).json() == body

    def test_a_missing_object_is_404(self, api, shelf):
        assert api.patch("/api/books/999/", {"title": "x"}).status_code == 404


class TestOutOfSight:
    """What a write makes invisible is written, and shown no more."""

    def test_a_change_is_204(self, api, book):
        Book.objects.update(pages=10)
        response = api.patch(f"/api/short/{book.pk}/", {"pages": 500})
        assert (response.status_code, response.content) == (204, b"")
        assert Book.objects.get().pages == 500


class TestList:
    def test_shows_its_own_fields(self, api, book):
        assert api.get("/api/books/").json() == [{"id": book.pk, "title": "Emma"}]
