"""
pytest fixtures; ``pytest_plugins = ["backstay.testing.plugin"]`` in a conftest.

    def test_a_list_costs_the_same_however_long(query_count, api, make_order):
        query_count.assert_constant(lambda: api.get("/orders/"), after=make_order)
"""

from collections.abc import Callable

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext


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
