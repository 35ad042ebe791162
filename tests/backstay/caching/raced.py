"""
What actors do: views that tell how often they ran, reads of them, and writes of every kind.

Each writer has a shelf of its own, so that none waits for another's row locks.
"""

from typing import Any

from django.contrib.auth import get_user_model
from django.db import connection, transaction
from django.urls import path
from rest_framework import viewsets
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import AllowAny
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.views import APIView

from backstay.caching import CachedResponsesMixin, CachePolicy, touch
from tests.backstay.caching.conftest import status_of
from tests.backstay.caching.views import BookBody
from tests.backstay.testapp.models import Book, Shelf


class Caller(BaseAuthentication):
    """Whoever ``X-Caller`` says, without a query."""

    def authenticate(self, request):
        number = request.headers.get("X-Caller")
        return (get_user_model()(pk=int(number)), None) if number else None


class Open(CachedResponsesMixin):
    permission_classes = (AllowAny,)
    authentication_classes = (Caller,)
    throttle_classes = ()


class Books(Open, viewsets.ReadOnlyModelViewSet):
    queryset = Book.objects.select_related("shelf").order_by("pk")
    serializer_class = BookBody
    pagination_class = None
    cache = CachePolicy(seconds=600, audience="public")
    runs: list[str] = []

    def list(self, request):
        self.runs.append(request.path)
        return super().list(request)


class Own(Open, APIView):
    """An answer that is for one caller alone."""

    cache = CachePolicy(seconds=600, audience="user")

    def get(self, request):
        return Response(own(request.user.pk))


urlpatterns = [
    path("books/", Books.as_view({"get": "list"})),
    path("books/<int:pk>/", Books.as_view({"get": "retrieve"})),
    path("own/", Own.as_view()),
]


def body(book: Book) -> dict[str, Any]:
    shown = {"id": book.pk, "title": book.title, "pages": book.pages}
    return {**shown, "shelf": book.shelf.name}


def own(caller: int) -> dict[str, Any]:
    shelves = Shelf.objects.order_by("pk").values_list("name", flat=True)
    return {"caller": caller, "shelves": list(shelves)}


def truth(path: str, caller: int | None) -> Any:
    """What is to be answered by what is committed now."""
    if path == "/own/":
        return own(caller or 0)
    books = Book.objects.select_related("shelf").order_by("pk")
    if path == "/books/":
        return [body(book) for book in books]
    return body(books.get(pk=path.split("/")[2]))


def read(path: str, caller: int | None = None) -> tuple[int, Any, str]:
    """The status, the body, and what the cache did."""
    headers = {} if caller is None else {"X-Caller": str(caller)}
    response = APIClient().get(path, headers=headers)
    return response.status_code, response.json(), status_of(response)


def runs() -> int:
    """Of the list of books, in this process."""
    return len(Books.runs)


def write(kind: str, shelf: int, text: str) -> None:
    WRITES[kind](shelf, text)


def _save(shelf: int, text: str) -> None:
    book = Book.objects.filter(shelf=shelf).order_by("pk")[0]
    book.title = text
    book.save()


def _save_in_a_transaction(shelf: int, text: str) -> None:
    with transaction.atomic():
        _save(shelf, text)
        Shelf.objects.filter(pk=shelf).update(name=text)


def _update(shelf: int, text: str) -> None:
    Book.objects.filter(shelf=shelf).update(title=text)


def _bulk_create(shelf: int, text: str) -> None:
    last = Book.objects.filter(shelf=shelf).order_by("position").last()
    first = last.position + 1 if last else 0
    Book.objects.bulk_create(
        Book(shelf_id=shelf, title=text, position=first + number) for number in range(2)
    )


def _bulk_update(shelf: int, text: str) -> None:
    books = list(Book.objects.filter(shelf=shelf))
    for book in books:
        book.title = text
    Book.objects.bulk_update(books, ["title"])


def _delete(shelf: int, text: str) -> None:
    Book.objects.filter(shelf=shelf, position__gt=0).delete()


def _rename(shelf: int, text: str) -> None:
    Shelf.objects.filter(pk=shelf).update(name=text)


def _raw(shelf: int, text: str) -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE testapp_book SET title = %s WHERE shelf_id = %s", [text, shelf])
        touch(Book)


def _rolled_back(shelf: int, text: str) -> None:
    """And what is read meanwhile is seen by nobody else."""
    with transaction.atomic():
        _update(shelf, text)
        _rename(shelf, text)
        seen = str(read("/books/")[1])
        assert text in seen, seen
        transaction.set_rollback(True)


WRITES = {
    "save": _save,
    "save in a transaction": _save_in_a_transaction,
    "update": _update,
    "bulk_create": _bulk_create,
    "bulk_update": _bulk_update,
    "delete": _delete,
    "rename": _rename,
    "raw SQL": _raw,
    "rolled back": _rolled_back,
}
