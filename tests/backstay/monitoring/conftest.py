"""A project that is watched, and what was recorded of it."""

from collections.abc import Iterator

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from backstay.monitoring import Record, add_sink, remove_sink
from tests.backstay.testapp.models import Book, Shelf


@pytest.fixture(autouse=True)
def project(settings) -> None:
    settings.ROOT_URLCONF = "tests.backstay.monitoring.urls"


@pytest.fixture
def records() -> Iterator[list[Record]]:
    made: list[Record] = []
    add_sink(made.append)
    yield made
    remove_sink(made.append)


@pytest.fixture
def client() -> Client:
    return Client(raise_request_exception=False)


@pytest.fixture
def shelves(db) -> list[Shelf]:
    """Two, with a book each."""
    made = [Shelf.objects.create(name=name) for name in ("poems", "maps")]
    for shelf in made:
        Book.objects.create(shelf=shelf, title=f"One of {shelf.name}")
    return made


@pytest.fixture
def staff_session(db) -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_user("s@shop.example", is_staff=True))
    return client
