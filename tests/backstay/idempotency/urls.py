"""A shelf, put up once for each key; what its name asks for happens after the write."""

from django.http import HttpResponse
from django.urls import path
from rest_framework.authentication import BasicAuthentication
from rest_framework.parsers import MultiPartParser
from rest_framework.permissions import AllowAny, BasePermission
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.errors import Conflict
from backstay.idempotency import IdempotencyMixin
from tests.backstay.testapp.models import Shelf


class ShelfView(IdempotencyMixin, APIView):
    authentication_classes = (BasicAuthentication,)
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    versioning_class = None
    throttle_classes = ()

    def get(self, request):
        return Response(Shelf.objects.count())

    def post(self, request):
        # Several may have the name of the first: each call is one row more.
        name = request.data["name"]
        Shelf.objects.create(name=f"{name} {Shelf.objects.count()}")
        if name == "raise":
            raise Conflict("After the write.")
        if name == "refuse":
            return Response({"after": "the write"}, status=422)
        if name == "break":
            raise RuntimeError("After the write.")
        if name == "bytes":
            return HttpResponse(b"\x00\xff", content_type="application/octet-stream")
        if name == "cookie":
            answer = Response(status=204)
            answer.set_cookie("secret", "of the first")
            return answer
        return Response({"shelves": Shelf.objects.count()}, status=201, headers={"X-Own": "kept"})


class Named(BasePermission):
    """Reads the body, as a permission about what is to be written does."""

    def has_permission(self, request, view):
        return bool(request.data.get("name"))


class FormView(ShelfView):
    parser_classes = (MultiPartParser,)

    def get_permissions(self):
        return [Named()]


class KeyedView(ShelfView):
    idempotency_key_required = True


urlpatterns = [
    path("keyed/", KeyedView.as_view()),
    path("shelves/", ShelfView.as_view()),
    path("others/", ShelfView.as_view()),
    path("forms/", FormView.as_view()),
]
