"""Every kind of write ends what was read of it, with its commit and not before."""

from threading import Thread

import pytest
from django.core.management import call_command
from django.db import connection, transaction
from django.db.models import F

from backstay.caching import touch
from tests.backstay.caching import views
from tests.backstay.caching.conftest import status_of
from tests.backstay.testapp.models import Book, Loan, Shelf

pytestmark = [
    pytest.mark.C2,
    pytest.mark.django_db(transaction=True),
    pytest.mark.allow_queries,  # Its views read in every way that there is.
]


@pytest.fixture
def shelf():
    shelf = Shelf.objects.create(name="One")
    Book.objects.create(shelf=shelf, title="First", position=1)
    return shelf


def warm(api, path):
    """Make it a hit."""
    api.get(path)
    body = api.get(path)
    assert status_of(body) == "hit", path
    return body.json()


def upsert(shelf):
    Book.objects.bulk_create(
        [Book(pk=Book.objects.get().pk, shelf=shelf, title="Up", position=1)],
        update_conflicts=True,
        unique_fields=["id"],
        update_fields=["title"],
    )


def in_raw_sql(shelf):
    with connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_book SET title = 'Raw'")
    touch(Book)


def saved_within(shelf):
    with transaction.atomic():
        book = Book.objects.get()
        book.title = "Within"
        book.save()


WRITES = {
    "create": lambda shelf: Book.objects.create(shelf=shelf, title="New", position=2),
    "create in a transaction": transaction.atomic(
        lambda shelf: Book.objects.create(shelf=shelf, title="New", position=2)
    ),
    "save": lambda shelf: Book(
        pk=Book.objects.get().pk, shelf=shelf, title="Saved", position=1
    ).save(),
    "save in a transaction": saved_within,
    "update": lambda shelf: Book.objects.update(title="Updated"),
    "update of an expression": lambda shelf: Book.objects.filter(pages=1).update(
        pages=F("pages") + 1
    ),
    "bulk_create": lambda shelf: Book.objects.bulk_create(
        [Book(shelf=shelf, title=f"{n}", position=n) for n in (7, 8)]
    ),
    "bulk_create with conflicts": upsert,
    "bulk_update": lambda shelf: Book.objects.bulk_update(
        [Book(pk=Book.objects.get().pk, title="Bulk")], ["title"]
    ),
    "delete": lambda shelf: Book.objects.get().delete(),
    "delete of a queryset": lambda shelf: Book.objects.all().delete(),
    "update_or_create": lambda shelf: Book.objects.update_or_create(
        position=1, defaults={"title": "Again"}
    ),
    "raw SQL and touch": in_raw_sql,
    "another table that is shown": lambda shelf: Shelf.objects.update(name="Renamed"),
}


@pytest.mark.parametrize("write", WRITES)
@pytest.mark.parametrize("path", ["/books/", "/own/"])
def test_the_next_answer_after_any_write_is_fresh(api, shelf, write, path):
    old = warm(api, path)
    WRITES[write](shelf)
    fresh = api.get(path)
    assert status_of(fresh) != "hit"
    assert fresh.json() == [
        {
            "id": book.pk,
            "title": book.title,
            "pages": book.pages,
            "shelf": book.shelf.name,
        }
        for book in Book.objects.order_by("pk")
    ]
    assert fresh.json() != old or write == "bulk_create with conflicts" or not old


def test_of_one_object_too(api, shelf):
    book = Book.objects.get()
    warm(api, f"/books/{book.pk}/")
    Book.objects.filter(pk=book.pk).update(title="Other")
    assert api.get(f"/books/{book.pk}/").json()["title"] == "Other"


def test_a_write_of_another_row_leaves_one_object_alone(api, shelf):
    """In a transaction, whose insert has its key before it is announced."""
    book = Book.objects.get()
    warm(api, f"/books/{book.pk}/")
    with transaction.atomic():
        other = Book.objects.create(shelf=shelf, title="Other", position=9)
    Book.objects.filter(pk=other.pk).update(title="Another")
    other.delete()
    assert status_of(api.get(f"/books/{book.pk}/")) == "hit"


