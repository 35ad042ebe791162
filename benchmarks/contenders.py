"""Who reads orders, with the counter of their statements."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from psycopg_pool import ConnectionPool
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from benchmarks.clients import Client, asgi, wsgi
from benchmarks.peers import alchemy, rows

PLAN = "backstay, a plan"
READ = "backstay, read() in a view"
TUNED = "DRF, tuned by hand"
UNTUNED = "DRF, untuned"
VALUES = "values_list by hand"
ROWS = "psycopg rows by hand"
JSON = "JSON by PostgreSQL"
NINJA = "django-ninja"
ALCHEMY = "FastAPI + SQLAlchemy"

#: Counts the statements that are run in its block, with ``len()``.
Counting = Callable[[], AbstractContextManager[Any]]


@dataclass(frozen=True)
class Contender:
    get: Client
    counting: Counting
    workloads: tuple[str, ...] = ("list", "full", "one")


@contextmanager
def contenders() -> Iterator[dict[str, Contender]]:
    """Everybody who can read Django's database, by name; the plan comes first."""
    with ExitStack() as stack:
        stack.enter_context(override_settings(ROOT_URLCONF="benchmarks.peers.urls", MIDDLEWARE=[]))
        found = dict(_on_django())
        if connection.vendor == "postgresql":
            found |= stack.enter_context(_on_psycopg())
            found |= stack.enter_context(_on_asyncpg())
        yield found


def _on_django() -> Iterator[tuple[str, Contender]]:
    site = WSGIHandler()

    def counting() -> CaptureQueriesContext:
        return CaptureQueriesContext(connection)

    every = ("list", "full", "labelled", "one")
    yield PLAN, Contender(wsgi(site, "/plan"), counting, every)
    yield READ, Contender(wsgi(site, "/read"), counting, ("full",))
    yield TUNED, Contender(wsgi(site, "/tuned"), counting, every)
    yield UNTUNED, Contender(wsgi(site, "/untuned"), counting, ("full",))
    yield NINJA, Contender(wsgi(site, "/ninja"), counting)
    yield VALUES, Contender(wsgi(site, "/values"), counting)


@contextmanager
def _on_psycopg() -> Iterator[dict[str, Contender]]:
    address = psycopg.conninfo.make_conninfo(**_address(), options="-c TimeZone=UTC")
    options = {"autocommit": True}
    with ConnectionPool(address, min_size=1, max_size=1, kwargs=options, open=True) as pool:

        @contextmanager
        def counting() -> Iterator[list[object]]:
            seen: list[object] = []

            class Counted(psycopg.Cursor[Any]):
                def execute(self, query: Any, *args: Any, **options: Any) -> Any:
                    seen.append(query)
                    return super().execute(query, *args, **options)

            with pool.connection() as one:
                one.cursor_factory = Counted
            try:
                yield seen
            finally:
                with pool.connection() as one:
                    one.cursor_factory = psycopg.Cursor

        yield {
            ROWS: Contender(wsgi(rows.Rows(pool)), counting),
            JSON: Contender(wsgi(rows.Json(pool)), counting),
        }


@contextmanager
def _on_asyncpg() -> Iterator[dict[str, Contender]]:
    address = _address()
    url = "postgresql+asyncpg://"
    loop = asyncio.new_event_loop()
    engine = create_async_engine(
        url,
        pool_size=1,
        max_overflow=0,
        connect_args={
            "host": address["host"] or None,
            "port": address["port"] or None,
            "user": address["user"] or None,
            "password": address["password"] or None,
            "database": address["dbname"],
            "server_settings": {"TimeZone": "UTC"},
        },
    )
    try:
        client = asgi(alchemy.application(engine), loop)
        yield {ALCHEMY: Contender(client, lambda: _counting(engine))}
    finally:
        loop.run_until_complete(engine.dispose())
        loop.close()


@contextmanager
def _counting(engine: AsyncEngine) -> Iterator[list[object]]:
    seen: list[object] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    event.listen(engine.sync_engine, "before_cursor_execute", note)
    try:
        yield seen
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", note)


def _address() -> dict[str, Any]:
    """Of the database that Django has."""
    known = connection.settings_dict
    return {
        "host": known["HOST"],
        "port": known["PORT"],
        "user": known["USER"],
        "password": known["PASSWORD"],
        "dbname": known["NAME"],
    }
