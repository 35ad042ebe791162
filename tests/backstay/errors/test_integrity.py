"""Broken constraints: which are the client's, and where they point."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from rest_framework.test import APIClient

from tests.backstay.errors.conftest import assert_problem
from tests.backstay.testapp.models import Book, Shelf

pytestmark = [pytest.mark.E2, pytest.mark.django_db(transaction=True)]

on_postgresql = connection.vendor == "postgresql"


@pytest.fixture
def shelf():
    return Shelf.objects.create(name="Poetry")


@pytest.fixture
def book(shelf):
    return Book.objects.create(shelf=shelf, position=1, title="Howl", isbn="X-1")


def errors_of(body):
    return [(error["pointer"], error["code"]) for error in body["errors"]]


class TestUnique:
    def test_field_is_a_conflict_at_that_field(self, api, shelf):
        body = assert_problem(api.post("/shelves/", {"name": "Poetry"}), 409, "conflict")
        assert errors_of(body) == [("/name", "unique")]

    def test_put_to_a_taken_value_is_the_same(self, api, shelf):
        other = Shelf.objects.create(name="Prose")
        response = api.put(f"/shelves/{other.pk}/", {"name": "Poetry"})
        assert errors_of(assert_problem(response, 409, "conflict")) == [("/name", "unique")]

    def test_together_points_at_every_field_that_was_sent(self, api, book):
        sent = {"shelf": book.shelf_id, "position": 1, "title": "Kaddish"}
        body = assert_problem(api.post("/books/", sent), 409, "conflict")
        assert sorted(errors_of(body)) == [("/position", "unique"), ("/shelf", "unique")]

    def test_expression_speaks_with_the_constraint_s_own_words(self, api, book):
        sent = {"shelf": book.shelf_id, "position": 2, "title": "Kaddish", "isbn": "x-1"}
        body = assert_problem(api.post("/books/", sent), 409, "conflict")
        assert body["detail"] == "This ISBN is taken."
        assert errors_of(body) == [("/isbn", "unique")]

    def test_of_racing_clients_one_wins_and_the_others_learn_the_field(self):
        def create(_):
            try:
                return APIClient().post("/shelves/", {"name": "Drama"}, format="json")
            finally:
                connection.close()

        with ThreadPoolExecutor(8) as pool:
            answers = list(pool.map(create, range(16)))
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 15
        for answer in answers:
            if answer.status_code == 409:
                assert errors_of(answer.json()) == [("/name", "unique")]
        assert Shelf.objects.count() == 1


class TestForeignKey:
    def test_to_an_object_that_is_gone_is_invalid_input(self, api, shelf):
        sent = {"books": [{"shelf": shelf.pk, "position": 1}, {"shelf": 999, "position": 2}]}
        body = assert_problem(api.post("/import/", sent), 400, "validation_error")
        pointer = "/books/1/shelf" if on_postgresql else ""
        assert errors_of(body) == [(pointer, "does_not_exist")]
        assert not Book.objects.exists()

    def test_that_breaks_when_the_request_s_transaction_commits_is_the_same(
        self, api, shelf, monkeypatch
    ):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        sent = {"books": [{"shelf": 999, "position": 1}]}
        body = assert_problem(api.post("/import/", sent), 400, "validation_error")
        pointer = "/books/0/shelf" if on_postgresql else ""
        assert errors_of(body) == [(pointer, "does_not_exist")]

    def test_protected_object_cannot_be_deleted(self, api, book):
        response = api.delete(f"/shelves/{book.shelf_id}/")
        body = assert_problem(response, 409, "conflict")
        assert body["detail"] == "Other objects still refer to this one."


class TestCheck:
    def test_is_invalid_input_with_the_constraint_s_code_and_words(self, api, shelf):
        sent = {"shelf": shelf.pk, "title": "Nothing", "pages": 0}
        body = assert_problem(api.post("/books/", sent), 400, "validation_error")
        assert body["detail"] == "A book has at least one page."
        assert errors_of(body) == [("/pages", "no_pages")]


class TestAtomicRequest:
    def test_that_is_refused_leaves_nothing(self, api, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        assert_problem(api.post("/regretted/", {}), 409, "conflict")
        assert not Shelf.objects.exists()


class TestMistakes:
    @pytest.mark.parametrize("path", ["/internal/", "/not-null/"])
    def test_of_constraints_the_client_knows_nothing_of_stay_500(self, api, path):
        assert_problem(api.post(path, {"title": "x"}), 500, "internal_error")

    def test_of_a_view_that_only_reads_stay_500(self, api, shelf):
        assert_problem(api.get("/writes-on-get/?name=Poetry"), 500, "internal_error")
