"""What runs in the processes that the tests start, and kill."""

import os
import signal
import time
from collections.abc import Sequence
from multiprocessing.synchronize import Barrier
from typing import Any

from django.db import connection, transaction
from django.utils.module_loading import import_string

from tests.forks import use_database


def enter(database: str, target: str, arguments: Sequence[Any]) -> None:
    """Work on the test's database: import *target* by its path and call it."""
    use_database(database)
    try:
        import_string(target)(*arguments)
    finally:
        connection.close()


def kill_self() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    # The signal is on its way: nothing more may happen here.
    time.sleep(60)


def drain(start: Barrier | None = None) -> None:
    """Deliver what is due, beginning when all who share *start* are there."""
    from backstay.outbox.relay import Relay
    from tests.backstay.outbox import jobs  # noqa: F401  # Registers the jobs.

    if start is not None:
        start.wait(timeout=60)
    Relay().drain()


def work() -> None:
    """``manage.py worker``, as it stands."""
    from django.core.management import call_command

    from tests.backstay.outbox import jobs  # noqa: F401  # Registers the jobs.

    call_command("worker")


def commit_and_die(name: str) -> None:
    """Commit a row and its job, and be killed before anything else can happen."""
    from tests.backstay.outbox.jobs import shelve
    from tests.backstay.testapp.models import Shelf

    # Registered first, so it runs before anything that enqueueing does after commit.
    with transaction.atomic():
        transaction.on_commit(kill_self)
        Shelf.objects.create(name=f"{name}, ordered")
        shelve.enqueue(name=name)


def die_before_commit(name: str) -> None:
    from tests.backstay.outbox.jobs import shelve

    with transaction.atomic():
        shelve.enqueue(name=name)
        kill_self()


def enqueue_scheduled(start: Barrier) -> None:
    """Enqueue what the clock says, of all jobs there are, all at the same moment."""
    from django.utils import timezone

    from backstay.outbox.schedule import Timetable

    now = timezone.now()
    start.wait(timeout=60)
    Timetable().enqueue_due(now)
