"""
Jobs that leave with the transaction that asked for them.

``job`` names a function, and its ``enqueue`` writes one row: with the caller's
transaction or not at all. A relay, in ``manage.py worker`` or in a thread of the
server, runs the function soon after. Nothing is sent or published by the request.

A committed job is run until it succeeds or is parked after
``OUTBOX_MAX_ATTEMPTS`` tries; a process killed at any moment loses none. What a
job does to this database happens once. What it does outside may happen again
when the worker dies in between, so it carries the id of ``current_job``, by which
the other side can tell.

A job with ``every`` is enqueued by the workers themselves, once a period.

Limits: no order between jobs; PostgreSQL and SQLite; the clocks of all machines
agree to within a few seconds. Pattern: transactional outbox (Richardson,
"Microservices Patterns", chapter 3).
"""

from backstay.outbox.payload import InvalidPayload
from backstay.outbox.periods import Every
from backstay.outbox.registry import CurrentJob, Job, UnknownJob, current_job, job

__all__ = ["CurrentJob", "Every", "InvalidPayload", "Job", "UnknownJob", "current_job", "job"]
