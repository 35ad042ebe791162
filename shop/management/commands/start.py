"""
``manage.py start``: what ``make run`` does after the set-up.

Brings the database up to date, loads the demo data into one that holds no
account yet, and serves. In one process, so that a second start is quick.
"""

from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand

from shop.accounts.models import User


class Command(BaseCommand):
    help = "Migrate, load the demo data on the first start, and serve."

    def handle(self, *_: Any, **__: Any) -> None:
        call_command("migrate", verbosity=0, interactive=False)
        if not User.objects.exists():
            call_command("demo_data")
        call_command("serve")
