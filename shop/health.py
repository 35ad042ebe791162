"""
Probes for a load balancer or an orchestrator.

``live`` says that this process answers. It asks nothing of anything else, or a
database that is down would have every process restarted. ``ready`` says that
requests can be served: the database takes a new connection and answers. The
service works on without Redis, so a Redis that fails is told ("degraded") and
takes nothing out of rotation. Each check ends after ``CHECK_SECONDS``, whatever
hangs. Neither probe tells where the parts are.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

from backstay.errors import ServiceUnavailable

CHECK_SECONDS = 1.0

#: A driver may wait longer than any time-out it was given (a name server, a stopped
#: process), so checks wait here and not in the thread of a request. When all are
#: stuck, later checks fail as well, which is then the truth.
_waiting = ThreadPoolExecutor(max_workers=4, thread_name_prefix="health")


@never_cache
@require_safe
def live(_: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok"})


@never_cache
@require_safe
def ready(_: HttpRequest) -> HttpResponse:
    checks: dict[str, Callable[[], None]] = {"database": check_database}
    if url := settings.ENVIRONMENT.redis_url:
        checks["redis"] = partial(check_redis, url)
    pending = {name: _waiting.submit(check) for name, check in checks.items()}
    results = {name: outcome(check) for name, check in pending.items()}
    if results["database"] != "ok":
        raise ServiceUnavailable("The database does not answer.")
    status = "ok" if set(results.values()) == {"ok"} else "degraded"
    return JsonResponse({"status": status, "checks": results})


def outcome(check: Future[None]) -> Literal["ok", "failing"]:
    try:
        check.result(timeout=CHECK_SECONDS)
    except (DatabaseError, RedisError, TimeoutError):
        return "failing"
    return "ok"


def check_database() -> None:
    """
    Raises:
        DatabaseError: no connection, or no answer on it.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    finally:
        connection.close()


def check_redis(url: str) -> None:
    """
    Raises:
        RedisError: no connection, or no answer on it.
    """
    with Redis.from_url(
        url,
        socket_connect_timeout=CHECK_SECONDS,
        socket_timeout=CHECK_SECONDS,
        retry=Retry(NoBackoff(), 0),
    ) as client:
        client.ping()
