"""
The table of jobs that are due, waiting for their next try, or parked.

A job that is done is deleted in the transaction that did it: the table is as small
as the backlog, needs no pruning, and keeps nothing of anyone.
"""

from uuid import uuid4

from django.db import models
from django.db.models import Q
from django.utils import timezone

from backstay.outbox.failures import MAX_CALLS, MAX_CLASS


class QueuedJob(models.Model):
    """One call of one job."""

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    name = models.CharField(max_length=100)
    #: JSON as text: it is read back as written, and never searched.
    payload = models.TextField()
    #: Of the request that enqueued it, for log lines.
    request_id = models.CharField(max_length=64, blank=True)
    #: Of the trace that it is a part of (W3C Trace Context).
    traceparent = models.CharField(max_length=55, blank=True)
    enqueued_at = models.DateTimeField(default=timezone.now)

    #: The next moment at which a worker may take it: once enqueued, at the next try,
    #: and for a job that is taken at the end of the lease.
    due_at = models.DateTimeField(default=timezone.now)
    #: Drawn by the worker that took it last. Whoever holds another has lost the job.
    claim = models.UUIDField(null=True, editable=False)
    #: Tries that were started.
    attempts = models.PositiveIntegerField(default=0)
    error = models.CharField(max_length=MAX_CLASS, blank=True)
    raised_in = models.CharField(max_length=MAX_CALLS, blank=True)
    parked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        indexes = [
            # What claiming reads, in its order; parked jobs are not in its way.
            models.Index(fields=["due_at"], condition=Q(parked_at=None), name="backstay_outbox_due")
        ]

    def __str__(self) -> str:
        return f"{self.name} {self.pk}"


class Schedule(models.Model):
    """The last period for which a job on a schedule was enqueued."""

    name = models.CharField(max_length=100, primary_key=True)
    period = models.BigIntegerField(default=-1)

    def __str__(self) -> str:
        return self.name
