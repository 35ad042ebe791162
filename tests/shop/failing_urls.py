"""The shop's URLs, and some behind which something fails that the shop's own views never do."""

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.decorators import api_view, permission_classes
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from backstay.errors import ServiceUnavailable
from shop.urls import urlpatterns as shop_urls

SECRET = "hunter2"


@api_view(["GET"])
@permission_classes([AllowAny])
def mistake(_: Request, **kwargs: object) -> Response:
    raise RuntimeError(SECRET)


@api_view(["GET"])
@permission_classes([AllowAny])
def unserializable(_: Request, **kwargs: object) -> Response:
    return Response({SECRET: object()})


@api_view(["GET"])
@permission_classes([AllowAny])
def outage(_: Request, **kwargs: object) -> Response:
    raise ServiceUnavailable(retry_after_seconds=7)


def plain_mistake(_: HttpRequest) -> HttpResponse:
    raise RuntimeError(SECRET)


def telling_mistake(request: HttpRequest) -> HttpResponse:
    """As code does that was written in a hurry."""
    raise RuntimeError(f"{request.get_full_path()} {dict(request.headers)} {request.body!r}")


def plain_form(_: HttpRequest) -> HttpResponse:
    return HttpResponse("ok")


urlpatterns = [
    path("fails/mistake/", mistake),
    path("fails/unserializable/", unserializable),
    path("fails/outage/", outage),
    path("fails/plain/", plain_mistake),
    path("fails/telling/", telling_mistake),
    path("fails/form/", plain_form),
    *shop_urls,
]
