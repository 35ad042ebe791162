"""Shelves and their books, one serializer per action."""

from django.db.models import Count
from django.urls import include, path
from rest_framework import serializers as drf
from rest_framework import viewsets
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.routers import SimpleRouter

from backstay.serializers import ActionSerializersMixin, ModelSerializer
from tests.backstay.testapp.models import Book


class BookList(ModelSerializer):
    class Meta:
        model = Book
        fields = ["id", "title"]


class BookCreate(ModelSerializer):
    class Meta:
        model = Book
        fields = ["shelf", "title"]


class BookDetail(ModelSerializer):
    shelf_name = drf.CharField(source="shelf.name", read_only=True)
    neighbours = drf.IntegerField(read_only=True)

    class Meta:
        model = Book
        fields = ["id", "title", "pages", "shelf_name", "neighbours"]


class BookViewSet(ActionSerializersMixin, viewsets.ModelViewSet):
    permission_classes = (AllowAny,)
    authentication_classes = ()
    renderer_classes = (JSONRenderer,)
    versioning_class = None
    pagination_class = None
    serializer_class = BookDetail
    serializer_classes = {"list": BookList, "create": BookCreate}

    def get_queryset(self):
        """With what only the database knows."""
        return Book.objects.select_related("shelf").annotate(neighbours=Count("shelf__books") - 1)


class BookByTitleViewSet(BookViewSet):
    lookup_field = "title"


class ShortBookViewSet(BookViewSet):
    """Books of fewer than a hundred pages."""

    def get_queryset(self):
        return super().get_queryset().filter(pages__lt=100)


router = SimpleRouter()
router.register("short", ShortBookViewSet, basename="short")
router.register("books", BookViewSet, basename="book")
router.register("titles", BookByTitleViewSet, basename="title")

urlpatterns = [path("api/", include(router.urls))]
