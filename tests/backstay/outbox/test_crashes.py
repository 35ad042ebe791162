"""
Workers that race, and processes killed at the worst moment.

``TestRace`` fails when a claim reads and then writes; ``TestKilled`` when a job is
written after commit, is deleted before it is run, or is never due again once taken.
"""

import os
import signal
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.utils import timezone

from backstay.outbox import Job
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Outcome, Relay
from tests.backstay.outbox import processes
from tests.backstay.outbox.jobs import note_outside, shelve_and_hang, shelve_and_note
from tests.backstay.testapp.models import Shelf
from tests.forks import FORKS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.O3]

WORKERS = 4
NAMES = [f"{number}" for number in range(200)]


def relay_in(seconds: float) -> Relay:
    """A worker that comes *seconds* from now."""
    return Relay(clock=lambda: timezone.now() + timedelta(seconds=seconds))


def wait_for(path: Path) -> None:
    """Until something is written there: a file is made before it is written."""
    deadline = time.monotonic() + 30
    while not path.exists() or not path.stat().st_size:
        assert time.monotonic() < deadline
        time.sleep(0.01)


@pytest.fixture
def race(start_process, tmp_path):
    """Let several workers deliver many jobs at once, and count how often each was begun."""

    def run(job: Job[...]) -> Counter[str]:
        notes = tmp_path / "notes"
        for name in NAMES:
            job.enqueue(name=name, path=str(notes))
        start = FORKS.Barrier(WORKERS)
        workers = [start_process(processes.drain, start) for _ in range(WORKERS)]
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0] * WORKERS
        assert not QueuedJob.objects.exists()
        return Counter(notes.read_text().split())

    return run


class TestRace:
    """Lines stay after a rollback: one of each means that no job was even begun twice."""

    def test_each_atomic_job_is_run_once_however_many_workers_there_are(self, race):
        assert race(shelve_and_note) == Counter(NAMES)
        assert set(Shelf.objects.values_list("name", flat=True)) == set(NAMES)

    def test_so_is_each_job_that_nothing_but_the_claim_protects(self, race):
        assert race(note_outside) == Counter(NAMES)


class TestKilled:
    def test_after_commit_the_next_worker_delivers_once(self, start_process):
        process = start_process(processes.commit_and_die, "A")
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert Shelf.objects.get().name == "A, ordered"

        Relay().drain()
        Relay().drain()

        assert Shelf.objects.filter(name="A").count() == 1
        assert not QueuedJob.objects.exists()

    def test_before_commit_there_is_nothing_to_deliver(self, start_process):
        process = start_process(processes.die_before_commit, "A")
        process.join(60)
        assert process.exitcode == -signal.SIGKILL
        assert not QueuedJob.objects.exists()

    def test_inside_a_job_it_is_run_again_after_the_lease_and_written_once(
        self, start_process, tmp_path
    ):
        (tmp_path / "hang").touch()
        job_id = shelve_and_hang.enqueue(name="A", signs=str(tmp_path))
        worker = start_process(processes.drain)
        wait_for(tmp_path / "began")
        worker.kill()
        worker.join(10)
        (tmp_path / "hang").unlink()

        at_once, after_the_lease = Relay(), relay_in(61)
        at_once.drain()
        assert at_once.outcomes == {}
        assert not Shelf.objects.exists()
        after_the_lease.drain()

        assert after_the_lease.outcomes == {Outcome.DONE: 1}
        assert Shelf.objects.count() == 1
        # To the outside both tries are the same job.
        assert (tmp_path / "began").read_text().split() == [str(job_id)] * 2


class TestSignals:
    @pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT], ids=["TERM", "INT"])
    def test_a_worker_finishes_the_job_at_hand(self, start_process, tmp_path, number):
        (tmp_path / "hang").touch()
        shelve_and_hang.enqueue(name="A", signs=str(tmp_path))
        worker = start_process(processes.work)
        wait_for(tmp_path / "began")

        os.kill(worker.pid, number)
        worker.join(0.2)
        assert worker.is_alive()
        (tmp_path / "hang").unlink()
        worker.join(10)

        assert worker.exitcode == 0
        assert Shelf.objects.count() == 1
        assert not QueuedJob.objects.filter(name=shelve_and_hang.name).exists()


@pytest.mark.skipif(
    connection.vendor != "postgresql", reason="SQLite has no connection that could be cut."
)
class TestConnectionCut:
    def test_a_worker_connects_again_by_itself(self, start_process, tmp_path):
        start_process(processes.work)
        for name in ("before", "after"):
            path = tmp_path / name
            shelve_and_note.enqueue(name=name, path=str(path))
            wait_for(path)
            with connection.cursor() as cursor:
                cursor.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE datname = current_database() AND pid <> pg_backend_pid()"
                )
