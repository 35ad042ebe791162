"""A project with sessions, and what a client does with its tokens. Redis where there is one."""

import os

import pytest
from django.contrib.auth import get_user_model
from django.test import override_settings

from backstay import store
from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from backstay.auth.tokens import codec
from tests.quiet import trust_denylist

BACKSTAY = {
    "TOKEN_CLAIMS": "tests.backstay.auth.conftest.own_claims",
    "REDIS_URL": os.environ.get("REDIS_URL"),
}


@pytest.fixture(autouse=True)
def project(monkeypatch):
    """Redis is given more time than in production: a late answer costs queries."""
    monkeypatch.setattr(store, "TIMEOUT_SECONDS", 30)
    store._store_of.cache_clear()
    with override_settings(ROOT_URLCONF="tests.backstay.auth.urls", BACKSTAY=BACKSTAY):
        trust_denylist()
        yield
    store._store_of.cache_clear()


@pytest.fixture
def pair(user, clock):
    return issue_tokens(user)


@pytest.fixture
def elsewhere(user, clock):
    """Another session of the same user."""
    return issue_tokens(user)


@pytest.fixture
def stranger(db):
    return get_user_model().objects.create_user("eve@example.com", first_name="Eve")


@pytest.fixture
def foreign(stranger, clock):
    return issue_tokens(stranger)


def refresh(api, token):
    return api.post("/token/refresh/", {"refresh": token})


def read(api, access):
    """A request that asks nothing but who is there."""
    return api.get("/private/", headers={"Authorization": f"Bearer {access}"})


def claims_of(token):
    return codec().decode(token, "access", "refresh")


def family_of(token):
    return Family.objects.get(pk=claims_of(token)["family"])


def lives(api, pair):
    """Whether both tokens of *pair* are accepted; never one without the other."""
    statuses = {
        api.post("/token/verify/", {"token": pair["refresh"]}).status_code,
        read(api, pair["access"]).status_code,
    }
    assert statuses in ({200}, {401})
    return statuses == {200}


def delete_user(user):
    """Take the row away; the shop's users have another that holds on to it."""
    user.customer.delete()
    user.delete()
