"""
``manage.py auth_cleanup``: delete the sessions whose last token has expired.

Run it daily. It deletes in batches, each a transaction of its own, so it holds no
lock for long and can be stopped at any time. A session that was ended stays until
its tokens have expired, so that a spent one is still known for what it is.
"""

from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.utils import timezone

from backstay.auth.sessions.models import Family
from backstay.batches import add_batch_argument, delete_in_batches
from backstay.conf import settings


class Command(BaseCommand):
    help = "Delete the sessions whose last token has expired."

    def add_arguments(self, parser: CommandParser) -> None:
        add_batch_argument(parser)

    def handle(self, *_: Any, batch: int, **__: Any) -> None:
        expired = Family.objects.filter(expires_at__lt=timezone.now() - settings.LEEWAY)
        deleted = 0
        for deleted in delete_in_batches(expired.order_by("expires_at"), batch):
            self.stdout.write(f"{deleted:,} sessions deleted", ending="\r")
            self.stdout.flush()
        self.stdout.write(f"{deleted:,} sessions deleted")
