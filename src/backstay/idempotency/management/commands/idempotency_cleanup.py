"""
``manage.py idempotency_cleanup``: delete the answers whose 24 hours are over.

Run it daily. It deletes in batches, each a transaction of its own, so it holds no
lock for long and can be stopped at any time.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backstay.batches import add_batch_argument, delete_in_batches
from backstay.idempotency.models import StoredAnswer


class Command(BaseCommand):
    help = "Delete the stored answers whose 24 hours are over."

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_argument(parser)

    def handle(self, *_: Any, batch: int, **__: Any) -> None:
        deleted = 0
        for deleted in delete_in_batches(
            StoredAnswer.objects.expired().order_by("created_at"), batch
        ):
            self.stdout.write(f"{deleted:,} answers deleted", ending="\r")
            self.stdout.flush()
        self.stdout.write(f"{deleted:,} answers deleted")
