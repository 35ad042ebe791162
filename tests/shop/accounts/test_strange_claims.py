"""Properly signed tokens that say of their user what we never write."""

from typing import Any

import pytest
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from backstay.auth.tokens import codec
from tests.shop.problems import assert_problem

pytestmark = [pytest.mark.A2, pytest.mark.django_db]

USER_IDS: list[Any] = ["abc", {}, [], True, 1.5, None, "", 10**40, -(10**40)]
ORGANIZATIONS: list[Any] = ["x", True, 1.5, {}, []]
STRANGE = [
    *({"user_id": value} for value in USER_IDS),
    *({"org": value} for value in ORGANIZATIONS),
]

PATHS = ["/api/v1/users/me/", "/api/v2/orders/", "/api/v1/products/", "/api/token/sessions/"]


def client_claiming(user, **strange):
    claims = codec().decode(issue_tokens(user)["access"], "access")
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {codec().encode({**claims, **strange})}")
    return client


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("strange", STRANGE, ids=str)
def test_they_are_401(customer, path, strange):
    assert_problem(client_claiming(customer, **strange).get(path), 401, "token_invalid")
