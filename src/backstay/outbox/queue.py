"""
What a worker does to the table: claim, start, complete, retry, park, release.

A claim is a lease. It moves ``due_at`` to the lease's end, so the jobs of a worker
that was killed come up again by themselves, and draws a token; every later step
names the token and so fails for a worker whose lease was taken over.

PostgreSQL skips rows that another worker is claiming or has locked to run
(``SKIP LOCKED``). SQLite has one writer, so one ``UPDATE`` is enough.
"""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime, timedelta
from uuid import uuid4

from django.db import connections
from django.db.models import F, QuerySet

from backstay.outbox.failures import Failure
from backstay.outbox.models import QueuedJob

#: One statement for each kind of database, which takes the jobs and returns them.
CLAIM = {
    # Materialized: planned as a join, the limit could be applied more than once.
    "postgresql": """
        WITH due AS MATERIALIZED (
            SELECT id FROM {table}
            WHERE parked_at IS NULL AND due_at <= %(due)s
            ORDER BY due_at LIMIT %(limit)s FOR UPDATE SKIP LOCKED
        )
        UPDATE {table} AS job SET claim = %(claim)s, due_at = %(until)s
        FROM due WHERE job.id = due.id RETURNING job.*
    """,
    "sqlite": """
        UPDATE {table} SET claim = %(claim)s, due_at = %(until)s
        WHERE id IN (
            SELECT id FROM {table}
            WHERE parked_at IS NULL AND due_at <= %(due)s
            ORDER BY due_at LIMIT %(limit)s
        )
        RETURNING *
    """,
}


class ClaimLost(Exception):
    """The lease ended and another worker has the job, or it is done."""


class Queue:
    """
    The jobs of one database.

    Each step with a job that was claimed raises :class:`ClaimLost` where another
    worker has it: what this one wrote must not stay.
    """

    def __init__(self, using: str) -> None:
        self.using = using

    def claim(
        self, *, now: datetime, lease: timedelta, limit: int, due: datetime | None = None
    ) -> list[QueuedJob]:
        """Take up to *limit* jobs due by *due*, the oldest first, for *lease* from *now*."""
        connection = connections[self.using]
        token = QueuedJob._meta.get_field("claim").get_db_prep_value(uuid4(), connection)
        values = {"due": due or now, "until": now + lease, "claim": token, "limit": limit}
        table = connection.ops.quote_name(QueuedJob._meta.db_table)
        statement = CLAIM[connection.vendor].format(table=table)
        taken = QueuedJob.objects.using(self.using).raw(statement, values)
        # RETURNING has no order of its own.
        return sorted(taken, key=lambda job: job.enqueued_at)

    def take_over(
        self, pk: str, claim: str, *, now: datetime, lease: timedelta
    ) -> QueuedJob | None:
        """Claim the job anew from whoever published it with *claim*; ``None``: somebody has."""
        token = uuid4()
        jobs = QueuedJob.objects.using(self.using).filter(pk=pk)
        if not jobs.filter(claim=claim).update(claim=token, due_at=now + lease):
            return None
        return jobs.filter(claim=token).first()

    def start(self, job: QueuedJob, *, now: datetime, lease: timedelta) -> None:
        """Count the try and begin the lease anew, committed before anything is done."""
        self._update(job, attempts=F("attempts") + 1, due_at=now + lease)
        job.attempts += 1

    def lock(self, job: QueuedJob) -> None:
        """Keep the job from others until the transaction ends, however long that takes."""
        if not self._held(job).select_for_update().values("pk"):
            raise ClaimLost

    def complete(self, job: QueuedJob) -> None:
        if not self._held(job).delete()[0]:
            raise ClaimLost

    def retry(self, job: QueuedJob, *, at: datetime, failure: Failure) -> None:
        """Give the job up until *at*."""
        self._update(job, claim=None, due_at=at, **asdict(failure))

    def park(self, job: QueuedJob, *, at: datetime, failure: Failure) -> None:
        """Give the job up until somebody looks at it."""
        self._update(job, claim=None, parked_at=at, **asdict(failure))

    def release(self, jobs: Iterable[QueuedJob], *, now: datetime) -> None:
        """Give back jobs that were claimed and not started."""
        for job in jobs:
            self._held(job).update(claim=None, due_at=now)

    def extend(self, jobs: Iterable[QueuedJob], *, until: datetime) -> None:
        """Lengthen the lease of jobs, where nobody has taken them over since."""
        claims = {job.pk: job.claim for job in jobs}
        rows = QueuedJob.objects.using(self.using).filter(pk__in=claims)
        rows.filter(claim__in=set(claims.values())).update(due_at=until)

    def _held(self, job: QueuedJob) -> QuerySet[QueuedJob]:
        return QueuedJob.objects.using(self.using).filter(pk=job.pk, claim=job.claim)

    def _update(self, job: QueuedJob, **changes: object) -> None:
        if not self._held(job).update(**changes):
            raise ClaimLost
