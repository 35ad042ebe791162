"""Limiters that start out empty, and a clock that stands still until the test moves it."""

import os

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.test import modify_settings, override_settings

from backstay import store
from backstay.throttling import local
from tests.backstay.throttling.limiters import Clock

#: ``None`` where the tests run without Redis.
REDIS_URL = os.environ.get("REDIS_URL")

#: Not among the apps of the tests: without it each process counts alone.
DATABASE_APP = "backstay.throttling.database"

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


def with_database_app():
    """The app that counts in the database is installed, within ``with``."""
    return modify_settings(INSTALLED_APPS={"append": DATABASE_APP})


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


@pytest.fixture(scope="session")
def buckets_table(django_db_setup, django_db_blocker):
    """The app's table, as its migration makes it."""
    with django_db_blocker.unblock(), with_database_app():
        MigrationExecutor(connection).migrate([("backstay_throttling", "0001_initial")])


@pytest.fixture
def database(buckets_table, db):
    """A project that counts in its database."""
    with with_database_app(), project():
        yield


@pytest.fixture
def committed_database(buckets_table, transactional_db):
    """The same, where others see what is written: the table is not among those Django empties."""
    with with_database_app(), project():
        yield
        from backstay.throttling.database.models import BucketRow

        BucketRow._default_manager.all().delete()


@pytest.fixture(params=[pytest.param("in process", marks=pytest.mark.once), "redis", "database"])
def either(request):
    """A project that counts here, one that counts in Redis, and one that does in its database."""
    if request.param == "in process":
        with project():
            yield
    else:
        request.getfixturevalue(request.param)
        yield
