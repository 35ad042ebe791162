"""Rows of the lab, and the names that its links are made of."""

from random import Random

import pytest
from django.test import override_settings

from backstay.testing.plugin import query_count  # noqa: F401  # A fixture is used by its name.
from tests.backstay.readplan.lab.rows import populate


@pytest.fixture(autouse=True)
def links():
    with override_settings(ROOT_URLCONF="tests.backstay.readplan.lab.urls"):
        yield


@pytest.fixture
def rows(db):
    """A dozen people and what belongs to them, always the same."""
    populate(Random(7))  # noqa: S311  # The same rows each time.
