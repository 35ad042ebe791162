"""
What workers may rely on, on each database: the suite runs on SQLite and PostgreSQL.

``sooner`` and ``later`` are two workers; what one holds, the other does not get.
"""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction

from backstay.outbox.failures import Failure
from backstay.outbox.models import QueuedJob
from backstay.outbox.queue import ClaimLost, Queue
from tests.backstay.outbox.conftest import NOON
from tests.backstay.outbox.jobs import shelve

pytestmark = [pytest.mark.django_db, pytest.mark.O3]

LEASE = timedelta(seconds=60)
FAILURE = Failure("builtins.ValueError", "tests:1")


@pytest.fixture
def queue() -> Queue:
    return Queue("default")


@pytest.fixture
def claim(queue):
    def take(*, after: float = 0, limit: int = 10) -> list[QueuedJob]:
        return queue.claim(now=NOON + timedelta(seconds=after), lease=LEASE, limit=limit)

    return take


@pytest.fixture
def enqueue(clock):
    """Enqueue a job *after* so many seconds, and return its id."""

    def put(name: str = "A", *, after: float = 0):
        clock.move_to(NOON + timedelta(seconds=after))
        return shelve.enqueue(name=name)

    return put


class TestClaim:
    def test_takes_due_jobs_oldest_first_up_to_the_limit(self, enqueue, claim):
        late, early, middle = enqueue(after=-1), enqueue(after=-3), enqueue(after=-2)

        first = claim(limit=2)

        assert {job.pk for job in first} == {early, middle}
        assert [job.pk for job in claim()] == [late]

    def test_is_one_statement(self, enqueue, claim, django_assert_num_queries):
        for number in range(20):
            enqueue(f"{number}")
        with django_assert_num_queries(1):
            assert len(claim(limit=10)) == 10

    def test_gives_whole_rows(self, enqueue, claim):
        enqueue("Zoë")
        (job,) = claim()
        job.refresh_from_db()
        row = QueuedJob.objects.get()
        assert {f.attname: getattr(job, f.attname) for f in QueuedJob._meta.concrete_fields} == {
            f.attname: getattr(row, f.attname) for f in QueuedJob._meta.concrete_fields
        }

    def test_leaves_what_is_not_due_yet(self, enqueue, claim):
        enqueue(after=1)
        assert claim() == []
        assert len(claim(after=1)) == 1

    def test_leaves_what_another_holds(self, enqueue, claim):
        enqueue()
        assert len(claim()) == 1
        assert claim() == []

    def test_leaves_what_is_parked(self, enqueue, claim, queue):
        enqueue()
        (job,) = claim()
        queue.park(job, at=NOON, failure=FAILURE)
        assert claim(after=10**6) == []

    def test_takes_over_when_a_lease_ends(self, enqueue, claim):
        enqueue()
        claim()
        assert claim(after=59.9) == []
        assert len(claim(after=60)) == 1


class TestSteps:
    def test_starting_counts_the_try_and_renews_the_lease(self, enqueue, claim, queue):
        enqueue()
        (job,) = claim()
        assert job.attempts == 0

        queue.start(job, now=NOON + timedelta(seconds=50), lease=LEASE)

        assert job.attempts == QueuedJob.objects.get().attempts == 1
        assert claim(after=109) == []
        assert len(claim(after=110)) == 1

    def test_completing_deletes(self, enqueue, claim, queue):
        enqueue()
        (job,) = claim()
        queue.complete(job)
        assert not QueuedJob.objects.exists()

    def test_a_retry_comes_up_at_its_time(self, enqueue, claim, queue):
        enqueue()
        (job,) = claim()
        queue.retry(job, at=NOON + timedelta(seconds=5), failure=FAILURE)
        assert claim(after=4) == []
        (again,) = claim(after=5)
        assert (again.error, again.raised_in) == (FAILURE.error, FAILURE.raised_in)

    def test_releasing_makes_due_at_once_and_counts_no_try(self, enqueue, claim, queue):
        enqueue()
        queue.release(claim(), now=NOON)
        (job,) = claim()
        assert job.attempts == 0

    @pytest.mark.parametrize(
        "step",
        [
            lambda queue, job: queue.start(job, now=NOON, lease=LEASE),
            lambda queue, job: queue.lock(job),
            lambda queue, job: queue.complete(job),
            lambda queue, job: queue.retry(job, at=NOON, failure=FAILURE),
            lambda queue, job: queue.park(job, at=NOON, failure=FAILURE),
        ],
        ids=["start", "lock", "complete", "retry", "park"],
    )
    def test_whose_lease_was_taken_over_can_do_nothing_more(self, enqueue, claim, queue, step):
        enqueue()
        (sooner,), (later,) = claim(), claim(after=60)

        with pytest.raises(ClaimLost), transaction.atomic():
            step(queue, sooner)
        queue.release([sooner], now=NOON)

        row = QueuedJob.objects.get()
        assert (row.claim, row.due_at, row.attempts) == (later.claim, NOON + LEASE * 2, 0)


@pytest.mark.django_db(transaction=True)
@pytest.mark.skipif(
    connection.vendor == "sqlite", reason="SQLite has one writer: the claim would wait for it."
)
class TestLock:
    def test_a_job_that_runs_is_not_taken_even_after_its_lease(self, enqueue, claim, queue):
        enqueue()

        def claim_elsewhere() -> list[QueuedJob]:
            try:
                return claim(after=10**6)
            finally:
                connection.close()

        with ThreadPoolExecutor(1) as other, transaction.atomic():
            (job,) = claim()
            queue.lock(job)
            assert other.submit(claim_elsewhere).result(10) == []
