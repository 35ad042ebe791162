"""
Jobs by the clock: one run for each period, whatever the number of workers.

A period is numbered from 1970 on, in UTC. Whoever advances a job's row to the present
number enqueues the job in the same transaction; all others find that it was advanced.
Periods that passed while no worker ran are not made up for: the latest runs, once.
"""

from datetime import datetime

from django.db import router, transaction

from backstay.outbox.models import Schedule
from backstay.outbox.registry import Job, scheduled


class Timetable:
    """What one worker knows to have been enqueued: it asks the database once a period."""

    def __init__(self) -> None:
        self._known: dict[str, int] = {}

    def enqueue_due(self, now: datetime) -> None:
        for job, every in scheduled():
            number = every.number(now)
            if self._known.get(job.name, -1) < number:
                self._advance(job, number, every.begin(number))
                self._known[job.name] = number

    def _advance(self, job: Job[...], number: int, moment: datetime) -> None:
        using = router.db_for_write(Schedule)
        rows = Schedule.objects.using(using)
        with transaction.atomic(using=using):
            rows.bulk_create([Schedule(name=job.name)], ignore_conflicts=True)
            if rows.filter(name=job.name, period__lt=number).update(period=number):
                job.enqueue(moment=moment.isoformat())
