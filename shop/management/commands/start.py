"""
``manage.py start``: what ``make run`` does after the set-up.

Brings the database up to date, loads the demo data into one that holds no
account yet, and serves. In one process, so that a second start is quick.
A database that does not answer as one is one line and exit status 1.
"""

from typing import Any

from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import DatabaseError, connection

from shop.accounts.models import User
from shop.management.commands.serve import ServingCommand


class Command(ServingCommand):
    help = "Migrate, load the demo data on the first start, and serve."

    def handle(self, *_: Any, **__: Any) -> None:
        refuse_absent_database()
        call_command("migrate", verbosity=0, interactive=False)
        if not User.objects.exists():
            call_command("demo_data")
        call_command("serve")


def refuse_absent_database() -> None:
    """
    Ask the database for anything, before a migration has its own way to fail.

    Raises:
        CommandError: it is down, missing, too old, or a file of another kind.
    """
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError as error:
        reason = " ".join(str(error).split())
        raise CommandError(f"DATABASE_URL: {reason}") from None
