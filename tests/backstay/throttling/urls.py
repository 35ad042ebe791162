"""A log-in with a throttle and nothing else, and a view whose credential is always wrong."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.urls import path
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import AuthenticationFailed
from rest_framework.parsers import FormParser, MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from backstay.parsers import StrictJSONParser
from backstay.throttling import LoginRateThrottle, charge_failed_authentication


class After(BaseThrottle):
    """Stands behind another throttle, and counts how often it was asked."""

    asked = 0

    def allow_request(self, request: Request, view: APIView) -> bool:
        type(self).asked += 1
        return True


class Open(APIView):
    """Anyone's, with nothing of the defaults that DRF took from the settings at its import."""

    authentication_classes: tuple[type[BaseAuthentication], ...] = ()
    permission_classes = ()
    parser_classes = (StrictJSONParser, FormParser, MultiPartParser)
    renderer_classes = (JSONRenderer,)


class Login(Open):
    throttle_classes = (LoginRateThrottle, After)

    def post(self, request: Request) -> Response:
        return Response({"got": request.data})


class Refusing(BaseAuthentication):
    def authenticate(self, request: Request) -> None:
        charge_failed_authentication(request)
        raise AuthenticationFailed

    def authenticate_header(self, request: Request) -> str:
        return "Bearer"


class Private(Open):
    authentication_classes = (Refusing,)

    def get(self, request: Request) -> Response:
        return Response({})


def read_form(get_response: Callable[[HttpRequest], HttpResponse]):
    """Middleware that takes a form from its stream, as Django's check of CSRF does."""

    def middleware(request: HttpRequest) -> HttpResponse:
        _ = request.POST
        return get_response(request)

    return middleware


urlpatterns = [path("login/", Login.as_view()), path("private/", Private.as_view())]
