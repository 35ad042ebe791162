"""What every test may rely on: the markers, and parts that start out empty."""

from collections.abc import Iterator

import pytest
from django.core.cache import cache

from tests.guarantees import GUARANTEES


def pytest_configure(config: pytest.Config) -> None:
    for marker, promise in GUARANTEES.items():
        config.addinivalue_line("markers", f"{marker}: {promise}")
    config.addinivalue_line("markers", "long: takes too long for every run; see `make test-long`.")


@pytest.fixture(autouse=True)
def empty_cache() -> Iterator[None]:
    """Give each test a cache that no other test has filled."""
    cache.clear()
    yield