def test_a_cascade_ends_what_it_reaches(api, shelf):
    loan = Loan.objects.create(shelf=shelf, reader="Ada")
    warm(api, "/loans/")
    Book.objects.all().delete()
    shelf.delete()
    assert api.get("/loans/").json() == []
    assert not Loan.objects.filter(pk=loan.pk).exists()


@pytest.mark.parametrize("how", ["add", "remove", "clear", "set"])
def test_a_many_to_many_change_does(api, shelf, how):
    loan, book = Loan.objects.create(shelf=shelf, reader="Ada"), Book.objects.get()
    if how != "add":
        loan.books.add(book)
    before = warm(api, "/loans/")
    getattr(loan.books, how)(*{"clear": [], "set": [[]]}.get(how, [book]))
    assert api.get("/loans/").json() != before


def test_a_table_that_only_counts_are_made_of_does(api, shelf):
    assert warm(api, "/shelves/")[0]["books"] == 1
    Book.objects.create(shelf=shelf, title="Second", position=2)
    assert api.get("/shelves/").json()[0]["books"] == 2


def test_a_command_does(api, shelf, tmp_path):
    fixture = tmp_path / "more.json"
    fixture.write_text('[{"model": "testapp.shelf", "pk": 900, "fields": {"name": "Loaded"}}]')
    warm(api, "/shelves/")
    call_command("loaddata", str(fixture), verbosity=0)
    assert "Loaded" in str(api.get("/shelves/").json())


def test_nobody_sees_what_is_not_committed(api, shelf):
    before = warm(api, "/books/")
    seen = []
    with transaction.atomic():
        Book.objects.update(title="Not yet")
        own = api.get("/books/")

        def others():
            seen.append((status_of(response := api.get("/books/")), response.json()))
            connection.close()

        if connection.vendor == "postgresql":  # SQLite's writer would wait for this one.
            other = Thread(target=others)
            other.start()
            other.join()
        transaction.set_rollback(True)
    assert status_of(own) == "fwd=bypass"
    assert own.json()[0]["title"] == "Not yet"
    assert seen in ([], [("hit", before)])
    assert api.get("/books/").json() == before


def test_a_savepoint_that_is_rolled_back_changes_nothing_that_is_seen(api, shelf):
    before = warm(api, "/books/")
    with transaction.atomic():
        Shelf.objects.create(name="Kept")
        try:
            with transaction.atomic():
                Book.objects.update(title="Never")
                raise RuntimeError
        except RuntimeError:
            pass
    assert api.get("/books/").json() == before


def test_touch_in_a_transaction_takes_effect_with_its_commit(api, shelf):
    warm(api, "/books/")
    with transaction.atomic():
        touch("testapp_book")
        assert status_of(api.get("/books/")) == "fwd=bypass"
    assert status_of(api.get("/books/")) == "fwd=miss; stored"


def test_what_a_permission_has_read_ends_what_shows_it(api, shelf):
    assert warm(api, "/seen/") == "One"
    shelf.name = "Two"
    shelf.save()
    assert api.get("/seen/").json() == "Two"


def test_what_changes_between_the_permission_and_the_look_is_not_kept(api, shelf, monkeypatch):
    """It was read before there was a stamp to compare it with."""
    found = views.Seen.Finds.has_permission

    def changed_afterwards(self, request, view):
        allowed = found(self, request, view)
        Shelf.objects.update(name="Two")
        return allowed

    monkeypatch.setattr(views.Seen.Finds, "has_permission", changed_afterwards)
    assert api.get("/seen/").json() == "One"
    monkeypatch.setattr(views.Seen.Finds, "has_permission", found)
    assert api.get("/seen/").json() == "Two"


def test_raw_sql_that_nobody_declared_is_not_kept(api, shelf):
    statuses = [status_of(api.get("/raw/")) for _ in range(2)]
    assert statuses == ["fwd=miss", "fwd=miss"]


def test_raw_sql_that_is_declared_is(api, shelf):
    assert warm(api, "/declared/") == 1
    Book.objects.create(shelf=shelf, title="Second", position=2)
    assert api.get("/declared/").json() == 2
