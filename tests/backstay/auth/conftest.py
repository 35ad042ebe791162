"""A project of its own around the token endpoints, at a fixed time."""

import pytest
import time_machine
from django.contrib.auth import get_user_model
from django.test import override_settings
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from tests.backstay.auth.jwks import NOW

PASSWORD = "correct horse battery"


def own_claims(user):
    return {"first_name": user.first_name}


@pytest.fixture(autouse=True)
def project():
    with override_settings(
        ROOT_URLCONF="tests.backstay.auth.urls",
        BACKSTAY={"TOKEN_CLAIMS": "tests.backstay.auth.conftest.own_claims"},
    ):
        yield


@pytest.fixture
def clock():
    """Time stands still until the test moves it."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def api():
    return APIClient(raise_request_exception=False)


@pytest.fixture
def user(db):
    return get_user_model().objects.create_user("ada@example.com", PASSWORD, first_name="Ada")


@pytest.fixture
def inactive(db):
    return get_user_model().objects.create_user("old@example.com", PASSWORD, is_active=False)


@pytest.fixture
def deleted(user, clock):
    """Tokens of somebody whose row is gone since."""
    pair = issue_tokens(user)
    user.customer.delete()
    user.delete()
    return pair


def assert_unauthenticated(response, code):
    """401 with a challenge, in the one shape; never 403."""
    assert (response.status_code, response.json()["code"]) == (401, code)
    assert response.headers["WWW-Authenticate"].startswith("Bearer ")
