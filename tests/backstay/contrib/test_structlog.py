"""One line for each event, without secrets, whatever a client has sent."""

import io
import json
import logging
import logging.config
import os
from collections.abc import Callable, Iterator

import pytest
import structlog
from django.test import Client, RequestFactory

from backstay.contrib.structlog import configure, logging_configuration
from backstay.monitoring import Record
from backstay.monitoring.logs import log_request

pytestmark = [pytest.mark.M1, pytest.mark.once]

#: CONTRACT: what the line of a request has.
PROMISED = {
    *("event", "route", "method", "status", "duration_ms", "sql_count", "sql_ms", "cache"),
    *("throttle", "request_id", "version", "actor"),
}

Lines = Callable[[], list[str]]


@pytest.fixture(params=["json", "console"])
def lines(request) -> Iterator[Lines]:
    """The lines that were written so far, by a project that is configured so."""
    yield from written(request.param)


@pytest.fixture
def json_lines() -> Iterator[Lines]:
    yield from written("json")


def written(log_format) -> Iterator[Lines]:
    root, held = logging.getLogger(), logging.getLogger().handlers
    configuration = logging_configuration(log_format)
    formatter = dict(configuration["formatters"]["lines"])
    kind = formatter.pop("()")
    output = io.StringIO()
    handler = logging.StreamHandler(output)
    handler.setFormatter(kind(**formatter))
    root.handlers, level = [handler], root.level
    root.setLevel("INFO")
    yield lambda: output.getvalue().split("\n")[:-1]
    root.handlers = held
    root.setLevel(level)


RECORD = Record(
    method="GET",
    route="/api/{version}/orders/",
    version="v1",
    status=200,
    at=0.0,
    duration_ms=12.346,
    request_id="an-id",
)


class TestTheLineOfARequest:
    def test_has_what_is_promised(self, json_lines):
        log_request(RECORD)

        (line,) = map(json.loads, json_lines())
        assert line.keys() >= PROMISED | {"timestamp", "level"}
        assert (line["event"], line["status"], line["duration_ms"]) == ("request", 200, 12.346)
        assert (line["route"], line["request_id"]) == ("/api/{version}/orders/", "an-id")

    def test_has_it_for_people_too(self, lines):
        log_request(RECORD)

        (line,) = lines()
        assert all(name in line for name in PROMISED - {"event"})

    def test_is_of_the_moment_of_the_answer(self, lines):
        """It may be written a little later."""
        log_request(RECORD)

        assert "1970-01-01T00:00:00.000000Z" in lines()[0]

    def test_what_django_says_of_it_has_its_id_too(self, json_lines):
        """It is written when the request is over."""
        request = RequestFactory().get("/")
        request.request_id = "an-id"  # type: ignore[attr-defined]  # As ProblemMiddleware does.

        logging.getLogger("django.request").error("Gone: %s", "/", extra={"request": request})

        (line,) = map(json.loads, json_lines())
        assert line["request_id"] == "an-id"
        assert "request" not in line

    def test_a_failure_of_ours_is_an_error(self, json_lines):
        log_request(Record("GET", "/", "", 503, 0.0, 1.0))

        assert json.loads(json_lines()[0])["level"] == "error"

    @pytest.mark.django_db
    def test_is_one_for_each_request(self, json_lines, settings):
        client = Client(raise_request_exception=False)

        answers = [client.get(path) for path in ("/health/live/", "/nowhere/", "/api/v1/orders/")]

        found = [json.loads(line) for line in json_lines()]
        requests = [line for line in found if line["event"] == "request"]
        assert [line["request_id"] for line in requests] == [
            answer.headers["X-Request-ID"] for answer in answers
        ]


class TestNothingBreaksALine:
    HOSTILE = "a\r\n{'event': 'forged'}\u2028\x85\x1b[2J\x1b]0;owned\x07 end"

    def test_in_a_message_a_field_or_a_name(self, lines):
        extra = {"given": self.HOSTILE, self.HOSTILE: 1}
        logging.getLogger("somebody.else").warning("said %s", self.HOSTILE, extra=extra)

        (line,) = lines()
        assert len(line.splitlines()) == 1
        assert "\x1b[2J" not in line
        assert "\x1b]" not in line

    def test_in_a_traceback_only_what_is_set_in(self, lines):
        try:
            raise ValueError("first\nforged event=request\x1b[2J")
        except ValueError:
            logging.getLogger("somebody.else").exception("failed")

        first, *more = lines()
        assert all(line.startswith("    ") for line in more)
        assert "\x1b[2J" not in "".join([first, *more])


class TestSecrets:
    @pytest.fixture(params=["stdlib", "structlog"])
    def say(self, request):
        if request.param == "stdlib":
            return self.by_stdlib
        return structlog.get_logger("of.ours").warning

    def by_stdlib(self, message, **fields):
        logging.getLogger("somebody.else").warning(message, extra=fields)

    def test_are_in_no_message_and_no_field(self, lines, say):
        say("by ada@shop.example", password="hunter2", body={"cards": ["4111111111111111"]})

        text = "\n".join(lines())
        assert not [one for one in ("ada@", "hunter2", "41111") if one in text]

    def test_are_in_no_traceback(self, lines):
        def fail() -> None:
            password = "hunter2"
            raise ValueError(f"{{'password': '{password}'}} of ada@shop.example")

        try:
            fail()
        except ValueError:
            logging.getLogger("django.request").exception("failed")

        text = "\n".join(lines())
        assert "Traceback" in text
        assert "ada@" not in text
        assert "{'password': 'hunter2'}" not in text

    def test_a_request_that_is_logged_is_left_out(self, lines):
        request = RequestFactory().get("/?token=abc")
        logging.getLogger("django.request").error("failed", extra={"request": request})

        assert "abc" not in "\n".join(lines())


def test_formats_of_others_have_their_process_and_thread():
    """Gunicorn's own, and the one that Django's documentation shows."""
    configured = structlog.get_config()
    try:
        configure()
        record = logging.getLogger("gunicorn.error").makeRecord("", 20, "", 0, "text", (), None)
    finally:
        structlog.configure(**configured)

    assert logging.Formatter("[%(process)d] %(message)s").format(record) == f"[{os.getpid()}] text"
    assert logging.Formatter("{thread:d} {message}", style="{").format(record).endswith(" text")
