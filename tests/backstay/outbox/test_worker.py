"""``manage.py worker --once``, as cron calls it."""

import signal
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connections

from backstay.outbox.checks import check_outbox_database
from backstay.outbox.models import QueuedJob
from tests.backstay.outbox.jobs import shelve, shelve_and_fail
from tests.backstay.testapp.models import Shelf

pytestmark = pytest.mark.django_db


class TestOnce:
    def test_delivers_what_is_due_tells_the_counts_and_ends(self):
        shelve.enqueue(name="A")
        shelve_and_fail.enqueue(name="B")

        printed = StringIO()
        call_command("worker", "--once", stdout=printed)

        assert printed.getvalue() == "Jobs: 1 done, 1 retry, 0 parked, 0 lost.\n"
        assert Shelf.objects.get().name == "A"
        assert QueuedJob.objects.get().attempts == 1

    def test_leaves_signals_as_they_were(self):
        before = signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)
        call_command("worker", "--once", stdout=StringIO())
        assert (signal.getsignal(signal.SIGTERM), signal.getsignal(signal.SIGINT)) == before


class TestCheck:
    def test_a_database_that_workers_can_claim_from_is_fine(self):
        assert check_outbox_database() == []

    def test_another_is_an_error(self, settings, monkeypatch):
        dummy = {**connections.settings["default"], "ENGINE": "django.db.backends.dummy"}
        monkeypatch.setitem(connections.settings, "dummy", dummy)
        settings.DATABASE_ROUTERS = ["tests.backstay.outbox.test_worker.ToDummy"]
        (message,) = check_outbox_database()
        assert message.id == "backstay.E010"


class ToDummy:
    """Sends jobs to a database that Django knows no dialect of."""

    def db_for_write(self, model: object, **hints: object) -> str:
        return "dummy"
