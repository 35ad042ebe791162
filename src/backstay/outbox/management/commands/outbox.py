"""
``manage.py outbox status`` and ``manage.py outbox retry``: what waits, what is parked, and again.

``status`` says how many jobs are due, how long the oldest has been, and which are
parked with which error. ``retry`` gives parked jobs all their tries anew: those whose
ids are named, those of one ``--name``, or all.
"""

from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandParser
from django.db.models import Count

from backstay.outbox.backlog import backlog, parked_jobs, retry


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
        now = backlog()
        self.stdout.write(
            f"{now.due} due, the oldest for {now.oldest_seconds:.0f} s; "
            f"{now.later} later or being run; {parked_jobs().count()} parked"
        )
        kinds = parked_jobs().values_list("name", "error").annotate(count=Count("pk"))
        for name, error, count in kinds.order_by("name", "error"):
            self.stdout.write(f"parked: {count} {name}, {error}")

    def retry(self, ids: list[UUID], name: str | None) -> None:
        jobs = parked_jobs()
        if ids:
            jobs = jobs.filter(pk__in=ids)
        if name is not None:
            jobs = jobs.filter(name=name)
        self.stdout.write(f"{retry(jobs)} jobs are due again")
