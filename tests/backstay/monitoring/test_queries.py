"""A query for each row is named by route, field and line, in tests and in production."""

import json
import re
from datetime import timedelta

import pytest

from backstay.contrib.structlog import logging_configuration
from backstay.counters import counted
from backstay.monitoring import queries
from shop.environment import ROOT
from tests.backstay.testapp.models import Book

pytestmark = [pytest.mark.L1, pytest.mark.django_db]

pytest_plugins = ["pytester"]


@pytest.fixture
def told(query_watch):
    """What a test would fail with; it is taken from this one."""
    yield query_watch
    query_watch.clear()


@pytest.mark.parametrize(
    ("path", "field", "line", "fix"),
    [
        ("/books/", "shelf", "shelf = ShelfBody()", "select_related('shelf')"),
        ("/totals/", "books", "return shelf.books.count()", "Annotate"),
        ("/shelves/", "books", "books: Any = serializers.PrimaryKey", "prefetch_related('books')"),
    ],
)
class TestAQueryForEachRow:
    def test_is_named(self, client, told, records, shelves, path, field, line, fix):
        client.get(path)

        (found,) = records[0].findings
        assert (found.kind, found.field, found.count) == ("repeated", field, 2)
        file, number = found.where.split(":")
        assert file == "tests/backstay/monitoring/urls.py"
        assert line in (ROOT / file).read_text().splitlines()[int(number) - 1]
        assert fix in found.fix
        assert path in told[0]
        assert found.where in told[0]

    def test_is_one_with_a_single_row_too(
        self, client, told, records, shelves, path, field, line, fix
    ):
        Book.objects.exclude(shelf=shelves[0]).delete()
        shelves[1].delete()

        client.get(path)

        assert [found.count for found in records[0].findings] == [1]

    def test_holds_no_parameter(self, client, told, records, shelves, path, field, line, fix):
        client.get(path)

        assert re.search(r"= (%s|\?)", records[0].findings[0].sql)


class TestNoQueryForEachRow:
    @pytest.mark.parametrize("path", ["/joined/", "/planned/", "/kept/"])
    def test_of_a_list_that_joins_or_is_compiled(self, client, records, shelves, path):
        client.get(path)

        assert records[0].findings == ()

    def test_of_one_object(self, client, records, shelves):
        client.get(f"/books/{Book.objects.get(shelf=shelves[0]).pk}/")

        assert (records[0].sql_count, records[0].findings) == (2, ())


class TestOutsideSerializers:
    def test_the_same_query_in_a_loop_is_told_with_its_line(self, client, told, records):
        client.get("/loop/")

        (found,) = records[0].findings
        assert (found.field, found.count) == ("", 12)
        assert found.where.startswith("tests/backstay/monitoring/urls.py:")


class TestSlowQueries:
    def test_one_is_told_with_its_line_and_fails_no_test(self, client, records, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "SLOW_QUERY": timedelta(microseconds=1)}

        client.get("/slow/")

        (found,) = records[0].findings
        assert (found.kind, found.count, found.sql) == ("slow", 1, "SELECT 1")


class TestBudgets:
    def test_one_that_is_kept_is_not_told(self, client, query_watch, shelves):
        client.get("/joined/")

        assert query_watch == []

    def test_one_that_is_exceeded_is_told(self, client, told):
        client.get("/loop/")

        assert "GET /loop/: 12 queries, 1 are allowed." in told


class TestInProduction:
    """Nobody fails: it is counted, and logged once for each place."""

    @pytest.fixture(autouse=True)
    def production(self, monkeypatch, settings):
        monkeypatch.setattr(queries, "strict", None)
        monkeypatch.setattr(queries, "_told", set())
        self.settings = settings
        self.watch(1)

    def watch(self, share: float) -> None:
        self.settings.BACKSTAY = {**self.settings.BACKSTAY, "QUERY_WATCH_SHARE": share}

    def test_what_is_found_is_counted_and_logged_once(self, client, shelves, caplog):
        before = counted("query_found", kind="repeated")

        client.get("/books/")
        client.get("/books/")

        (line,) = [one for one in caplog.records if one.name == "backstay.monitoring"]
        assert vars(line)["event"] == "query_found"
        assert counted("query_found", kind="repeated") == before + 2

    def test_the_line_names_route_field_line_and_fix_in_json_too(self, client, shelves, caplog):
        formatter = dict(logging_configuration("json")["formatters"]["lines"])
        caplog.handler.setFormatter(formatter.pop("()")(**formatter))

        client.get("/books/", headers={"x-request-id": "an-id"})

        (line,) = [json.loads(one) for one in caplog.text.splitlines() if "query_found" in one]
        assert (line["method"], line["route"], line["field"]) == ("GET", "/books/", "shelf")
        assert line["where"].startswith("tests/backstay/monitoring/urls.py:")
        assert "select_related('shelf')" in line["fix"]
        assert (line["kind"], line["count"]) == ("repeated", 2)
        assert line["sql"].startswith("SELECT")
        assert line["request_id"] == "an-id"

    def test_the_line_of_a_budget_has_both_numbers_in_json_too(self, client, caplog):
        self.watch(0)
        formatter = dict(logging_configuration("json")["formatters"]["lines"])
        caplog.handler.setFormatter(formatter.pop("()")(**formatter))

        client.get("/loop/")

        (line,) = [json.loads(one) for one in caplog.text.splitlines() if "query_budget" in one]
        assert (line["route"], line["sql_count"], line["budget"]) == ("/loop/", 12, 1)

    def test_of_a_share_that_is_none_nothing_is_looked_at(self, client, records, shelves):
        self.watch(0)

        client.get("/books/")

        assert (records[0].sql_count, records[0].findings) == (3, ())

    def test_a_budget_holds_for_every_request(self, client, caplog):
        self.watch(0)
        before = counted("query_budget", outcome="exceeded", route="/loop/")

        statuses = {client.get("/loop/").status_code for _ in range(2)}

        assert statuses == {200}
        assert counted("query_budget", route="/loop/") == before + 2
        assert len([one for one in caplog.records if "12 queries" in one.message]) == 1


@pytest.mark.once
@pytest.mark.long
class TestPlugin:
    """As a project's own run meets it."""

    TEST = """
        import pytest
        from django.test import Client

        @pytest.mark.django_db
        def test_list(settings):
            settings.ROOT_URLCONF = "tests.backstay.monitoring.urls"
            from tests.backstay.testapp.models import Book, Shelf
            Book.objects.create(shelf=Shelf.objects.create(name="poems"))
            Client().get("/books/")
    """

    @pytest.mark.parametrize(
        ("more", "outcomes"),
        [
            ("", {"passed": 1, "errors": 1}),
            ("pytestmark = pytest.mark.allow_queries", {"passed": 1}),
        ],
    )
    def test_such_a_list_fails_its_test(self, pytester, monkeypatch, more, outcomes):
        # A database of its own: this test's would be dropped under it.
        for name in ("TESTS_SCRATCH", "DATABASE_URL"):
            monkeypatch.delenv(name, raising=False)
        pytester.makepyfile(
            self.TEST.replace("@pytest.mark.django_db", f"{more}\n\n        @pytest.mark.django_db")
        )
        pytester.makeini(
            "[pytest]\nDJANGO_SETTINGS_MODULE = tests.settings\n"
            f"pythonpath = {ROOT}\naddopts = -p backstay.testing.plugin"
        )

        result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")

        result.assert_outcomes(**outcomes)
        assert ("select_related('shelf')" in result.stdout.str()) is (not more)
