"""The service's log lines: backstay's, and what the server has to say."""

from typing import Any

from backstay.contrib.structlog import Format, logging_configuration


def configuration(log_format: Format) -> dict[str, Any]:
    """The value of ``LOGGING``."""
    quiet = {"handlers": [], "level": "WARNING", "propagate": True}
    return logging_configuration(log_format, {"gunicorn.error": quiet, "gunicorn.access": quiet})
