"""
One stream of log lines on stderr: JSON for machines, columns for people.

Lines of Django, gunicorn and libraries take the same path as the service's
own, keep their ``extra={…}`` fields, and carry the id of the request that
caused them. A request as such has no line yet. A traceback is text without
local variables, and a logged ``HttpRequest`` is left out: both would show
passwords and tokens.
"""

from typing import Any, Literal

import structlog
from django.apps import apps
from structlog.types import EventDict, Processor, WrappedLogger


def configuration(log_format: Literal["json", "console"]) -> dict[str, Any]:
    """The value of ``LOGGING``."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "lines": {
                "()": "structlog.stdlib.ProcessorFormatter",
                "foreign_pre_chain": SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *(RENDER_JSON if log_format == "json" else RENDER_CONSOLE),
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "lines"}},
        "root": {"handlers": ["stderr"], "level": "INFO"},
        "loggers": {
            # Django's own handlers would print the same line twice and mail it.
            "django": {"handlers": [], "level": "INFO", "propagate": True},
            "django.server": {"handlers": [], "level": "WARNING", "propagate": True},
            # A 4xx is the client's doing, and is not logged: a line for each request,
            # with its status, is to come.
            "django.request": {"level": "ERROR"},
            "django.security.DisallowedHost": {"level": "CRITICAL"},
            "gunicorn.error": {"handlers": [], "level": "WARNING", "propagate": True},
            "gunicorn.access": {"handlers": [], "level": "WARNING", "propagate": True},
        },
    }


def add_request_id(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # Before Django is set up, and in the server's master process, no request is served.
    if apps.ready:
        from backstay.errors import request_id

        if current := request_id():
            event.setdefault("request_id", current)
    return event


def drop_request(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    event.pop("request", None)
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.stdlib.ExtraAdder(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    add_request_id,
    drop_request,
]
RENDER_JSON: list[Processor] = [
    structlog.processors.format_exc_info,
    structlog.processors.JSONRenderer(ensure_ascii=False),
]
RENDER_CONSOLE: list[Processor] = [
    structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback),
]


def configure_structlog() -> None:
    """Send the service's own structlog events through stdlib logging."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
