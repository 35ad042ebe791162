"""Limiters that start out empty, and a clock that stands still until the test moves it."""

import os

import pytest
from django.test import override_settings

from backstay import store
from backstay.throttling import local
from tests.backstay.throttling.limiters import Clock

#: ``None`` where the tests run without Redis.
REDIS_URL = os.environ.get("REDIS_URL")

needs_redis = pytest.mark.skipif(REDIS_URL is None, reason="needs Redis")

REST_FRAMEWORK = {
    "EXCEPTION_HANDLER": "backstay.errors.exception_handler",
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}


def project(*, rates=None, **backstay):
    """The settings of a project of its own, in force within ``with``."""
    return override_settings(
        ROOT_URLCONF="tests.backstay.throttling.urls",
        REST_FRAMEWORK={**REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates or {}},
        BACKSTAY=backstay,
    )


@pytest.fixture(autouse=True)
def nothing_counted():
    local.here.clear()
    local.stand_in.clear()
    store._store_of.cache_clear()
    yield
    store._store_of.cache_clear()


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def redis(monkeypatch):
    """A project with Redis, which is given more time than in production: tests share machines."""
    if REDIS_URL is None:
        pytest.skip("needs Redis")
    monkeypatch.setattr(store, "TIMEOUT_SECONDS", 30)
    with project(REDIS_URL=REDIS_URL):
        yield


@pytest.fixture(params=["in process", "redis"])
def either(request):
    """A project that counts here, and one that counts in Redis."""
    if request.param == "redis":
        request.getfixturevalue("redis")
        yield
    else:
        with project():
            yield
