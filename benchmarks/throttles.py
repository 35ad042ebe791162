"""
Deciding on 1, 2 and 5 rules: ours beside DRF's throttles on django-redis and ``RedisCache``.

Each side is what DRF does between permissions and the view, ``check_throttles``, with every
call allowed. DRF keeps the time of each call in the window, so it is measured with the few
calls of somebody who has just begun and with those of one who has used up half of 1,000 an
hour. Further tables show that ours costs the same whatever is kept: under a limit
of a million that is used up, and beside a million live buckets. There Redis's own time for
a call is told too.

On a Redis of its own.
"""

from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.core.cache import BaseCache
from django.core.cache.backends.redis import RedisCache
from django.test import RequestFactory, override_settings
from django_redis.cache import RedisCache as DjangoRedisCache
from redis import Redis
from rest_framework.request import Request
from rest_framework.throttling import SimpleRateThrottle
from rest_framework.views import APIView

from backstay import store
from backstay.throttling import Charge, RateThrottle, Throttled
from backstay.throttling.limits import KEPT
from backstay.throttling.redis import ThrottlePart
from benchmarks.measure import race
from tests.services import redis_server

RULES = (1, 2, 5)
HISTORIES = (10, 500)
RATE = "1000000000/day"

#: Limits, and live buckets beside the one that is measured.
FEW, MANY = 10, 1_000_000

#: Buckets of callers who are not asked about.
FILL = """
for number = ARGV[1], ARGV[2] do
  local key = 'bench:' .. number
  redis.call('HSET', key, 'total', 1, 'oldest', 1, 'newest', 1, '1', 1)
  redis.call('PEXPIRE', key, 3600000)
end
"""
BATCH = 2_000


def run(*, seconds: float) -> None:
    # A busy machine is not to be taken for an outage, in which nobody asks Redis.
    store.TIMEOUT_SECONDS = 30
    with (
        redis_server({}) as server,
        override_settings(BACKSTAY={"REDIS_URL": server.url}),
    ):
        peers: dict[str, BaseCache] = {
            "DRF, django-redis": DjangoRedisCache(server.url, {"KEY_PREFIX": "one"}),
            "DRF, RedisCache": RedisCache(server.url, {"KEY_PREFIX": "other"}),
        }
        for rules in RULES:
            contenders = {"backstay": _check([_ours(f"rule{number}") for number in range(rules)])}
            for kept in HISTORIES:
                for name, cache in peers.items():
                    throttles = [_peer(cache, f"rule{number}", kept) for number in range(rules)]
                    contenders[f"{name}, {kept} calls kept"] = _check(throttles)
            race(f"Limits of a request, {rules}", contenders, seconds=seconds / 5)
        _flatness(seconds=seconds / 10)


def _flatness(*, seconds: float) -> None:
    limits = {f"limit {limit:,}, used up": _used_up(limit) for limit in (FEW, MANY)}
    race("Refuse", limits, seconds=seconds * 2)
    check = _check([_ours("one")])
    for live in (FEW, MANY):
        _fill(live)
        calls, microseconds = _server()
        race(f"Beside {live:,} live buckets", {"backstay": check}, seconds=seconds)
        after_calls, after = _server()
        print(f"Redis: {(after - microseconds) / (after_calls - calls):.1f} µs a call")


def _redis() -> Any:
    return Redis.from_url(settings.BACKSTAY["REDIS_URL"])


def _check(throttles: list[type[Any]]) -> Callable[[], None]:
    """One request, that nothing was decided about each time."""
    plain = RequestFactory().get("/")
    request = Request(plain)
    request.user = None

    class View(APIView):
        throttle_classes = throttles

    view = View()

    def check() -> None:
        vars(plain).pop(KEPT, None)
        view.check_throttles(request)

    return check


def _ours(rule: str, text: str = RATE) -> type[RateThrottle]:
    class Ours(RateThrottle):
        scope = rule
        rate = text

        def charges(self, request: Request, view: APIView, user: Any) -> list[Charge]:
            return self.charge("user:7")

    return Ours


def _peer(redis: BaseCache, rule: str, kept: int) -> type[SimpleRateThrottle]:
    class Peer(SimpleRateThrottle):
        rate = RATE
        cache = redis
        scope = f"{rule}:{kept}"

        def get_cache_key(self, request: Any, view: Any) -> str:
            return f"{self.scope}:user:7"

        def throttle_success(self) -> bool:
            """Keep as many calls as before."""
            del self.history[kept:]
            return super().throttle_success()

    for _ in range(kept):
        Peer().allow_request(None, None)
    return Peer


def _used_up(limit: int) -> Callable[[], None]:
    """A request to a bucket that has nothing left; all but the first call are written into it."""
    throttle = _ours(f"limit{limit}", f"{limit}/day")
    check = _check([throttle])
    check()
    [key] = ThrottlePart(throttle().charge("user:7")).keys
    slot = _redis().hget(key, "newest")
    for name in ("total", slot):
        _redis().hincrby(key, name, limit - 1)

    def refused() -> None:
        try:
            check()
        except Throttled:
            return
        raise AssertionError("It was let in.")

    return refused


def _fill(live: int) -> None:
    redis = _redis()
    for first in range(0, live, BATCH):
        redis.eval(FILL, 0, first, min(first + BATCH, live) - 1)


def _server() -> tuple[int, int]:
    """Scripts that Redis has run, and its microseconds for them."""
    found = _redis().info("commandstats")["cmdstat_evalsha"]
    return found["calls"], found["usec"]
