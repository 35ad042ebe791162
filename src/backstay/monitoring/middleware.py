"""
One record for each request, whatever becomes of it: answered, refused, kept, crashed.

    MIDDLEWARE = [
        "backstay.monitoring.MonitoringMiddleware",
        "backstay.errors.ProblemMiddleware",
        …
    ]

First, so that nothing answers outside of it. It answers nothing itself. The record is
handed to the sinks when the answer is made, of a stream when that ends. Staff are told by
``Server-Timing`` (W3C) what their request cost.

Sync; Django adapts it under ASGI. Limits: work that a view hands to other threads is not
charged to it; Redis is what goes through ``backstay.store``.
"""

from collections.abc import Callable
from functools import partial
from time import perf_counter_ns, time
from typing import Any

from django.http import HttpRequest
from django.http.response import HttpResponseBase

from backstay import traces
from backstay.conf import settings
from backstay.errors.request_ids import id_of
from backstay.measure import Measure, current
from backstay.monitoring import cursors, queries, serialization, sinks
from backstay.monitoring.budgets import budget_of
from backstay.monitoring.record import Record
from backstay.monitoring.records import Ended, ended, record_of
from backstay.monitoring.streams import at_end


class MonitoringMiddleware:
    """Put it first in ``MIDDLEWARE``."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response
        cursors.install()
        serialization.install()

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        began = perf_counter_ns()
        measure = Measure(queries.begin())
        token = current.set(measure)
        # Whoever brings no id has one that names the request and its trace.
        own_id = "" if "HTTP_X_REQUEST_ID" in request.META else id_of(request)
        asked = request.META.get("HTTP_TRACEPARENT", "")
        trace = traces.current.set(traces.continued(asked, own_id))
        response: HttpResponseBase | None = None
        try:
            response = self.get_response(request)
            return response
        finally:
            current.reset(token)
            finish = _finish_later if response is not None and response.streaming else _finish
            try:
                finish(request, response, measure, began)
            except Exception:  # noqa: BLE001  # A user model of a project may do anything.
                sinks.not_recorded()
            traces.current.reset(trace)

    def process_template_response(self, _: HttpRequest, response: Any) -> Any:
        """Django calls it right before it renders."""
        serialization.measure_rendering(response)
        return response


def _finish(request: HttpRequest, response: Any, measure: Measure, began: int) -> None:
    end = ended(request, response, measure, perf_counter_ns() - began)
    if end.actor == "staff" and response is not None and settings.SERVER_TIMING:
        response.headers["Server-Timing"] = server_timing(record_of(end))
    sinks.hand_over(partial(_recorded, end))


def _finish_later(request: HttpRequest, response: Any, measure: Measure, began: int) -> None:
    begun = ended(request, response, measure, 0)

    def finish(sent_bytes: int, broken: bool) -> None:
        # An error is too late for the client then, and not for us.
        status = 500 if broken else begun.status
        end = begun._replace(
            status=status,
            at=time(),
            elapsed_ns=perf_counter_ns() - began,
            response_bytes=sent_bytes,
        )
        sinks.hand_over(partial(_recorded, end))

    at_end(response, measure, finish)


def _recorded(end: Ended) -> Record:
    record = record_of(end)
    if isinstance(end.measure.watch, queries.QueryWatch):
        record.findings = end.measure.watch.findings()
    budget = budget_of(end.match.func, record.method) if end.match else None
    if record.findings or budget is not None:
        queries.report(record, budget)
    return record


def server_timing(record: Record) -> str:
    """
    The header's value: milliseconds, and how often (W3C Server Timing, section 3).

    A record of 12.5 ms with 3 statements begins ``total;dur=12.5, sql;dur=…;desc="3"``.
    """
    return (
        f"total;dur={record.duration_ms:.1f}, "
        f'sql;dur={record.sql_ms:.1f};desc="{record.sql_count} queries, {record.rows} rows", '
        f'redis;dur={record.redis_ms:.1f};desc="{record.redis_count} trips", '
        f"serialization;dur={record.serialization_ms:.1f}"
    )
