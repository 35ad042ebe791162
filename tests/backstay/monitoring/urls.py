"""One path for each way a request can end, and lists that ask too much."""

from collections.abc import Iterator
from typing import Any

from django.db import connection
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path
from rest_framework import serializers
from rest_framework.decorators import api_view, permission_classes
from rest_framework.generics import GenericAPIView, ListAPIView, RetrieveAPIView
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from backstay.caching import CachedResponsesMixin, CachePolicy
from backstay.monitoring import query_budget
from backstay.readplan import ReadPlanMixin
from backstay.throttling import AnonRateThrottle
from tests.backstay.testapp.models import Book, Shelf


class ShelfBody(serializers.ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]


class BookBody(serializers.ModelSerializer):
    shelf = ShelfBody()

    class Meta:
        model = Book
        fields = ["id", "title", "shelf"]


class Total(serializers.ModelSerializer):
    books = serializers.SerializerMethodField()

    class Meta:
        model = Shelf
        fields = ["id", "books"]

    def get_books(self, shelf: Shelf) -> int:
        return shelf.books.count()


class ShelfWithBooks(serializers.ModelSerializer):
    books: Any = serializers.PrimaryKeyRelatedField(many=True, read_only=True)

    class Meta:
        model = Shelf
        fields = ["id", "books"]


class Open(GenericAPIView):
    permission_classes: Any = (AllowAny,)
    authentication_classes: Any = ()
    pagination_class: Any = None
    serializer_class: Any = None


class Books(Open, ListAPIView):
    queryset = Book.objects.order_by("pk")
    serializer_class = BookBody


class Joined(Books):
    queryset = Book.objects.select_related("shelf").order_by("pk")
    query_budget = {"get": 1}


class Planned(ReadPlanMixin, Books):
    pass


class OneBook(Open, RetrieveAPIView):
    queryset = Book.objects.all()
    serializer_class = BookBody


class Totals(Open, ListAPIView):
    queryset = Shelf.objects.order_by("pk")
    serializer_class: Any = Total


class Shelves(Totals):
    serializer_class = ShelfWithBooks


class Kept(CachedResponsesMixin, Joined):
    cache = CachePolicy(seconds=60, audience="public")


class Never(BaseThrottle):
    def allow_request(self, request: Request, view: APIView) -> bool:
        return False


class Refused(Open):
    throttle_classes = (Never,)

    def get(self, request: Request) -> Response:
        return Response()


class Limited(Open):
    throttle_classes = (AnonRateThrottle,)

    def get(self, request: Request) -> Response:
        return Response()


@query_budget(1)
def loop(request: HttpRequest) -> HttpResponse:
    for _ in range(12):
        Shelf.objects.filter(name="").first()
    return HttpResponse()


def crash(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("ada@shop.example")


def leave(request: HttpRequest) -> HttpResponse:
    raise SystemExit


def stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        for shelf in Shelf.objects.order_by("pk"):
            yield shelf.name

    return StreamingHttpResponse(parts())


def broken_stream(request: HttpRequest) -> StreamingHttpResponse:
    def parts() -> Iterator[str]:
        yield "part"
        raise RuntimeError("ada@shop.example")

    return StreamingHttpResponse(parts())


def slow(request: HttpRequest) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchall()
    return HttpResponse(b"slow")


@api_view()
@permission_classes([AllowAny])
def of_version(request: Request, **_: Any) -> Response:
    return Response({"version": request.version})


urlpatterns = [
    path("books/", Books.as_view()),
    path("joined/", Joined.as_view()),
    path("planned/", Planned.as_view()),
    path("books/<int:pk>/", OneBook.as_view()),
    path("totals/", Totals.as_view()),
    path("shelves/", Shelves.as_view()),
    path("kept/", Kept.as_view()),
    path("refused/", Refused.as_view()),
    path("limited/", Limited.as_view()),
    path("loop/", loop),
    path("crash/", crash),
    path("leave/", leave),
    path("stream/", stream),
    path("broken-stream/", broken_stream),
    path("slow/", slow),
    path("api/<str:version>/things/", of_version),
]
