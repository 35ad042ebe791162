"""Views of a shelf of books, kept by several policies."""

from typing import Any

from django.db import connection
from django.urls import path
from rest_framework import routers, serializers, viewsets
from rest_framework.generics import GenericAPIView
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.caching import (
    CachedListMixin,
    CachedResponsesMixin,
    CachePolicy,
    ConditionalMixin,
    cached_response,
)
from backstay.readplan import CountField, ReadPlanMixin
from tests.backstay.testapp.models import Book, Loan, Shelf


class ShelfBody(serializers.ModelSerializer):
    books = CountField("books")

    class Meta:
        model = Shelf
        fields = ["id", "name", "books"]


class BookBody(serializers.ModelSerializer):
    shelf = serializers.CharField(source="shelf.name", read_only=True)

    class Meta:
        model = Book
        fields = ["id", "title", "pages", "shelf"]


class Counting(GenericAPIView):
    """Counts how often the view itself has run."""

    runs: list[str] = []

    def filter_queryset(self, queryset):
        self.runs.append(self.request.path)
        return super().filter_queryset(queryset)


class Shelves(CachedResponsesMixin, Counting, ReadPlanMixin, viewsets.ModelViewSet):
    queryset = Shelf.objects.order_by("pk")
    serializer_class = ShelfBody
    permission_classes = (AllowAny,)
    authentication_classes = ()
    pagination_class = None
    cache = CachePolicy(seconds=60, audience="public")


class Books(CachedResponsesMixin, Counting, viewsets.ModelViewSet):
    queryset = Book.objects.select_related("shelf").order_by("pk")
    serializer_class = BookBody
    permission_classes = (AllowAny,)
    authentication_classes = ()
    pagination_class = None
    cache = CachePolicy(seconds=60, audience="public", vary=["X-Tenant"])


class OwnBooks(CachedListMixin, Counting, viewsets.ReadOnlyModelViewSet):
    queryset = Book.objects.order_by("pk")
    serializer_class = BookBody
    permission_classes = (AllowAny,)
    authentication_classes = ()
    pagination_class = None
    cache_timeout = 60


class Loans(CachedResponsesMixin, Counting, viewsets.ReadOnlyModelViewSet):
    """Of which the serializer asks something of a many-to-many relation."""

    class Body(serializers.ModelSerializer):
        titles = serializers.SerializerMethodField()

        class Meta:
            model = Loan
            fields = ["id", "reader", "titles"]

        def get_titles(self, loan):
            return [book.title for book in loan.books.order_by("pk")]

    queryset = Loan.objects.order_by("pk")
    serializer_class = Body
    permission_classes = (AllowAny,)
    authentication_classes = ()
    pagination_class = None
    cache = CachePolicy(seconds=60, audience="public")


class Said(CachedResponsesMixin, APIView):
    """Answers with the headers, cookies and status that a test wants."""

    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()
    cache = CachePolicy(seconds=60, audience="public", vary=["X-Tenant"])
    says: dict[str, Any] = {}
    runs: list[str] = []

    def get(self, request):
        self.runs.append(request.path)
        response = Response({"n": len(self.runs)}, status=self.says.get("status", 200))
        for name, value in self.says.get("headers", {}).items():
            response[name] = value
        if "cookie" in self.says:
            response.set_cookie("session", self.says["cookie"])
        return response


class Seen(CachedResponsesMixin, APIView):
    """Shows what its permission has read, as one that finds the object for all its methods."""

    class Finds(BasePermission):
        def has_permission(self, request, view):
            view.shelf = Shelf.objects.first()
            return True

    shelf: Any = None
    permission_classes = (Finds,)
    authentication_classes = ()
    cache = CachePolicy(seconds=60, audience="public")

    def get(self, request):
        return Response(self.shelf.name)


class RawSQLView(CachedResponsesMixin, APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()
    cache = CachePolicy(seconds=60, audience="public")

    def get(self, request):
        with connection.cursor() as cursor:
            cursor.execute("SELECT COUNT(*) FROM testapp_book")
            return Response(cursor.fetchone()[0])


class DeclaredSQLView(RawSQLView):
    cache = CachePolicy(seconds=60, audience="public", tags=[Book])


class Decorated(APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()
    runs: list[str] = []

    @cached_response(CachePolicy(seconds=60, audience="public"))
    def get(self, request):
        self.runs.append(request.path)
        return Response(Book.objects.count())


class Versioned(ConditionalMixin, Counting, viewsets.ModelViewSet):
    """Whose version is a column, so that nothing is made to know it."""

    queryset = Book.objects.order_by("pk")
    serializer_class = BookBody
    permission_classes = (AllowAny,)
    authentication_classes = ()
    precondition_required = True

    def version_of(self, request):
        return Book.objects.filter(**self.kwargs).values_list("pages", flat=True).first()


class Dated(ConditionalMixin, viewsets.ModelViewSet):
    class Body(serializers.ModelSerializer):
        class Meta:
            model = Loan
            fields = ["id", "reader", "lent_at"]

    queryset = Loan.objects.order_by("pk")
    serializer_class = Body
    permission_classes = (AllowAny,)
    authentication_classes = ()
    last_modified_field = "lent_at"


router = routers.SimpleRouter()
router.register("shelves", Shelves)
router.register("books", Books, basename="books")
router.register("own", OwnBooks, basename="own")
router.register("loans", Loans, basename="loans")
router.register("versioned", Versioned, basename="versioned")
router.register("dated", Dated, basename="dated")
urlpatterns = [
    *router.urls,
    path("said/", Said.as_view()),
    path("seen/", Seen.as_view()),
    path("raw/", RawSQLView.as_view()),
    path("declared/", DeclaredSQLView.as_view()),
    path("decorated/", Decorated.as_view()),
]
