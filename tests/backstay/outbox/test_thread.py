"""A relay inside a server process: it delivers at once, outlives outages, and ends when told."""

import logging
import time

import pytest
from django.db import connection

from backstay.outbox.models import QueuedJob
from backstay.outbox.thread import RelayThread
from backstay.outbox.wake import wake
from tests.backstay.outbox.jobs import shelve
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.O3]


class TestThread:
    @pytest.fixture
    def thread(self):
        thread = RelayThread()
        thread.start()
        yield thread
        thread.stop(timeout_seconds=10)
        assert not thread.is_alive()

    def test_delivers_what_is_committed(self, thread):
        shelve.enqueue(name="A")
        assert eventually(lambda: Shelf.objects.exists() and not QueuedJob.objects.exists())

    def test_does_not_keep_the_process(self, thread):
        assert thread.daemon

    def test_a_database_that_fails_is_said_once_and_waited_for(self, thread, caplog):
        caplog.set_level(logging.WARNING, "backstay.outbox")
        table = QueuedJob._meta.db_table

        def events() -> list[str]:
            return [record.event for record in caplog.records]

        with connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} RENAME TO elsewhere")
            try:
                for _ in range(3):
                    wake()
                    assert eventually(lambda: "outbox_outage" in events())
            finally:
                cursor.execute(f"ALTER TABLE elsewhere RENAME TO {table}")
        shelve.enqueue(name="A")

        assert eventually(Shelf.objects.exists)
        assert eventually(lambda: events() == ["outbox_outage", "outbox_recovered"])


def eventually(holds) -> bool:
    deadline = time.monotonic() + 10
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True
