"""What every test may rely on: the markers, and parts that start out empty."""

import shutil

import pytest
from django.conf import settings
from django.core.cache import cache
from hypothesis import settings as hypothesis_settings

from tests.guarantees import GUARANTEES


def pytest_configure(config: pytest.Config) -> None:
    for marker, promise in GUARANTEES.items():
        config.addinivalue_line("markers", f"{marker}: {promise}")
    config.addinivalue_line("markers", "long: takes too long for every run; see `make test-long`.")
    # How fast an example runs says more about the machine than about the code.
    hypothesis_settings.register_profile("suite", deadline=None)
    hypothesis_settings.load_profile("suite")


def pytest_unconfigure() -> None:
    """Remove the databases: a process of pytest-xdist ends without its exit handlers."""
    shutil.rmtree(settings.SCRATCH, ignore_errors=True)


@pytest.fixture(autouse=True)
def empty_cache() -> None:
    """Give each test a cache that no other test has filled."""
    cache.clear()
