"""DRF's own token class works beside ours, in either order."""

import pytest
from django.contrib.auth import get_user_model
from rest_framework.authentication import TokenAuthentication
from rest_framework.authtoken.models import Token
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory
from rest_framework.views import APIView

from backstay.auth import JWTAuthentication, issue_tokens

pytestmark = [pytest.mark.A1, pytest.mark.django_db]


class Mail(APIView):
    permission_classes = (IsAuthenticated,)

    def get(self, request: Request) -> Response:
        return Response(request.user.get_username())


@pytest.fixture
def user():
    return get_user_model().objects.create_user(email="user@shop.example")


@pytest.fixture(params=["ours first", "DRF's first"])
def call(request):
    ours_first = (JWTAuthentication, TokenAuthentication)
    classes = ours_first if request.param == "ours first" else ours_first[::-1]
    view = Mail.as_view(authentication_classes=classes, versioning_class=None)

    def get(authorization: str):
        return view(APIRequestFactory().get("/", headers={"Authorization": authorization}))

    return get


def test_our_bearer_token_is_known(call, user):
    assert call(f"Bearer {issue_tokens(user)['access']}").data == "user@shop.example"


def test_a_token_of_drf_is_known(call, user):
    assert call(f"Token {Token.objects.create(user=user).key}").data == "user@shop.example"


@pytest.mark.parametrize("authorization", ["Bearer x", "Token x", "Basic eDp5", ""])
def test_anything_else_is_401_with_a_challenge(call, authorization):
    answer = call(authorization)
    assert (answer.status_code, answer.has_header("WWW-Authenticate")) == (401, True)
