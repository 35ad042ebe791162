"""
Probes for a load balancer or an orchestrator, and one for each dependency.

``live`` says that this process answers. It asks nothing of anything else, or a
database that is down would have every process restarted. ``ready`` says that
requests can be served: the database takes a new connection and answers. The
service works on without Redis and without a broker, so one that fails is told
("degraded") and takes nothing out of rotation; ``/health/redis/`` alone is 503 then.
Each check ends after ``CHECK_SECONDS``, whatever hangs. No probe tells where the
parts are.
"""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Literal

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from kombu import Connection
from kombu.exceptions import KombuError
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
    pending = {name: _waiting.submit(check) for name, check in checks().items()}
    results = {name: outcome(check) for name, check in pending.items()}
    if results["database"] != "ok":
        raise ServiceUnavailable("The database does not answer.")
    status = "ok" if set(results.values()) == {"ok"} else "degraded"
    return JsonResponse({"status": status, "checks": results})


@never_cache
@require_safe
def dependency(_: HttpRequest, name: str) -> HttpResponse:
    """One of those that ``ready`` names: 200, or 503 while it fails."""
    check = checks().get(name)
    if check is None:
        raise Http404
    if outcome(_waiting.submit(check)) != "ok":
        raise ServiceUnavailable(f"The {name} does not answer.")
    return JsonResponse({"status": "ok"})


def checks() -> dict[str, Callable[[], None]]:
    """What the service is configured to depend on."""
    found: dict[str, Callable[[], None]] = {"database": check_database}
    if url := settings.ENVIRONMENT.redis_url:
        found["redis"] = partial(check_redis, url)
    if url := settings.ENVIRONMENT.celery_broker_url:
        found["broker"] = partial(check_broker, url)
    return found


def outcome(check: Future[None]) -> Literal["ok", "failing"]:
    try:
        check.result(timeout=CHECK_SECONDS)
    except (DatabaseError, RedisError, KombuError, OSError, TimeoutError):
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


def check_broker(url: str) -> None:
    """
    Raises:
        KombuError, OSError: no connection, or none that speaks the broker's language.
    """
    with Connection(url, connect_timeout=CHECK_SECONDS) as broker:
        broker.ensure_connection(max_retries=1, interval_start=0, timeout=CHECK_SECONDS)
