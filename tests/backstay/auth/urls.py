"""The token endpoints, and views that ask for tokens in each way."""

from django.urls import include, path
from rest_framework.authentication import BasicAuthentication
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from backstay.auth import JWTAuthentication


class WhoAmI(APIView):
    renderer_classes = (JSONRenderer,)

    def get(self, request: Request) -> Response:
        return Response({"user": request.user.pk, "claims": request.auth})


class Private(WhoAmI):
    authentication_classes = (JWTAuthentication,)
    permission_classes = (IsAuthenticated,)


class Public(WhoAmI):
    authentication_classes = (JWTAuthentication,)
    permission_classes = (AllowAny,)


class Either(WhoAmI):
    """A token, else a password."""

    authentication_classes = (JWTAuthentication, BasicAuthentication)
    permission_classes = (IsAuthenticated,)


urlpatterns = [
    path("token/", include("backstay.auth.urls")),
    path("private/", Private.as_view()),
    path("public/", Public.as_view()),
    path("either/", Either.as_view()),
]
