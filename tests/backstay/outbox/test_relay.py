"""How one worker treats jobs that work, fail, are unknown, or killed who ran them."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from backstay import traces
from backstay.errors import request_id
from backstay.outbox import CurrentJob, current_job, job
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Outcome
from tests.backstay.outbox.conftest import NOON
from tests.backstay.outbox.jobs import note_outside, shelve, shelve_and_fail
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.O3, pytest.mark.usefixtures("clock")]


@job("tests.observe")
def observe() -> None:
    seen.append((current_job(), request_id()))
    seen_traces.append(traces.current.get())


seen: list[tuple[CurrentJob | None, str]] = []
seen_traces: list[traces.Trace | None] = []


@job("tests.complete_elsewhere")
def complete_elsewhere() -> None:
    """Write one row, and lose the claim meanwhile."""
    Shelf.objects.create(name="unwanted")
    QueuedJob.objects.update(claim=None)


class TestSuccess:
    def test_runs_once_and_leaves_nothing(self, relay):
        shelve.enqueue(name="A")

        relay.drain()
        relay.drain()

        assert Shelf.objects.count() == 1
        assert not QueuedJob.objects.exists()
        assert relay.outcomes == {Outcome.DONE: 1}

    def test_drains_more_than_one_batch(self, relay):
        for number in range(25):
            shelve.enqueue(name=f"{number}")
        relay.drain()
        assert Shelf.objects.count() == 25

    def test_a_job_knows_its_id_its_try_and_its_request(self, relay):
        seen.clear()
        job_id = observe.enqueue()
        QueuedJob.objects.update(request_id="request-7")

        relay.drain()

        ((running, request),) = seen
        assert running == CurrentJob(job_id, "tests.observe", attempt=1)
        assert request == "request-7"
        assert current_job() is None
        assert request_id() == ""

    @pytest.mark.M1
    def test_a_job_is_part_of_its_requests_trace(self, relay):
        seen_traces.clear()
        token = traces.current.set(trace := traces.continued(""))
        observe.enqueue()
        traces.current.reset(token)

        relay.drain()

        (part,) = seen_traces
        assert part is not None
        assert part.trace_id == trace.trace_id
        assert part.span_id != trace.span_id
        assert traces.current.get() is None

    def test_one_that_is_not_atomic_is_run_and_completed(self, relay, tmp_path):
        note_outside.enqueue(name="A", path=str(tmp_path / "notes"))
        relay.drain()
        assert (tmp_path / "notes").read_text() == "A\n"
        assert not QueuedJob.objects.exists()

    def test_is_one_line_with_its_numbers(self, relay, caplog):
        caplog.set_level(logging.INFO, "backstay.outbox")
        job_id = shelve.enqueue(name="A")
        relay.drain()
        (record,) = caplog.records
        assert (record.event, record.outcome, record.job) == ("job", "done", "tests.shelve")
        assert (record.job_id, record.attempt) == (str(job_id), 1)
        assert record.duration_ms >= 0


class TestFailure:
    def test_undoes_what_the_job_wrote(self, relay):
        shelve_and_fail.enqueue(name="A")
        relay.drain()
        assert not Shelf.objects.exists()
        assert QueuedJob.objects.get().attempts == 1

    def test_is_tried_again_after_growing_pauses_and_parked_after_the_last(
        self, relay, clock, settings
    ):
        settings.BACKSTAY = {**settings.BACKSTAY, "OUTBOX_MAX_ATTEMPTS": 4}
        shelve_and_fail.enqueue(name="A")
        relay.drain()

        for longest in (5, 15, 45):
            row = QueuedJob.objects.get()
            pause = row.due_at - timezone.now()
            assert timedelta(seconds=longest / 2) <= pause <= timedelta(seconds=longest)
            clock.move_to(row.due_at - timedelta(microseconds=1))
            relay.drain()
            assert QueuedJob.objects.get().attempts == row.attempts
            clock.move_to(row.due_at)
            relay.drain()

        row = QueuedJob.objects.get()
        assert (row.attempts, row.parked_at) == (4, timezone.now())
        clock.shift(timedelta(days=365))
        relay.drain()
        assert relay.outcomes == {Outcome.RETRY: 3, Outcome.PARKED: 1}

    def test_poison_does_not_hold_up_the_others(self, relay):
        shelve_and_fail.enqueue(name="poison")
        shelve.enqueue(name="A")
        relay.drain()
        assert Shelf.objects.get().name == "A"

    def test_keeps_class_and_place_and_no_word_of_the_error(self, relay, caplog):
        shelve_and_fail.enqueue(name="A")
        relay.drain()

        row = QueuedJob.objects.get()
        assert row.error == "builtins.ValueError"
        assert "tests.backstay.outbox.jobs:" in row.raised_in
        (record,) = caplog.records
        assert (record.outcome, record.error) == ("retry", "builtins.ValueError")
        kept = f"{row.__dict__} {record.__dict__} {caplog.text}"
        assert "hunter2" not in kept
        assert "ada@" not in kept

    def test_a_job_of_another_release_is_retried_parked_and_named(
        self, relay, clock, caplog, settings
    ):
        name = "tests.removed"
        settings.BACKSTAY = {**settings.BACKSTAY, "OUTBOX_MAX_ATTEMPTS": 2}
        QueuedJob.objects.create(name=name, payload="{}")
        for _ in range(2):
            relay.drain()
            clock.shift(timedelta(hours=1))

        row = QueuedJob.objects.get()
        assert row.error == "backstay.outbox.registry.UnknownJob"
        assert row.parked_at is not None
        assert [(r.outcome, r.job) for r in caplog.records] == [("retry", name), ("parked", name)]
        assert name in caplog.text

    def test_a_payload_of_another_release_is_retried(self, relay):
        QueuedJob.objects.create(name="tests.shelve", payload='{"title": "A"}')
        relay.drain()
        assert QueuedJob.objects.get().error == "builtins.TypeError"


class TestClaimLost:
    def test_while_running_undoes_what_the_job_wrote(self, relay):
        complete_elsewhere.enqueue()
        relay.drain()
        assert not Shelf.objects.exists()
        assert relay.outcomes == {Outcome.LOST: 1}

    def test_a_job_that_killed_its_workers_is_parked_like_poison(self, relay, caplog):
        shelve.enqueue(name="A")
        QueuedJob.objects.update(attempts=10)

        relay.drain()

        row = QueuedJob.objects.get()
        assert (row.error, row.attempts) == ("WorkerDied", 10)
        assert row.parked_at is not None
        assert not Shelf.objects.exists()
        assert [record.outcome for record in caplog.records] == ["parked"]


class TestStop:
    def test_ends_after_the_job_at_hand_and_gives_the_others_back(self, relay):
        @job("tests.stop")
        def stop() -> None:
            relay.stop()

        stop.enqueue()
        for name in "AB":
            shelve.enqueue(name=name)
        earlier = NOON - timedelta(seconds=1)
        QueuedJob.objects.filter(name="tests.stop").update(due_at=earlier, enqueued_at=earlier)

        relay.run()

        assert not QueuedJob.objects.filter(name="tests.stop").exists()
        waiting = QueuedJob.objects.filter(name="tests.shelve")
        assert [(row.claim, row.due_at, row.attempts) for row in waiting] == [(None, NOON, 0)] * 2
        assert not Shelf.objects.exists()


@job("tests.leave")
def leave() -> None:
    raise SystemExit(3)


class TestExit:
    def test_of_a_job_is_its_failure_and_ends_no_worker(self, relay):
        leave.enqueue()
        shelve.enqueue(name="after")

        relay.drain()

        assert Shelf.objects.filter(name="after").exists()
        assert relay.outcomes == {Outcome.RETRY: 1, Outcome.DONE: 1}


class TestDrain:
    def test_leaves_what_comes_due_meanwhile(self, relay, clock):
        @job("tests.slow_failure")
        def slow_failure() -> None:
            clock.shift(timedelta(hours=1))
            raise LookupError

        slow_failure.enqueue()

        relay.drain()

        assert QueuedJob.objects.get().attempts == 1
