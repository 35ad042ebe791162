"""What waits and what is parked, for whoever looks after the jobs; and parked jobs again."""

from dataclasses import dataclass

from django.db.models import Count, Min, QuerySet
from django.utils import timezone

from backstay.outbox.models import QueuedJob


@dataclass(frozen=True, slots=True)
class Backlog:
    """Jobs that are due, for how long the oldest has been, and those that are not due yet."""

    due: int
    oldest_seconds: float
    later: int


def backlog() -> Backlog:
    now, live = timezone.now(), QueuedJob.objects.filter(parked_at=None)
    due = live.filter(due_at__lte=now).aggregate(count=Count("pk"), oldest=Min("due_at"))
    seconds = (now - due["oldest"]).total_seconds() if due["oldest"] else 0
    return Backlog(due["count"], seconds, live.filter(due_at__gt=now).count())


def parked_jobs() -> QuerySet[QueuedJob]:
    return QueuedJob.objects.filter(parked_at__isnull=False)


def retry(parked: QuerySet[QueuedJob]) -> int:
    """Give these parked jobs all their tries anew; how many there were."""
    return parked.update(parked_at=None, attempts=0, due_at=timezone.now())
