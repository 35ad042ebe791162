"""
The outbox over real brokers: what is committed is delivered once, whatever they do.

Broken brokers stand behind a gate, so that whatever is done to them disturbs nobody.
"""

import os
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Thread
from uuid import uuid4

import pytest
from celery import Celery
from celery.worker import state
from django.db import connections

from backstay.contrib.celery import CeleryRelay
from backstay.counters import counted
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Outcome, Relay
from tests.backstay.outbox.jobs import note_outside, shelve, shelve_and_fail
from tests.backstay.testapp.models import Shelf
from tests.faulty_redis import redis_of_ones_own
from tests.gate import Gate
from tests.services import Unavailable, rabbitmq
from tests.shop.processes import eventually

pytestmark = [pytest.mark.O3, pytest.mark.django_db(transaction=True)]


@pytest.fixture(params=["RabbitMQ", "Redis"])
def gate(request) -> Iterator[Gate]:
    """The way to a broker, open."""
    with broker(request.param) as url:
        made = Gate(url)
        made.open()
        yield made
        made.shut()


@contextmanager
def broker(kind: str) -> Iterator[str]:
    if kind == "Redis":
        with redis_of_ones_own() as server:
            yield server.url
        return
    try:
        yield rabbitmq(os.environ).url
    except Unavailable as unavailable:
        pytest.skip(f"not run: {unavailable}")


@pytest.fixture(autouse=True)
def app(gate: Gate) -> Iterator[Celery]:
    """A Celery of a project, with a queue that no other test reads."""
    queue = f"backstay-tests-{uuid4().hex}"
    made = Celery("tests", broker=gate.url, include=["backstay.contrib.celery"])
    made.conf.update(
        task_default_queue=queue,
        # What is said to all workers is heard by this test's alone.
        control_exchange=queue,
        broker_connection_retry_on_startup=True,
        worker_cancel_long_running_tasks_on_connection_loss=True,
        worker_hijack_root_logger=False,
    )
    # For this thread and for all others.
    made.set_current()
    made.set_default()
    yield made
    gate.open()
    with made.connection_for_write() as connection:
        connection.default_channel.queue_delete(queue)
    made.close()


@contextmanager
def working() -> Iterator[CeleryRelay]:
    """A worker that publishes and consumes, in threads of this process."""
    relay = CeleryRelay()

    def run() -> None:
        try:
            relay.run()
        finally:
            connections.close_all()

    thread = Thread(target=run)
    thread.start()
    try:
        yield relay
    finally:
        relay.stop()
        thread.join(30)
        state.should_stop = None
        assert not thread.is_alive()


def have_answered(number: int, app: Celery, names: set[str]) -> bool:
    """Whether so many workers have by now; those who do so anew are added to *names*."""
    for answer in app.control.ping(timeout=1):
        names.update(answer)
    return len(names) == number


def is_empty() -> bool:
    return not QueuedJob.objects.filter(name__startswith="tests.").exists()


class TestDelivery:
    @pytest.mark.long
    @pytest.mark.once
    def test_each_worker_has_a_name_of_its_own(self, app):
        # RabbitMQ refuses the mailbox of a name that another connection has.
        names: set[str] = set()
        for number in (1, 2):
            with working():
                assert eventually(partial(have_answered, number, app, names), seconds=30)

    def test_each_job_is_run_once_and_counted(self, tmp_path):
        notes = tmp_path / "notes"
        for number in range(20):
            note_outside.enqueue(name=f"{number}", path=str(notes))
        shelve.enqueue(name="A")
        with working() as relay:
            assert eventually(is_empty, seconds=30)
        assert Counter(notes.read_text().split()) == Counter(f"{n}" for n in range(20))
        assert Shelf.objects.get().name == "A"
        assert relay.outcomes[Outcome.DONE] >= 21

    @pytest.mark.long
    def test_what_fails_is_tried_again_by_the_rows_own_clock(self):
        shelve_and_fail.enqueue(name="A")
        with working():
            assert eventually(
                lambda: bool(QueuedJob.objects.get(name="tests.shelve_and_fail").error), seconds=30
            )
        row = QueuedJob.objects.get(name="tests.shelve_and_fail")
        assert (row.attempts, row.error, row.claim) == (1, "builtins.ValueError", None)

    def test_the_broker_is_told_ids_and_nothing_else(self, app):
        shelve.enqueue(name="hunter2")
        CeleryRelay().drain()
        row = QueuedJob.objects.get()
        with app.connection_for_read() as connection:
            channel = connection.default_channel
            message = channel.basic_get(app.conf.task_default_queue, no_ack=True)
            told, named, _ = channel.message_to_python(message).decode()
        assert message.content_type == "application/json"
        assert (told, named) == ([str(row.pk), str(row.claim)], {})
        assert "hunter2" not in f"{message.properties}{message.headers}"


@pytest.mark.long
class TestBrokerOut:
    @pytest.mark.parametrize("silent", [False, True], ids=["refuses", "is silent"])
    def test_jobs_stay_and_the_backlog_drains_after(self, gate, silent):
        gate.shut()
        if silent:
            gate.open(silent=True)
        for number in range(3):
            shelve.enqueue(name=f"{number}")
        failed = counted("outbox_publish", outcome="failed")

        CeleryRelay().drain()

        assert counted("outbox_publish", outcome="failed") == failed + 1
        rows = QueuedJob.objects.all()
        assert [(row.claim, row.attempts) for row in rows] == [(None, 0)] * 3
        gate.open()
        with working():
            assert eventually(is_empty, seconds=30)
        assert Shelf.objects.count() == 3

    def test_a_worker_gets_over_it_by_itself(self, gate):
        with working():
            shelve.enqueue(name="before")
            assert eventually(is_empty, seconds=30)
            failed = counted("outbox_publish", outcome="failed")
            gate.shut()
            shelve.enqueue(name="meanwhile")
            assert eventually(
                lambda: counted("outbox_publish", outcome="failed") > failed, seconds=30
            )
            gate.open()
            assert eventually(is_empty, seconds=30)
        assert Shelf.objects.count() == 2


class TestClaims:
    """A broker may give a message twice, late, or never."""

    @pytest.fixture
    def published(self) -> QueuedJob:
        shelve.enqueue(name="A")
        CeleryRelay().drain()
        return QueuedJob.objects.get()

    def test_the_second_of_two_messages_does_nothing(self, published):
        first, second = Relay(), Relay()
        for relay in (first, second):
            relay.deliver_published(str(published.pk), str(published.claim))
        assert (first.outcomes, second.outcomes) == ({Outcome.DONE: 1}, {})

    def test_nor_does_one_whose_job_was_published_again(self, published):
        QueuedJob.objects.update(claim=uuid4())
        relay = Relay()
        relay.deliver_published(str(published.pk), str(published.claim))
        assert relay.outcomes == {}
        assert not Shelf.objects.exists()

    def test_what_is_published_is_not_published_again_before_it_counts_as_lost(self, published):
        before = counted("outbox_publish", outcome="published")
        CeleryRelay().drain()
        assert counted("outbox_publish", outcome="published") == before
