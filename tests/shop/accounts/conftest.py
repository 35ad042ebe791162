"""What tests of accounts share."""

from collections.abc import Callable

import pytest

from tests.shop.accounts.hashing import CountingHasher


@pytest.fixture
def hashes(settings) -> Callable[[Callable[[], object]], int]:
    """How many password hashes a call makes. Ask for it before the users it is about."""
    settings.PASSWORD_HASHERS = ["tests.shop.accounts.hashing.CountingHasher"]

    def count(call: Callable[[], object]) -> int:
        before = CountingHasher.calls
        call()
        return CountingHasher.calls - before

    return count
