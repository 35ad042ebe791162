"""A book with its price, written for v3: v2 gathered the price, v3 its shelf."""

from decimal import Decimal
from typing import Any

from django.http import HttpResponse
from django.urls import include, path
from rest_framework import serializers as drf
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.reverse import reverse
from rest_framework.views import APIView

from backstay.parsers import StrictJSONParser
from backstay.serializers import Serializer
from backstay.versioning import (
    AcceptVersioning,
    AnyVersioning,
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
from backstay.versioning.sources import ACCEPT, NAMESPACE, PATH, QUERY


class Price(Serializer):
    amount = drf.DecimalField(source="price", max_digits=6, decimal_places=2, min_value=Decimal(0))
    currency = drf.ChoiceField(["EUR", "USD"])


class Shelf(Serializer):
    id = drf.IntegerField()
    name = drf.CharField()


class Book(TransformsMixin, Serializer):
    title = drf.CharField(max_length=10)
    price = Price(source="*")
    shelf = Shelf(read_only=True)

    class Meta:
        transforms = {
            "v2": (Nest("price", {"amount": "price", "currency": "currency"}),),
            "v3": (Collapse("shelf", to="id"),),
        }


class Box(Serializer):
    """Transforms of a nested serializer work on its own part."""

    books = Book(many=True)


class Host(Serializer):
    id = drf.IntegerField(min_value=1)
    name = drf.CharField(read_only=True)


class Event(TransformsMixin, Serializer):
    """
    v1: title, host, tags, and no rating. v2 renamed the title and has a rating. v3 renamed it
    again, shows hosts and tags as objects, and wants to know whether there is a gift.
    """

    full_title = drf.CharField(max_length=10)
    rating = drf.IntegerField(read_only=True)
    host = Host()
    tags = Host(many=True, required=False)
    gift = drf.BooleanField()

    class Meta:
        transforms = {
            "v2": (Rename("name", was="title"), Drop("rating")),
            "v3": (
                Rename("full_title", was="name"),
                Collapse("host", to="id"),
                Collapse("tags", to="id"),
                Default("gift", False),
            ),
        }

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if attrs.get("full_title") == "No gifts":
            raise drf.ValidationError({"gift": ["Nobody brings any."]}, code="no_gift")
        return attrs


class Versioned(APIView):
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (StrictJSONParser,)
    renderer_classes = (JSONRenderer,)
    versioning_class: Any = PathVersioning

    STORED = {
        "title": "Emma",
        "price": Decimal("5.00"),
        "currency": "EUR",
        "shelf": {"id": 7, "name": "A"},
    }


class BookView(Versioned):
    def get(self, request: Request, **_: str) -> Response:
        return Response(Book(self.STORED, context={"request": request}).data)

    def post(self, request: Request, **_: str) -> Response:
        """Answer with what was understood."""
        serializer = Book(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)

    def patch(self, request: Request, **_: str) -> Response:
        serializer = Book(data=request.data, partial=True, context={"request": request})
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


class EventView(Versioned):
    STORED_EVENT = {
        "full_title": "Emma",
        "rating": 5,
        "host": {"id": 7, "name": "Ada"},
        "tags": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
        "gift": True,
    }

    def get(self, request: Request, **_: str) -> Response:
        return Response(Event(self.STORED_EVENT, context={"request": request}).data)

    def post(self, request: Request, **_: str) -> Response:
        """Answer with what was understood."""
        partial = request.method == "PATCH"
        event = Event(data=request.data, partial=partial, context={"request": request})
        event.is_valid(raise_exception=True)
        return Response(event.validated_data)

    patch = post


class BoxView(Versioned):
    def get(self, request: Request, **_: str) -> Response:
        return Response(Box({"books": [self.STORED]}, context={"request": request}).data)

    def post(self, request: Request, **_: str) -> Response:
        serializer = Box(data=request.data, context={"request": request})
        serializer.is_valid(raise_exception=True)
        return Response(serializer.validated_data)


class AllVersioning(Versioning):
    """Whatever a request says."""

    sources = (PATH, NAMESPACE, ACCEPT, QUERY)


class WhichView(Versioned):
    def get(self, request: Request, **_: str) -> Response:
        return Response(request.version)


class LinkView(Versioned):
    """Where the same version of something is."""

    versioning_class = AllVersioning

    def get(self, request: Request, **_: str) -> Response:
        return Response(reverse("link", request=request))


links = [path("link/", LinkView.as_view(), name="link")]
anywhere = [path("which/", WhichView.as_view(versioning_class=AnyVersioning))]
everywhere = [path("which/", WhichView.as_view(versioning_class=AllVersioning))]

urlpatterns = [
    path("accept/which/", WhichView.as_view(versioning_class=AcceptVersioning)),
    path("query/which/", WhichView.as_view(versioning_class=QueryVersioning)),
    path("none/which/", WhichView.as_view(versioning_class=None)),
    path("any/which/", WhichView.as_view(versioning_class=AnyVersioning)),
    path("all/which/", WhichView.as_view(versioning_class=AllVersioning)),
    path("<str:version>/book/", BookView.as_view()),
    path("<str:version>/box/", BoxView.as_view()),
    path("<str:version>/event/", EventView.as_view()),
    path("<str:version>/which/", WhichView.as_view()),
    path("which/", WhichView.as_view()),
    path("plain/", lambda _: HttpResponse("plain")),
    path("any/<str:version>/", include(anywhere)),
    path("all/<str:version>/", include(everywhere)),
    *(path(f"named/{name}/", include((anywhere, name))) for name in ("v1", "v2", "v4", "shop")),
    path("links/<str:version>/", include(links)),
    path("links/", include(links)),
    path("links-named/v3/", include((links, "v3"))),
]
