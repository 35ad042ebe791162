"""
``manage.py outbox status`` and ``manage.py outbox retry``: what waits, what is parked, and again.

``status`` says how many jobs are due, how long the oldest has been, and which are
parked with which error. ``retry`` gives parked jobs all their tries anew: those whose
ids are named, those of one ``--name``, or all.
"""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count, Min
from django.utils import timezone

from backstay.outbox.models import QueuedJob


class Command(BaseCommand):
    help = "Show the jobs that wait or are parked; retry those that are parked."

    def add_arguments(self, parser: CommandParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        actions.add_parser("status", help="what is due, waits and is parked")
        retry = actions.add_parser("retry", help="let parked jobs run again")
        retry.add_argument("ids", nargs="*", metavar="id", type=UUID, help="of jobs; none: of all")
        retry.add_argument("--name", help="only jobs of this name")

    def handle(self, *_: Any, action: str, **options: Any) -> None:
        if action == "status":
            self.show()
        else:
            self.retry(options["ids"], options["name"])

    def show(self) -> None:
        now = timezone.now()
        live, parked = QueuedJob.objects.filter(parked_at=None), parked_jobs()
        due = live.filter(due_at__lte=now).aggregate(count=Count("pk"), oldest=Min("due_at"))
        seconds = (now - due["oldest"]).total_seconds() if due["oldest"] else 0
        later = live.filter(due_at__gt=now).count()
        self.stdout.write(
            f"{due['count']} due, the oldest for {seconds:.0f} s; "
            f"{later} later or being run; {parked.count()} parked"
        )
        kinds = parked.values_list("name", "error").annotate(count=Count("pk"))
        for name, error, count in kinds.order_by("name", "error"):
            self.stdout.write(f"parked: {count} {name}, {error}")

    def retry(self, ids: list[UUID], name: str | None) -> None:
        jobs = parked_jobs()
        if ids:
            jobs = jobs.filter(pk__in=ids)
        if name is not None:
            jobs = jobs.filter(name=name)
        count = jobs.update(parked_at=None, attempts=0, due_at=timezone.now())
        self.stdout.write(f"{count} jobs are due again")


def parked_jobs() -> Any:
    return QueuedJob.objects.filter(parked_at__isnull=False)
