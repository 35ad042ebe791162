"""
Takes jobs that are due and runs them, one after the other.

Any number of relays, in any number of processes, share the work. One that is
killed loses nothing: what it had written for the job at hand is rolled back, and
its jobs come up again when their lease ends. A job that kills its workers is
parked like one that fails.

A database that goes away is waited for, with one log line when it goes and one
when it is back. Every outcome is one log line with its numbers in ``extra``.
"""

import json
import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import asdict
from datetime import datetime
from enum import StrEnum
from random import SystemRandom
from time import monotonic

from django.db import Error, connections, router, transaction
from django.utils import timezone

from backstay.conf import settings
from backstay.counters import count
from backstay.outbox.failures import WORKER_DIED, Failure, next_try
from backstay.outbox.models import QueuedJob
from backstay.outbox.queue import ClaimLost, Queue
from backstay.outbox.registry import CurrentJob, find, running
from backstay.outbox.schedule import Timetable
from backstay.outbox.wake import wait_for_work

#: Few, because those that wait behind a slow job wait in vain.
BATCH = 10

POLL_SECONDS = 1.0

logger = logging.getLogger("backstay.outbox")


class Outcome(StrEnum):
    """How one try of a job ended."""

    DONE = "done"
    RETRY = "retry"
    PARKED = "parked"
    #: Another worker has the job.
    LOST = "lost"


LEVELS = {
    Outcome.DONE: logging.INFO,
    Outcome.RETRY: logging.WARNING,
    Outcome.PARKED: logging.ERROR,
    Outcome.LOST: logging.WARNING,
}


class Relay:
    """One worker. ``outcomes`` counts how the tries ended."""

    def __init__(self, *, clock: Callable[[], datetime] = timezone.now) -> None:
        self.clock = clock
        self.queue = Queue(router.db_for_write(QueuedJob))
        self.timetable = Timetable()
        self.outcomes: Counter[Outcome] = Counter()
        self._stopping = False
        self._outage_began: float | None = None

    def stop(self) -> None:
        """End after the job at hand. Takes no lock, so a signal handler may call it."""
        self._stopping = True

    def run(self) -> None:
        """Deliver until stopped."""
        while not self._stopping:
            try:
                self.timetable.enqueue_due(self.clock())
                found = self.deliver_due()
            except Error as error:
                self._note_outage(error)
                found = 0
            else:
                self._note_recovery()
            if not found and not self._stopping:
                wait_for_work(POLL_SECONDS)

    def drain(self) -> None:
        """Deliver what is due now, and return: not what comes due meanwhile."""
        now = self.clock()
        while not self._stopping and self.deliver_due(now):
            pass

    def deliver_due(self, due: datetime | None = None) -> int:
        """Run one batch of what is due, by now or by the moment *due*; its number of jobs."""
        refresh_connections()
        lease = settings.OUTBOX_LEASE
        jobs = self.queue.claim(now=self.clock(), lease=lease, limit=BATCH, due=due)
        for number, job in enumerate(jobs):
            if self._stopping:
                self.queue.release(jobs[number:], now=self.clock())
                break
            self._deliver(job)
        return len(jobs)

    def deliver_published(self, pk: str, claim: str) -> None:
        """Run the job that was claimed and published with *claim*, unless somebody has it."""
        refresh_connections()
        lease = settings.OUTBOX_LEASE
        if row := self.queue.take_over(pk, claim, now=self.clock(), lease=lease):
            self._deliver(row)

    def _deliver(self, row: QueuedJob) -> None:
        began = monotonic()
        attempt = CurrentJob(row.pk, row.name, row.attempts + 1)
        with running(attempt, request_id=row.request_id, traceparent=row.traceparent):
            outcome, failure = self._attempt(row)
            self.outcomes[outcome] += 1
            count("job", outcome=outcome.value)
            report(outcome, row, failure, seconds=monotonic() - began)

    def _attempt(self, row: QueuedJob) -> tuple[Outcome, Failure | None]:
        failure = None
        try:
            failure = self._run(row)
            return (self._give_up(row, failure) if failure else Outcome.DONE), failure
        except ClaimLost:
            return Outcome.LOST, failure

    def _run(self, row: QueuedJob) -> Failure | None:
        if row.attempts >= settings.OUTBOX_MAX_ATTEMPTS:
            return WORKER_DIED
        self.queue.start(row, now=self.clock(), lease=settings.OUTBOX_LEASE)
        try:
            self._call(row)
        except ClaimLost:
            raise
        # Whatever a job raises is its failure, also the SystemExit of a command it
        # called, and must not end the worker.
        except (Exception, SystemExit) as error:  # noqa: BLE001
            refresh_connections()
            return Failure.of(error)
        return None

    def _call(self, row: QueuedJob) -> None:
        job, payload = find(row.name), json.loads(row.payload)
        if not job.atomic:
            job(**payload)
            self.queue.complete(row)
            return
        with transaction.atomic(using=self.queue.using):
            self.queue.lock(row)
            job(**payload)
            self.queue.complete(row)

    def _give_up(self, row: QueuedJob, failure: Failure) -> Outcome:
        now, limit = self.clock(), settings.OUTBOX_MAX_ATTEMPTS
        at = next_try(row.attempts, max_attempts=limit, now=now, random=SystemRandom())
        if at is None:
            self.queue.park(row, at=now, failure=failure)
            return Outcome.PARKED
        self.queue.retry(row, at=at, failure=failure)
        return Outcome.RETRY

    def _note_outage(self, error: Error) -> None:
        if self._outage_began is None:
            self._outage_began = monotonic()
            logger.error(
                "The database of the outbox fails; waiting for it.",
                extra={"event": "outbox_outage", "error": Failure.of(error).error},
            )
        connections[self.queue.using].close()

    def _note_recovery(self) -> None:
        if self._outage_began is not None:
            seconds = round(monotonic() - self._outage_began, 1)
            self._outage_began = None
            logger.warning(
                "The database of the outbox is back.",
                extra={"event": "outbox_recovered", "outage_seconds": seconds},
            )


def refresh_connections() -> None:
    """Drop connections of this thread that broke or are too old: no request ends here to do it."""
    for connection in connections.all(initialized_only=True):
        # A test that drains the outbox has its transaction open.
        if not connection.in_atomic_block:
            connection.close_if_unusable_or_obsolete()


def report(outcome: Outcome, row: QueuedJob, failure: Failure | None, *, seconds: float) -> None:
    extra = {
        "event": "job",
        "outcome": outcome.value,
        "job": row.name,
        "job_id": str(row.pk),
        "attempt": row.attempts,
        "duration_ms": round(seconds * 1000, 1),
    }
    if failure is not None:
        extra |= asdict(failure)
    logger.log(LEVELS[outcome], "Job %s: %s.", row.name, outcome.value, extra=extra)
