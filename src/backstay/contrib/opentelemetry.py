"""
A span for each request, and one for each statement in it.

    MIDDLEWARE = [
        "backstay.contrib.opentelemetry.TracingMiddleware",
        "backstay.monitoring.MonitoringMiddleware",
        …
    ]

The caller's trace is continued as OpenTelemetry's propagator is set up to, and log lines and
jobs are part of the same trace. Where the spans go is for the project to configure, by the
SDK and its exporter; without an SDK nothing is recorded. Statements are told without their
parameters, requests without path and query, both of which may hold personal data.

Needs the extra ``backstay[opentelemetry]``. Names: OpenTelemetry semantic conventions for
HTTP servers and databases. Limit: the span of a stream ends where the stream begins.
"""

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

from django.db import connections
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from opentelemetry import propagate, trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from backstay.monitoring.records import METHODS
from backstay.monitoring.templates import route_of
from backstay.traces import Trace

#: As much of a statement as is told.
MAX_SQL = 2_000


class TracingMiddleware:
    """Put it before ``MonitoringMiddleware``, which then is part of its trace."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        method = request.method if request.method in METHODS else "_OTHER"
        parent = propagate.extract({name.lower(): value for name, value in request.headers.items()})
        tracer = trace.get_tracer("backstay")
        with ExitStack() as stack:
            span: Any = stack.enter_context(
                tracer.start_as_current_span(f"{method}", parent, SpanKind.SERVER)
            )
            _hand_on(request, span)
            for connection in connections.all():
                stack.enter_context(connection.execute_wrapper(_statement))
            response = self.get_response(request)
            route = route_of(request)
            span.update_name(f"{method} {route}")
            span.set_attribute("http.request.method", method)
            span.set_attribute("http.route", route)
            span.set_attribute("http.response.status_code", response.status_code)
            if response.status_code >= 500:
                span.set_status(Status(StatusCode.ERROR))
        return response


def _hand_on(request: HttpRequest, span: Any) -> None:
    """What reads ``traceparent`` further in continues this span."""
    context = span.get_span_context()
    if context.is_valid:
        flags = f"{int(context.trace_flags) & 1:02x}"
        here = Trace(f"{context.trace_id:032x}", f"{context.span_id:016x}", flags)
        request.META["HTTP_TRACEPARENT"] = here.traceparent


def _statement(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    """For ``connection.execute_wrapper``."""
    verb = str(sql).lstrip()[:20].split(" ", 1)[0].upper()
    tracer = trace.get_tracer("backstay")
    with tracer.start_as_current_span(verb, kind=SpanKind.CLIENT) as span:
        span.set_attribute("db.system.name", context["connection"].vendor)
        span.set_attribute("db.query.text", str(sql)[:MAX_SQL])
        return execute(sql, params, many, context)
