"""
A hit: ours beside the common mixin and Django's ``cache_page``, both on django-redis.

A whole request, from WSGI to the bytes of the body, for a page of 100 orders with a bearer
token and two limits; without a server and middleware. Beside it the price of ending what
depends on a tag, with few and with a million entries that do.

On a Redis of its own.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch
from uuid import uuid4

from django.conf import settings
from django.contrib.auth import get_user_model
from django.core.handlers.wsgi import WSGIHandler
from django.core.management import call_command
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from redis import Redis
from redis.connection import AbstractConnection

from backstay import store
from backstay.auth.issuing import issue_tokens
from backstay.caching.backends import EVERYTHING, backend
from backstay.store import key
from benchmarks.clients import wsgi
from benchmarks.measure import race
from tests.services import redis_server

#: Entries that a change ends.
FEW, MANY = 10, 1_000_000
BATCH = 2_000

TAG = "orders_order"

#: Entries as ``fill`` writes them.
FILL = """
for number = ARGV[1], ARGV[2] do
  redis.call('HSET', KEYS[1] .. number, 'stamp', 1, 'tags', ARGV[3], 'stored', 1,
    'fresh', 1, 'data', 'body')
  redis.call('PEXPIRE', KEYS[1] .. number, 3600000)
end
"""


def run(*, orders: int, seconds: float) -> None:
    # A busy machine is not to be taken for an outage, in which nothing is kept.
    store.TIMEOUT_SECONDS = 30
    call_command("demo_data", orders=orders)
    with redis_server({}) as server, sites(server.url) as contenders:
        redis = Redis.from_url(server.url)
        for name, call in contenders.items():
            print(f"{name}: {statements(call)} SQL, {trips(call)} round trips to Redis")
        race("A kept page of 100 orders", contenders, seconds=seconds)
        for entries in (FEW, MANY):
            _fill(redis, entries)
            race(f"End {entries:,} entries", {"backstay": _ending}, seconds=seconds / 4)


@contextmanager
def sites(
    redis_url: str, histories: Sequence[int] = (10, 500)
) -> Iterator[dict[str, Callable[[], bytes]]]:
    """
    A hit of each, by name; ours comes first.

    DRF's throttles keep the time of each call: they are measured with the few of who has just
    begun, and with those of who has used up half of 1,000.
    """
    secret = "a secret of the benchmark, which protects nothing at all"
    own = {**settings.BACKSTAY, "REDIS_URL": redis_url}
    shared = {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": redis_url,
        "KEY_PREFIX": "peer",
    }
    site = {"MIDDLEWARE": [], "ROOT_URLCONF": "benchmarks.peers.kept"}
    peer = {"SIMPLE_JWT": {"SIGNING_KEY": secret}}
    with override_settings(BACKSTAY=own, CACHES={"default": shared}, **site, **peer):
        from rest_framework_simplejwt.tokens import AccessToken

        user = get_user_model().objects.create_user(f"{uuid4()}@bench.example")
        handler = WSGIHandler()
        ours = wsgi(handler, token=issue_tokens(user)["access"])
        theirs = wsgi(handler, token=str(AccessToken.for_user(user)))
        found: dict[str, Callable[[], bytes]] = {"backstay": partial(ours, "/kept")}
        for name, path in (("the common mixin", "/mixin"), ("cache_page", "/page")):
            for kept in histories:
                call = partial(theirs, f"{path}/{kept}")
                found[f"{name}, {kept} calls kept"] = call
                for _ in range(kept):
                    call()
        found["backstay"]()
        yield found


def statements(call: Callable[[], object]) -> int:
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def trips(call: Callable[[], object]) -> int:
    """How often *call* sends something to Redis, by redis-py or by ours."""
    ways = (AbstractConnection, "send_packed_command"), (store.Wire, "ask")
    with ExitStack() as stack:
        seen = []
        for owner, name in ways:
            sent = getattr(owner, name)
            spy = stack.enter_context(patch.object(owner, name, autospec=True))
            spy.side_effect = sent
            seen.append(spy)
        call()
    return sum(len(spy.mock_calls) for spy in seen)


def _fill(redis: Any, entries: int) -> None:
    tags = f"{EVERYTHING}\n{TAG}"
    for first in range(0, entries, BATCH):
        redis.eval(FILL, 1, key("cache", ""), first, min(first + BATCH, entries) - 1, tags)


def _ending() -> None:
    writer = uuid4().hex
    backend().announce({TAG}, writer)
    backend().settle({TAG}, writer)
