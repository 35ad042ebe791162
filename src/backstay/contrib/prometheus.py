"""
Metrics for Prometheus, right with any number of processes.

    path("metrics", backstay.contrib.prometheus.metrics)
    observe()  # once in each process, in an app's ready()

Each request is counted and timed by its route, and every count of ``backstay.counters`` is a
metric of its own: ``store`` is ``backstay_store_total``. Labels come from the code: routes
that do not exist are ``unmatched``, methods that do not are ``OTHER``.

With ``PROMETHEUS_MULTIPROC_DIR`` set before the processes start, each of them answers for
all. What a process has counted stays when it ends (``prometheus_files.keep_dead``): a total
that fell would be read as a restart, and counted once more. Whoever scrapes sends
``METRICS_TOKEN``, where there is one, as ``Authorization: Bearer``; a scrape is charged to
no limit.

Needs the extra ``backstay[prometheus]``. Format: OpenMetrics or Prometheus text, as asked.
"""

import fcntl
import hmac
from functools import cache
from threading import Lock
from typing import Any

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder
from prometheus_client.multiprocess import MultiProcessCollector

from backstay import counters
from backstay.conf import settings
from backstay.contrib.prometheus_files import locked, shared_directory
from backstay.errors.problems import Converted
from backstay.errors.responses import ProblemResponse
from backstay.monitoring import Record, add_sink, sinks

#: Seconds: from what a kept answer takes to what a time-out ends.
BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

REQUESTS = Counter(
    "backstay_requests",
    "Requests that were answered.",
    ["method", "route", "status", "version", "actor"],
)
DURATION = Histogram(
    "backstay_request_duration_seconds",
    "From the first middleware to the answer, of a stream to its end.",
    ["method", "route"],
    buckets=BUCKETS,
)
SPENT = Counter(
    "backstay_request_spent_seconds",
    "What of a request's time went where: sql, redis, serialization.",
    ["route", "where"],
)
QUERIES = Counter("backstay_request_queries", "Statements that requests have run.", ["route"])
BYTES = Counter("backstay_response_bytes", "Bytes of bodies that were answered.", ["route"])

#: The metric of each event that was counted so far, and the names of its labels.
_events: dict[str, tuple[Counter, list[str]]] = {}

#: A metric can be registered once, and threads may count an event for the first time together.
_lock = Lock()


def observe() -> None:
    """Export all that this process counts from now on, and what it has counted. Idempotent."""
    processes().set(1)
    add_sink(observe_request)
    counters.observe(observe_count)


@cache
def processes() -> Gauge:
    """1 in each that is counted. It has no labels, so its file is opened at once."""
    directory = shared_directory()
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    told = "Processes that are counted together."
    return Gauge("backstay_processes", told, multiprocess_mode="livesum")


def observe_request(record: Record) -> None:
    """A sink."""
    route = record.route
    requests, duration, sent = _of_requests(
        record.method, route, record.status, record.version, record.actor
    )
    requests.inc()
    duration.observe(record.duration_ms / 1e3)
    if record.response_bytes:
        sent.inc(record.response_bytes)
    if record.sql_count:
        _child(QUERIES, route).inc(record.sql_count)
        _child(SPENT, route, "sql").inc(record.sql_ms / 1e3)
    if record.redis_count:
        _child(SPENT, route, "redis").inc(record.redis_ms / 1e3)
    if record.serialization_ms:
        _child(SPENT, route, "serialization").inc(record.serialization_ms / 1e3)


def observe_count(name: counters.Name, by: int) -> None:
    """What ``backstay.counters`` tells: an event of another label set has its first one's."""
    _event(name).inc(by)


@cache
def _event(name: counters.Name) -> Any:
    event, given = name[0], dict(name[1])
    with _lock:
        if event not in _events:
            told = f"How often {event.replace('_', ' ')} was counted."
            _events[event] = Counter(f"backstay_{event}", told, list(given)), list(given)
    metric, labels = _events[event]
    return metric.labels(*(given.get(label, "") for label in labels)) if labels else metric


@cache
def _of_requests(method: str, route: str, status: int, version: str, actor: str) -> Any:
    """What counts, times and weighs requests that are alike."""
    requests = REQUESTS.labels(method, route, str(status), version, actor)
    return requests, DURATION.labels(method, route), BYTES.labels(route)


@cache
def _child(metric: Any, *labels: str) -> Any:
    """What stands behind labels: to look it up anew costs more than to count."""
    return metric.labels(*labels)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponseBase:
    """All metrics, for whoever sends the token."""
    if not _may_scrape(request):
        challenge = {"WWW-Authenticate": 'Bearer realm="api"'}
        return ProblemResponse(Converted(401, "not_authenticated", headers=challenge), request)
    sinks.deliver()
    encode, content_type = choose_encoder(request.headers.get("Accept", ""))
    directory = shared_directory()
    if directory is None:
        return HttpResponse(encode(REGISTRY), content_type=content_type)
    every = CollectorRegistry()
    MultiProcessCollector(every, str(directory))  # type: ignore[no-untyped-call]  # It has no types.
    with locked(directory, fcntl.LOCK_SH):
        return HttpResponse(encode(every), content_type=content_type)


def _may_scrape(request: HttpRequest) -> bool:
    token = settings.METRICS_TOKEN
    if token is None:
        return True
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    # As bytes: strings are compared in constant time only where they are ASCII.
    same = hmac.compare_digest(given.strip().encode(), token.encode())
    return scheme.lower() == "bearer" and same
