"""Loans to page through, and a client of the lists of ``tests.backstay.lists_urls``."""

import pytest
from django.db import connection
from django.test import override_settings
from rest_framework.test import APIClient

from tests.backstay.testapp.models import Loan, Shelf


@pytest.fixture
def api():
    with override_settings(ROOT_URLCONF="tests.backstay.lists_urls"):
        yield APIClient(raise_request_exception=False)


@pytest.fixture
def shelf():
    return Shelf.objects.create(name="A")


@pytest.fixture
def lend(shelf):
    """Make loans of the given ranks."""

    def lend(*ranks):
        return Loan.objects.bulk_create(
            Loan(shelf=shelf, reader=f"reader {rank}", rank=rank) for rank in ranks
        )

    return lend


@pytest.fixture
def analyze():
    """Have PostgreSQL know how many loans there are, as it comes to by itself in time."""

    def run():
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute("ANALYZE testapp_loan")

    return run
