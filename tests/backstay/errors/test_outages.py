"""Which database errors are outages; each is caused for real."""

import sqlite3

import pytest
from django.db import DatabaseError, connection
from django.db.utils import ConnectionHandler

from backstay.errors.drivers import is_outage
from tests.backstay.errors.conftest import assert_problem
from tests.backstay.errors.urls import NOWHERE

pytestmark = [pytest.mark.E2, pytest.mark.django_db]

on_postgresql = pytest.mark.skipif(connection.vendor != "postgresql", reason="needs PostgreSQL")


def sqlite(path, **options):
    """A Django connection to a SQLite file."""
    database = {"ENGINE": "django.db.backends.sqlite3", "NAME": str(path), "OPTIONS": options}
    return ConnectionHandler({"default": database})["default"]


def error_of(database, *statements):
    """What one of *statements* raises."""
    try:
        with database.cursor() as cursor:
            for statement in statements:
                cursor.execute(statement)
    except DatabaseError as error:
        return error
    finally:
        database.close()
    pytest.fail("Nothing was raised.")


class TestAnyDatabase:
    def test_that_is_down_is_503_with_retry_after(self, api, any_debug):
        response = api.get("/raise/database-down/")
        assert_problem(response, 503, "service_unavailable")
        assert response.headers["Retry-After"] == "5"
        assert "127.0.0.1" not in response.content.decode()

    def test_that_is_down_is_logged(self, api, caplog):
        api.get("/raise/database-down/")
        assert "connection" in caplog.text

    def test_refused_connection_is_an_outage(self):
        with pytest.raises(DatabaseError) as error:
            NOWHERE["default"].ensure_connection()
        assert is_outage(error.value)


class TestSqlite:
    def test_locked_database_is_an_outage(self, tmp_path):
        path = tmp_path / "locked.sqlite3"
        writer = sqlite3.connect(path, isolation_level=None)
        writer.execute("BEGIN EXCLUSIVE")
        try:
            assert is_outage(error_of(sqlite(path, timeout=0), "CREATE TABLE t (a)"))
        finally:
            writer.close()

    def test_file_that_cannot_be_opened_is_an_outage(self, tmp_path):
        assert is_outage(error_of(sqlite(tmp_path / "missing" / "db"), "SELECT 1"))

    @pytest.mark.parametrize("statement", ["SELECT * FROM missing", "SELEKT 1"])
    def test_wrong_statement_is_a_mistake(self, tmp_path, statement):
        assert not is_outage(error_of(sqlite(tmp_path / "db"), statement))


@on_postgresql
@pytest.mark.django_db(transaction=True)
class TestPostgresql:
    @pytest.mark.parametrize(
        "statements",
        [
            ("SET statement_timeout = 10", "SELECT pg_sleep(1)"),
            ("SELECT pg_terminate_backend(pg_backend_pid())",),
            ("SELECT pg_cancel_backend(pg_backend_pid())", "SELECT pg_sleep(1)"),
        ],
        ids=["statement time-out", "lost connection", "cancelled statement"],
    )
    def test_interrupted_work_is_an_outage(self, statements):
        assert is_outage(error_of(connection.copy(), *statements))

    def test_wrong_statement_is_a_mistake(self):
        assert not is_outage(error_of(connection.copy(), "SELECT * FROM missing"))

    def test_value_that_does_not_fit_is_the_client_s(self, api):
        assert_problem(api.get("/raise/overflow/"), 400, "validation_error")
