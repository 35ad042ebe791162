"""
A plugin for DRF's own tests: lists of a queryset are read through plans where they can be.

It stands alone, since DRF's tests are a package ``tests`` too: ``-p drf_plugin``, with
this folder on the path; and imports late, since they configure Django themselves. A plan
may ask less of the database than a test counts, never more. The summary tells how many
lists were read by a plan and how many were left to DRF.
"""

from collections import Counter
from functools import wraps

lists: Counter[str] = Counter()


def pytest_sessionstart() -> None:
    from django.test import TransactionTestCase
    from rest_framework.serializers import ListSerializer

    represented = through_plans(ListSerializer.to_representation)
    setattr(ListSerializer, "to_representation", represented)  # noqa: B010  # Known to no stub.
    setattr(TransactionTestCase, "assertNumQueries", assert_no_more_queries)  # noqa: B010  # As above.


def pytest_terminal_summary(terminalreporter) -> None:
    terminalreporter.write_line(f"lists: {lists['by a plan']} by a plan, {lists['by DRF']} by DRF")


def through_plans(to_representation):
    from django.db.models import Manager, QuerySet

    from backstay.readplan import reading

    @wraps(to_representation)  # It is still DRF's own, and the compiler asks for that.
    def represented(self, data):
        queryset = data.all() if isinstance(data, Manager) else data
        if self.parent is not None or not isinstance(queryset, QuerySet):
            return to_representation(self, data)
        meta = getattr(self.child, "Meta", None)
        if getattr(meta, "model", None) is not queryset.model or queryset._result_cache is not None:
            return to_representation(self, data)
        rows = list(reading.attach(queryset, lambda: self.child))
        bodies, _ = reading.shown(rows, self.child)
        lists["by DRF" if reading.page_of(rows) is None else "by a plan"] += 1
        return bodies

    return represented


def assert_no_more_queries(self, num, func=None, *args, using="default", **kwargs):
    from django.db import connections
    from django.test.utils import CaptureQueriesContext

    class NoMoreQueries(CaptureQueriesContext):
        def __exit__(self, kind, *rest):
            super().__exit__(kind, *rest)
            assert kind is not None or len(self) <= num

    context = NoMoreQueries(connections[using])
    if func is None:
        return context
    with context:
        func(*args, **kwargs)
    return None
