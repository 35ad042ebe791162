"""
What watching a request costs: the same request with everything on, and without.

A cheap view and a page of 100 orders that is not kept, in this process, from WSGI to the
bytes of the body. On is the middleware, the log line as JSON, the metrics as several
processes share them, the dashboard's history, and the statements of one request in a
hundred looked at; in the last row those of every request are. Records are told ``TOGETHER``
at a time, as at 500 requests a second.
"""

import logging
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.clients import Client, wsgi
from benchmarks.measure import costs

MIDDLEWARE = "backstay.monitoring.MonitoringMiddleware"
TOGETHER = 100

OFF, ON, WATCHED = "off", "on", "on, every statement looked at"

WORKLOADS = {
    "A cheap view": "/health/live/",
    "A page of 100 orders": "/api/v2/orders/?page_size=100",
}


def share_metrics() -> None:
    """Before Django is set up: what a server does for its workers."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="shop-bench-metrics-")
    os.environ["LOG_FORMAT"] = "json"


def run(*, orders: int, seconds: float) -> dict[str, dict[str, float]]:
    from django.core.management import call_command

    from backstay.monitoring import sinks
    from shop.orders.views import OrderViewSet

    call_command("demo_data", orders=orders)
    with (
        _to_nowhere(),
        patch.object(sinks, "MOST_WAITING", TOGETHER),
        patch.object(OrderViewSet, "cache", None),
        _sites() as sites,
    ):
        return {
            title: {
                name: cost.own
                for name, cost in costs(
                    title,
                    {name: partial(_ask, *site, path) for name, site in sites.items()},
                    seconds=seconds / len(WORKLOADS),
                ).items()
            }
            for title, path in WORKLOADS.items()
        }


def section(found: Mapping[str, Mapping[str, float]]) -> Iterator[str]:
    """A table: CPU microseconds, and the difference that watching makes."""
    yield "\n## What watching a request costs\n"
    yield "| | CPU µs | more than off | beside off |"
    yield "|---|--:|--:|--:|"
    for title, own in found.items():
        for name, spent in own.items():
            more = f"{spent - own[OFF]:+,.1f} | {spent / own[OFF]:.2f}×"
            yield f"| {title}, {name} | {spent:,.1f} | {more} |"
    yield ""


@contextmanager
def _sites() -> Iterator[dict[str, tuple[Client, Mapping[str, Any]]]]:
    """The same service three times: a client, and the settings it is called with."""
    from django.conf import settings
    from django.contrib.auth import get_user_model
    from django.core.handlers.wsgi import WSGIHandler
    from django.test import override_settings

    from backstay.auth.issuing import issue_tokens
    from tests.shop.far_limits import far_limits

    token = issue_tokens(get_user_model().objects.get(email="staff@shop.example"))["access"]
    bare = [name for name in settings.MIDDLEWARE if name != MIDDLEWARE]
    with override_settings(**far_limits()):
        watched = wsgi(WSGIHandler(), token=token)
        with override_settings(MIDDLEWARE=bare):
            unwatched = wsgi(WSGIHandler(), token=token)
        usual, every = settings.BACKSTAY, {**settings.BACKSTAY, "QUERY_WATCH_SHARE": 1.0}
        yield {OFF: (unwatched, usual), ON: (watched, usual), WATCHED: (watched, every)}


def _ask(client: Callable[[str], bytes], backstay: Mapping[str, Any], path: str) -> bytes:
    from django.conf import settings

    settings.BACKSTAY = backstay
    return client(path)


@contextmanager
def _to_nowhere() -> Iterator[None]:
    """Lines are written, each by a call of the system, but not to the terminal."""
    (handler,) = logging.getLogger().handlers
    assert isinstance(handler, logging.StreamHandler)
    with Path(os.devnull).open("w") as nowhere:
        before = handler.setStream(nowhere)
        yield
        handler.setStream(before)
