"""Spans of requests and statements, part of the caller's trace and of ours."""

import pytest
from django.test import Client
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode

from backstay import traces

pytestmark = [pytest.mark.M1, pytest.mark.django_db]

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.fixture
def spans(monkeypatch, settings) -> InMemorySpanExporter:
    """What is exported, of a project with the middleware."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    settings.ROOT_URLCONF = "tests.backstay.monitoring.urls"
    settings.MIDDLEWARE = [
        "backstay.contrib.opentelemetry.TracingMiddleware",
        *settings.MIDDLEWARE,
    ]
    return exporter


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


class TestTracing:
    def test_a_request_and_its_statements_are_spans_of_the_callers_trace(self, spans, client):
        client.get("/slow/?token=secret", headers={"traceparent": f"00-{TRACE}-{SPAN}-01"})

        statement, request = spans.get_finished_spans()
        assert (request.name, request.kind) == ("GET /slow/", SpanKind.SERVER)
        assert f"{request.context.trace_id:032x}" == TRACE
        assert f"{request.parent.span_id:016x}" == SPAN
        assert statement.parent.span_id == request.context.span_id
        assert statement.attributes["db.query.text"] == "SELECT 1"
        assert "secret" not in f"{dict(request.attributes)}"

    def test_log_lines_and_jobs_are_part_of_the_same_trace(self, spans, client, monkeypatch):
        seen = []
        monkeypatch.setattr(
            "backstay.monitoring.middleware.sinks.hand_over",
            lambda _: seen.append(traces.traceparent()[3:35]),
        )

        client.get("/slow/")

        assert seen == [f"{spans.get_finished_spans()[-1].context.trace_id:032x}"]

    @pytest.mark.parametrize("hostile", ["00-zz", "", f"00-{'0' * 32}-{SPAN}-01", "é" * 1_000])
    def test_a_hostile_header_begins_another_trace(self, spans, client, hostile):
        client.get("/slow/", headers={"traceparent": hostile})

        assert spans.get_finished_spans()[-1].parent is None

    def test_a_failure_of_ours_is_an_error_and_tells_no_message(self, spans, client):
        client.get("/crash/")

        (request,) = spans.get_finished_spans()
        assert request.status.status_code is StatusCode.ERROR
        assert "ada@" not in request.to_json()

    def test_without_an_sdk_everything_works(self, settings, client):
        settings.ROOT_URLCONF = "tests.backstay.monitoring.urls"
        settings.MIDDLEWARE = [
            "backstay.contrib.opentelemetry.TracingMiddleware",
            *settings.MIDDLEWARE,
        ]

        assert client.get("/slow/").status_code == 200
