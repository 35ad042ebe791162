"""
pytest fixtures: ``addopts = ["-p", "backstay.testing.plugin"]``, or ``pytest_plugins``.

    def test_a_list_costs_the_same_however_long(query_count, api, make_order):
        query_count.assert_constant(lambda: api.get("/orders/"), after=make_order)

With ``MonitoringMiddleware`` every request of every test is watched: the test fails whose
request runs a query for each row, or more than its endpoint's ``query_budget``.
``@pytest.mark.allow_queries`` lets one be; the ini option ``backstay_query_watch = false``
lets all be. Sinks are told of a request before its answer is there.
"""

from collections.abc import Callable, Iterator

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


def pytest_addoption(parser: pytest.Parser) -> None:
    told = "Fail tests whose requests run a query for each row, or more than their budget."
    parser.addini("backstay_query_watch", told, type="bool", default=True)


def pytest_configure(config: pytest.Config) -> None:
    told = "its requests may run queries for each row, and more than their budget."
    config.addinivalue_line("markers", f"allow_queries: {told}")


@pytest.fixture(autouse=True, scope="session")
def _records_at_once() -> Iterator[None]:
    """A test that has an answer may look at once at what sinks have made of its record."""
    from backstay.monitoring import sinks

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sinks, "MOST_WAITING", 1)
        yield


@pytest.fixture(autouse=True)
def query_watch(request: pytest.FixtureRequest) -> Iterator[list[str]]:
    """What was found so far; at the end of the test there must be nothing."""
    found: list[str] = []
    # Late: plugins are loaded before Django has its settings.
    from backstay.monitoring import queries

    let_be = request.node.get_closest_marker("allow_queries")
    if let_be or not request.config.getini("backstay_query_watch"):
        yield found
        return
    before, queries.strict = queries.strict, found.append
    yield found
    queries.strict = before
    if found:
        pytest.fail("\n".join(dict.fromkeys(found)), pytrace=False)


class QueryCount:
    """Counts the SQL queries of a call on the default database."""

    def __call__(self, call: Callable[[], object]) -> int:
        return len(self._queries(call))

    def assert_constant(
        self, call: Callable[[], object], *, after: Callable[[], object], times: int = 5
    ) -> None:
        """
        *call* makes as many queries as before when *after*, which adds a row, ran *times*.

        Raises:
            AssertionError: it makes more or fewer; the queries are told.
        """
        before = self._queries(call)
        for _ in range(times):
            after()
        grown = self._queries(call)
        if len(grown) != len(before):
            told = "\n".join(grown)
            raise AssertionError(
                f"{len(before)} queries became {len(grown)} with {times} rows more:\n{told}"
            )

    def _queries(self, call: Callable[[], object]) -> list[str]:
        with CaptureQueriesContext(connection) as captured:
            call()
        return [query["sql"] for query in captured.captured_queries]


@pytest.fixture
def query_count() -> QueryCount:
    return QueryCount()
