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
from backstay.conf import settings


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


class Command(BaseCommand):
    help = "Delete the sessions whose last token has expired."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--batch", type=_count, default=1_000, help="rows in one transaction")

    def handle(self, *_: Any, batch: int, **__: Any) -> None:
        expired = Family.objects.filter(expires_at__lt=timezone.now() - settings.LEEWAY)
        deleted = 0
        while some := list(expired.order_by("expires_at").values_list("pk", flat=True)[:batch]):
            deleted += Family.objects.filter(pk__in=some).delete()[0]
            self.stdout.write(f"{deleted:,} sessions deleted", ending="\r")
            self.stdout.flush()
        self.stdout.write(f"{deleted:,} sessions deleted")
