"""
One stream of log lines: JSON for machines, columns for people, secrets for nobody.

    LOGGING = logging_configuration("json")
    configure()  # and structlog's own loggers

Lines of Django, the server and libraries take the same path as the service's own, keep
their ``extra={…}`` fields, and carry the ids of the request and of the trace that caused
them, also where a job does the work. Everything is redacted (``backstay.redaction``), a
traceback too; that is text without local variables, and a logged ``HttpRequest`` is left
out. Nothing that a client sends can begin a line of its own or move a terminal's cursor.
"""

import json
import logging
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any, Literal

import structlog
from django.apps import apps
from structlog.types import EventDict, Processor, WrappedLogger

from backstay import traces
from backstay.redaction import one_line, redact

try:
    import orjson
except ImportError:  # The extra "orjson".
    orjson = None  # type: ignore[assignment]  # Asked for below.

Format = Literal["json", "console"]

#: Not escaped by JSON, and the end of a line for some who read it.
_SEPARATORS = {code: f"\\u{code:04x}" for code in (*range(127, 160), 0x2028, 0x2029)}


def logging_configuration(
    log_format: Format, loggers: Mapping[str, Mapping[str, Any]] | None = None
) -> dict[str, Any]:
    """The value of ``LOGGING``; *loggers* are added to those of Django."""
    render = RENDER_JSON if log_format == "json" else RENDER_CONSOLE
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": Lines,
                "json_lines": log_format == "json",
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *render,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django's own handlers would print the same line twice and mail it.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # A 4xx is the client's doing; that it was is in the line of the request.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            **(loggers or {}),
        },
    }


def configure() -> None:
    """Send structlog's own events through stdlib logging."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class Lines(structlog.stdlib.ProcessorFormatter):
    """
    Writes the line of a request, of which nothing needs to be cleaned, at a tenth of the cost.
    """

    def __init__(self, *args: Any, json_lines: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._json = json_lines

    def format(self, record: logging.LogRecord) -> str:
        if not self._json or record.name != "backstay.request":
            return super().format(record)
        held = vars(record)
        event = {"event": "request", **{name: held[name] for name in _fields()}}
        event["level"] = record.levelname.lower()
        event["logger"] = record.name
        event["timestamp"] = _iso(record.created)
        return _encode(event)


@cache
def _fields() -> tuple[str, ...]:
    # Late: where logging is configured, in the project's settings, there are none yet.
    from backstay.monitoring.logs import FIELDS

    return FIELDS


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")[:26] + "Z"


def add_time(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """When what a line tells of happened, which may be a moment before it is written."""
    line = event.get("_record")
    event["timestamp"] = _iso(time.time() if line is None else line.created)
    return event


def add_ids(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # Before Django is set up, and in the server's master process, no request is served.
    if apps.ready:
        from backstay.errors import request_id

        # Of a line that Django writes when all is over, it is that of the request it names.
        if current := request_id() or getattr(event.get("request"), "request_id", ""):
            event.setdefault("request_id", current)
    if trace := traces.current.get():
        event.setdefault("trace_id", trace.trace_id)
    return event


def drop_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("request", None)
    return event


def redact_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """What ``_record`` and ``_from_structlog`` hold is structlog's own, and not written."""
    return {
        key: value if key.startswith("_") else redact({key: value})[key]
        for key, value in event.items()
    }


def keep_to_one_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    """For a terminal. The lines of a traceback are kept, and set in."""
    exception = event.pop("exception", None)
    clean = {
        one_line(key): one_line(value) if isinstance(value, str) else value
        for key, value in event.items()
    }
    if exception is not None:
        clean["exception"] = "\n".join(f"    {one_line(line)}" for line in exception.split("\n"))
    return clean


def _encode(event: dict[str, object]) -> str:
    """What is all ASCII and plain, and often: by orjson where it is installed."""
    return json.dumps(event) if orjson is None else orjson.dumps(event).decode()


def _dumps(event: Any, **_: Any) -> str:
    return json.dumps(event, ensure_ascii=False, default=str).translate(_SEPARATORS)


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    add_time,
    add_ids,
    drop_request,
]
RENDER_JSON: list[Processor] = [
    structlog.processors.format_exc_info,
    redact_event,
    structlog.processors.JSONRenderer(serializer=_dumps),
]
RENDER_CONSOLE: list[Processor] = [
    structlog.processors.format_exc_info,
    redact_event,
    keep_to_one_line,
    # Colours are for a terminal; a file would be full of escapes.
    structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
    ),
]
