"""RFC 9110 section 13: what is known is not sent again, what has changed is not overwritten."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.backstay.caching import views
from tests.backstay.testapp.models import Book, Loan, Shelf

pytestmark = [pytest.mark.C4, pytest.mark.django_db]

OTHER = '"another"'


@pytest.fixture
def shelf():
    return Shelf.objects.create(name="One")


@pytest.fixture
def book(shelf):
    return Book.objects.create(shelf=shelf, title="First", position=1)


@pytest.mark.parametrize("path", ["/shelves/", "/shelves/{}/"])
class TestReading:
    def test_has_a_strong_validator(self, api, shelf, path):
        etag = api.get(path.format(shelf.pk)).headers["ETag"]
        assert etag.startswith('"')
        assert etag == api.get(path.format(shelf.pk)).headers["ETag"]

    def test_what_is_known_is_not_sent_again(self, api, shelf, path):
        path = path.format(shelf.pk)
        first = api.get(path)
        for known in (first.headers["ETag"], f"{OTHER}, {first.headers['ETag']}", "*"):
            again = api.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b"")
            for name in ("ETag", "Cache-Control", "Vary", "Cache-Status"):
                assert again.headers[name] == api.get(path).headers[name]

    def test_what_has_changed_is(self, api, shelf, path):
        path = path.format(shelf.pk)
        etag = api.get(path).headers["ETag"]
        Shelf.objects.update(name="Two")
        again = api.get(path, headers={"If-None-Match": etag})
        assert again.status_code == 200
        assert again.headers["ETag"] != etag

    def test_a_condition_that_does_not_hold_is_told(self, api, shelf, path):
        assert api.get(path.format(shelf.pk), headers={"If-Match": OTHER}).status_code == 412

    def test_head_has_it_too(self, api, shelf, path):
        path = path.format(shelf.pk)
        assert api.head(path).headers["ETag"] == api.get(path).headers["ETag"]


def test_an_error_has_none(api):
    assert "ETag" not in api.get("/shelves/9/").headers


def test_a_hit_is_304_without_a_query(api):
    """Nothing is read for it, so it is kept in a transaction too."""
    etag = api.get("/said/").headers["ETag"]
    runs = len(views.Said.runs)
    again = api.get("/said/", headers={"If-None-Match": etag})
    assert (again.status_code, again.headers["Cache-Status"]) == (304, "backstay; hit")
    assert len(views.Said.runs) == runs


class TestWriting:
    def test_of_what_is_unchanged_happens(self, api, shelf):
        etag = api.get(f"/shelves/{shelf.pk}/").headers["ETag"]
        changed = api.patch(f"/shelves/{shelf.pk}/", {"name": "New"}, headers={"If-Match": etag})
        assert changed.status_code == 200
        assert Shelf.objects.get().name == "New"

    @pytest.mark.parametrize(
        "headers",
        [
            {"If-Match": OTHER},
            {"If-Match": f"{OTHER}, W/{OTHER}"},
            {"If-Match": "not quoted"},
            {"If-Match": ""},
            {"If-None-Match": "*"},
        ],
        ids=str,
    )
    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_of_what_has_changed_does_not(self, api, shelf, headers, method):
        answer = getattr(api, method)(f"/shelves/{shelf.pk}/", {"name": "New"}, headers=headers)
        assert answer.status_code == 412
        assert answer.json()["code"] == "precondition_failed"
        assert Shelf.objects.get().name == "One"

    def test_sees_a_change_of_what_belongs_to_it(self, api, shelf, book):
        etag = api.get(f"/shelves/{shelf.pk}/").headers["ETag"]
        book.delete()
        answer = api.delete(f"/shelves/{shelf.pk}/", headers={"If-Match": etag})
        assert answer.status_code == 412

    @pytest.mark.parametrize("headers", [{}, {"If-Match": "*"}, {"If-None-Match": OTHER}], ids=str)
    def test_without_a_condition_or_with_one_that_holds_happens(self, api, shelf, headers):
        answer = api.patch(f"/shelves/{shelf.pk}/", {"name": "New"}, headers=headers)
        assert answer.status_code == 200

    def test_of_what_is_not_there_is_404(self, api):
        answer = api.patch("/shelves/9/", {"name": "New"}, headers={"If-Match": OTHER})
        assert answer.status_code == 404

    def test_that_is_refused_changes_nothing(self, api, shelf):
        etag = api.get(f"/shelves/{shelf.pk}/").headers["ETag"]
        answer = api.patch(f"/shelves/{shelf.pk}/", {"name": ""}, headers={"If-Match": etag})
        assert answer.status_code == 400

    def test_locks_the_row_before_it_compares(self, api, shelf):
        etag = api.get(f"/shelves/{shelf.pk}/").headers["ETag"]
        with CaptureQueriesContext(connection) as captured:
            api.patch(f"/shelves/{shelf.pk}/", {"name": "New"}, headers={"If-Match": etag})
        said = [query["sql"] for query in captured]
        update = next(n for n, sql in enumerate(said) if sql.startswith("UPDATE"))
        if connection.vendor == "postgresql":
            assert any("FOR UPDATE" in sql for sql in said[:update])
        assert said[0].startswith(("SELECT", "SAVEPOINT"))


class TestVersion:
    """Of a view that knows it without making the answer."""

    def test_is_the_validator(self, api, book):
        path = f"/versioned/{book.pk}/"
        etag = api.get(path).headers["ETag"]
        Book.objects.update(title="Unseen")
        assert api.get(path).headers["ETag"] == etag
        Book.objects.update(pages=2)
        assert api.get(path).headers["ETag"] != etag

    def test_saves_the_work(self, api, book):
        path = f"/versioned/{book.pk}/"
        etag = api.get(path).headers["ETag"]
        runs = len(views.Counting.runs)
        assert api.get(path, headers={"If-None-Match": etag}).status_code == 304
        assert len(views.Counting.runs) == runs

    def test_is_compared_by_writes(self, api, book):
        path = f"/versioned/{book.pk}/"
        etag = api.get(path).headers["ETag"]
        assert api.patch(path, {"title": "A"}, headers={"If-Match": etag}).status_code == 200
        Book.objects.update(pages=2)
        assert api.patch(path, {"title": "B"}, headers={"If-Match": etag}).status_code == 412

    @pytest.mark.parametrize("method", ["put", "patch", "delete"])
    def test_can_be_required(self, api, book, method):
        answer = getattr(api, method)(f"/versioned/{book.pk}/", {"title": "A"})
        assert (answer.status_code, answer.json()["code"]) == (428, "precondition_required")

    def test_of_what_is_not_there_is_404(self, api):
        assert api.get("/versioned/9/").status_code == 404


class TestDate:
    @pytest.fixture
    def loan(self, shelf):
        return Loan.objects.create(
            shelf=shelf, reader="Ada", lent_at=datetime(2026, 1, 1, 12, 0, 0, 900_000, tzinfo=UTC)
        )

    def test_is_told(self, api, loan):
        headers = api.get(f"/dated/{loan.pk}/").headers
        assert headers["Last-Modified"] == "Thu, 01 Jan 2026 12:00:00 GMT"

    @pytest.mark.parametrize(
        ("since", "status"),
        [
            ("Thu, 01 Jan 2026 12:00:00 GMT", 200),
            ("Thu, 01 Jan 2026 11:59:59 GMT", 412),
            ("yesterday", 200),
        ],
    )
    def test_is_compared_by_writes(self, api, loan, since, status):
        headers = {"If-Unmodified-Since": since}
        answer = api.patch(f"/dated/{loan.pk}/", {"reader": "Bob"}, headers=headers)
        assert answer.status_code == status

    def test_is_compared_by_reads(self, api, loan):
        since = {"If-Modified-Since": "Thu, 01 Jan 2026 12:00:00 GMT"}
        assert api.get(f"/dated/{loan.pk}/", headers=since).status_code == 304

    def test_where_none_is_known_is_ignored(self, api, shelf):
        since = {"If-Unmodified-Since": "Thu, 01 Jan 1970 12:00:00 GMT"}
        path = f"/shelves/{shelf.pk}/"
        assert api.patch(path, {"name": "New"}, headers=since).status_code == 200
