"""A cache of each kind, and a client of the views that are kept in it."""

import pytest
from django.conf import settings as django_settings
from django.core.cache import caches as django_caches
from django.test import override_settings
from rest_framework.test import APIClient

from backstay.caching.backends import backend
from backstay.store import key, store
from tests.backstay.caching import views


@pytest.fixture
def api(settings):
    settings.ROOT_URLCONF = "tests.backstay.caching.views"
    for kind in (views.Counting, views.Said, views.Decorated):
        kind.runs.clear()
    views.Said.says = {}
    return APIClient()


@pytest.fixture(params=["own", "django"])
def place(request):
    """The backend of the suite's run, Redis or this process, and that of a Django cache."""
    if request.param == "own":
        yield backend()
        return
    caches = {
        **django_settings.CACHES,
        "answers": {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "answers",
        },
    }
    own = {**django_settings.BACKSTAY, "REDIS_URL": None, "CACHE_ALIAS": "answers"}
    with override_settings(CACHES=caches, BACKSTAY=own):
        django_caches["answers"].clear()
        yield backend()


def status_of(response) -> str:
    """What the cache says it did."""
    return response.headers["Cache-Status"].removeprefix("backstay; ")


def corrupt(place, data) -> None:
    """As someone would who can write to the store."""
    redis = store()
    if redis is None:
        [kept] = place._entries.values()
        kept.data = data
        return
    for name in redis.call("KEYS", key("cache", "*")):
        if redis.call("TYPE", name) == b"hash":
            redis.call("HSET", name, "data", data)
