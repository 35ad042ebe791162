"""
How the service reaches its database, its cache and its mail server.

Everything that can hang has a time-out: connecting to PostgreSQL 3 s, one
statement 5 s, a Redis call 100 ms without a retry, mail 10 s. SQLite waits
20 s for its one writer. A query in ``DATABASE_URL`` overrides the PostgreSQL
options; ``?options=-c%20statement_timeout%3D0`` lets a long migration through.
"""

from pathlib import Path
from typing import Any

from redis.backoff import NoBackoff
from redis.retry import Retry

from shop.environment import BadVariable
from shop.variables import Database, Mail

#: Connections live with the thread that opened them and are checked before each
#: request: their number is bounded by the threads, a restarted database is noticed,
#: and one that is down is refused at once instead of waited for as in a pool.
PERSISTENT = {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}


def database_settings(database: Database) -> dict[str, Any]:
    """The value of ``DATABASES["default"]``."""
    return _sqlite(database) if database.engine == "sqlite" else _postgresql(database)


def _sqlite(database: Database) -> dict[str, Any]:
    directory = Path(database.name).parent
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = f"the directory {str(directory)!r} cannot be made ({error.strerror})."
        BadVariable("DATABASE_URL", reason).end_process()
    return {
        "ENGINE": "django.db.backends.sqlite3",
        "NAME": database.name,
        "OPTIONS": {
            # A transaction takes the write lock when it begins. Taken later, it
            # cannot wait: SQLite then answers "database is locked" at once.
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL",
        },
        **PERSISTENT,
    }


def _postgresql(database: Database) -> dict[str, Any]:
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": database.name,
        "USER": database.user,
        "PASSWORD": database.password,
        "HOST": database.host,
        "PORT": database.port or "",
        "OPTIONS": {
            "connect_timeout": 3,
            "options": "-c statement_timeout=5000",
            **dict(database.options),
        },
        # Exports stream through server-side cursors. A proxy that gives each
        # transaction another session (PgBouncer) must be in session mode.
        "DISABLE_SERVER_SIDE_CURSORS": False,
        **PERSISTENT,
    }


def cache_settings(redis_url: str | None) -> dict[str, Any]:
    """The value of ``CACHES["default"]``: Redis, or this process's memory."""
    if redis_url is None:
        return {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "OPTIONS": {"MAX_ENTRIES": 100_000},
        }
    return {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": redis_url,
        "OPTIONS": {
            "socket_connect_timeout": 0.1,
            "socket_timeout": 0.1,
            "retry": Retry(NoBackoff(), 0),
        },
    }


def mail_settings(mail: Mail) -> dict[str, Any]:
    """The ``EMAIL_…`` settings. A password is never sent without TLS."""
    backends = {
        "file": "shop.mail.FileBackend",
        "console": "django.core.mail.backends.console.EmailBackend",
    }
    return {
        "EMAIL_BACKEND": backends.get(
            mail.transport, "django.core.mail.backends.smtp.EmailBackend"
        ),
        "EMAIL_FILE_PATH": str(mail.directory) if mail.directory else None,
        "EMAIL_HOST": mail.host,
        "EMAIL_PORT": mail.port,
        "EMAIL_HOST_USER": mail.user,
        "EMAIL_HOST_PASSWORD": mail.password,
        "EMAIL_USE_SSL": mail.transport == "smtps",
        "EMAIL_USE_TLS": mail.transport == "smtp" and bool(mail.user),
        "EMAIL_TIMEOUT": 10,
    }
