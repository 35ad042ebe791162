"""What every test may rely on: the markers, and parts that start out empty."""

import gc
import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.core.cache import cache
from django.core.management.commands import flush
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import settings as hypothesis_settings

# DRF's classes take their defaults from the settings when they are imported: from ours,
# and not from those of whichever test comes first.
from rest_framework import generics, routers  # noqa: F401

from backstay.auth.sessions.marks import untold
from backstay.caching import freshness
from backstay.caching.backends.local import local as answers
from backstay.monitoring.history import history
from backstay.pagination.counts import recent
from backstay.throttling import local, refusals
from backstay.versioning import usage
from tests.guarantees import GUARANTEES
from tests.quiet import trust_denylist


def pytest_configure(config: pytest.Config) -> None:
    for marker, promise in GUARANTEES.items():
        config.addinivalue_line("markers", f"{marker}: {promise}")
    config.addinivalue_line("markers", "long: takes too long for every run; see `make test-long`.")
    config.addinivalue_line(
        "markers", "once: no database or cache can answer it differently: one backend is enough."
    )
    # How fast an example runs says more about the machine than about the code.
    hypothesis_settings.register_profile("suite", deadline=None)
    hypothesis_settings.load_profile("suite")
    # Tests that look at Redis see what they did, and nothing that a thread of ours does.
    history.handing_over.enabled = False


def pytest_collection_finish() -> None:
    """Walk what the suite consists of no more: none of it is ever garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def pytest_unconfigure() -> None:
    """Remove the databases: a process of pytest-xdist ends without its exit handlers."""
    shutil.rmtree(settings.SCRATCH, ignore_errors=True)


@pytest.fixture
def kept_connection() -> Iterator[None]:
    """
    Keep the test's database connection over requests that a WSGI application answers.

    A server's signals close it where it is too old; Django's own test client sees to it too.
    """
    signals = (request_started, request_finished)
    for signal in signals:
        signal.disconnect(close_old_connections)
    yield
    for signal in signals:
        signal.connect(close_old_connections)


@pytest.fixture(autouse=True, scope="session")
def quick_flushes() -> Iterator[None]:
    """
    After a test whose rows others could see all tables are emptied, but for those that
    Django fills after each migration, and would fill anew each time.
    """
    made_by_django = {"django_content_type", "auth_permission"}

    def all_but_those(style: Any, connection: Any, **options: Any) -> list[str]:
        names = connection.introspection.django_table_names(only_existing=True, include_views=False)
        return connection.ops.sql_flush(style, [*{*names} - made_by_django], **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(flush, "sql_flush", all_but_those)
        patch.setattr(flush, "emit_post_migrate_signal", lambda *_: None)
        yield


@pytest.fixture(autouse=True)
def settings_left_as_found() -> Iterator[None]:
    """Overrides that end in another order than they began would stay for the tests to come."""
    before = vars(settings)["_wrapped"]
    yield
    assert vars(settings)["_wrapped"] is before, "a setting stays overridden"


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Give each test a cache and limits of its own, and no session that has ended."""
    cache.clear()
    recent.clear()
    local.here.clear()
    local.stand_in.clear()
    refusals.take()
    history.clear()
    answers.clear()
    # What another test's Redis was never told: threads would go on trying.
    freshness.trust._owed = False
    untold._marks.clear()
    freshness.trust = freshness.Trust()
    # A thread of its own would ask Redis at any moment.
    usage.here.handing_over.enabled = False
    usage.here.take()
    trust_denylist()
