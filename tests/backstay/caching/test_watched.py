"""SQL of which nobody knows what it read is seen on whatever connection it is run."""

from threading import Thread

import pytest
from django.db import connection, connections

from backstay import tables

pytestmark = [pytest.mark.C2, pytest.mark.django_db]


def is_seen(one) -> bool:
    with tables.recording() as reads, one.cursor() as cursor:
        cursor.execute("SELECT 1")
    return reads.opaque


def test_on_this_one():
    assert is_seen(connection)


def test_on_one_that_is_opened_later():
    another = connection.copy()
    try:
        assert is_seen(another)
    finally:
        another.close()


def test_on_that_of_another_thread():
    seen = []

    def run() -> None:
        seen.append(is_seen(connections["default"]))
        connections["default"].close()

    thread = Thread(target=run)
    thread.start()
    thread.join()
    assert seen == [True]


def test_once_on_one_that_was_closed_meanwhile():
    another = connection.copy()
    try:
        for _ in range(2):
            another.connect()
            another.close()
        assert another.execute_wrappers.count(tables._watch) == 1
    finally:
        another.close()


def test_on_one_that_was_opened_beside_a_wrapper_that_is_gone():
    another = connection.copy()
    try:
        with another.execute_wrapper(lambda execute, *statement: execute(*statement)):
            another.connect()
        assert is_seen(another)
    finally:
        another.close()


def test_beside_a_wrapper_that_comes_and_goes():
    with connection.execute_wrapper(lambda execute, *statement: execute(*statement)):
        assert is_seen(connection)
    assert is_seen(connection)


def test_not_where_a_query_is_behind_it(django_user_model):
    with tables.recording() as reads:
        list(django_user_model.objects.all())
    assert not reads.opaque
