"""Rows of the lab, and the names that its links are made of."""

from random import Random

import pytest
from django.db import connection
from django.test import override_settings

from tests.backstay.readplan.lab.rows import populate


@pytest.fixture(autouse=True)
def links():
    with override_settings(ROOT_URLCONF="tests.backstay.readplan.lab.urls"):
        yield


@pytest.fixture
def rows(db):
    """A dozen people and what belongs to them, always the same."""
    populate(Random(7))  # noqa: S311  # The same rows each time.


@pytest.fixture
def statements(db):
    """The SQL that was sent, without its parameters."""
    sent: list[str] = []

    def noted(execute, statement, *rest):
        sent.append(statement)
        return execute(statement, *rest)

    with connection.execute_wrapper(noted):
        yield sent
