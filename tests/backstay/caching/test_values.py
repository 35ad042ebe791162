"""``cached``: values by the same rules as answers."""

import pytest

from backstay.caching import CachePolicy, cached
from backstay.caching.backends import backend
from tests.backstay.caching import views
from tests.backstay.caching.conftest import corrupt, status_of
from tests.backstay.testapp.models import Book, Shelf

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def computed():
    """The arguments of each time that it was."""
    return []


@pytest.mark.C3
@pytest.mark.parametrize("value", [None, 0, [], "", False, {"a": [1, None]}])
def test_any_value_is_kept(place, computed, value):
    @cached("any")
    def compute():
        computed.append(1)
        return value

    assert [compute() for _ in range(5)] == [value] * 5
    assert len(computed) <= 2


def test_by_arguments(place, computed):
    @cached("sum")
    def add(a, b=0):
        computed.append((a, b))
        return a + b

    for _ in range(3):
        assert [add(1), add(2), add(1, b=1), add("1", b="1")] == [1, 2, 2, "11"]
    assert set(computed) == {(1, 0), (2, 0), (1, 1), ("1", "1")}


@pytest.mark.C2
def test_until_what_it_has_read_changes(place, computed):
    @cached("shelves")
    def names():
        computed.append(1)
        return [shelf.name for shelf in Shelf.objects.order_by("pk")]

    assert names() == names() == names() == []
    known = len(computed)
    Shelf.objects.create(name="One")
    assert names() == ["One"]
    assert len(computed) == known + 1


@pytest.mark.C2
def test_what_is_around_it_depends_on_it(api, monkeypatch):
    @cached("books")
    def books():
        return Book.objects.count()

    def get(self, request):
        return views.Response(books())

    monkeypatch.setattr(views.Said, "get", get)
    monkeypatch.setattr(views.Said, "cache", CachePolicy(seconds=60, audience="public"))
    for _ in range(3):
        seen = api.get("/said/")
    assert status_of(seen) == "hit"
    shelf = Shelf.objects.create(name="One")
    Book.objects.create(shelf=shelf, title="First", position=1)
    assert api.get("/said/").json() == 1


@pytest.mark.C3
@pytest.mark.parametrize(
    "data", [b"", b"[]", b"[]\n", b"5\n1", b"\x80\x04.", b"[" * 99_999 + b"\n1"]
)
def test_what_cannot_be_read_is_computed_anew(computed, data):
    @cached("value")
    def compute():
        computed.append(1)
        return 1

    compute()
    corrupt(backend(), data)
    assert [compute() for _ in range(3)] == [1, 1, 1]
    assert len(computed) == 2


def test_an_error_is_not_kept(place, computed):
    @cached("wrong")
    def fail():
        computed.append(1)
        raise ZeroDivisionError

    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            fail()
    assert len(computed) == 2
