"""
``manage.py throttle show|clear KEY``: how one caller stands, and letting them in again.

A key is a rule and whose bucket it is: ``login:address:192.0.2.1``, ``user:user:7``,
``organization:organization:3``, ``login:account:ada@shop.example`` (of which only the
hash is kept and shown). Every window of the rule is meant.

Limit: without Redis and without ``backstay.throttling.database`` the counts are within the
server processes, out of this command's reach.
"""

from math import ceil
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backstay.conf import settings
from backstay.store import StoreUnavailable, store
from backstay.throttling.charges import Charge
from backstay.throttling.keys import BadKey, charges_of
from backstay.throttling.limits import peek
from backstay.throttling.redis import forget


class Command(BaseCommand):
    help = "Show or clear what was counted for one caller."

    def add_arguments(self, parser: CommandParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        for name, about in (
            ("show", "how much is left of each limit"),
            ("clear", "forget what was counted"),
        ):
            command = commands.add_parser(name, help=about)
            command.add_argument("key", help="RULE:BUCKET, such as login:address:192.0.2.1")

    def handle(self, *_: Any, command: str, key: str, **__: Any) -> None:
        require_reach()
        try:
            charges = charges_of(key)
            getattr(self, f"_{command}")(charges)
        except BadKey as error:
            raise CommandError(str(error)) from None
        except StoreUnavailable:
            raise CommandError("Redis does not answer.") from None

    def _show(self, charges: list[Charge]) -> None:
        for decision in peek(charges):
            charge = decision.charge
            self.stdout.write(
                f"{charge.rule}:{charge.bucket}  {charge.rate}  "
                f"{decision.remaining} left, as new in {ceil(decision.reset_after_seconds)} s"
            )

    def _clear(self, charges: list[Charge]) -> None:
        count = forget(charges)
        self.stdout.write(f"Cleared {count} of {len(charges)} windows.")


def require_reach() -> None:
    """
    Raises:
        CommandError: what was counted cannot be seen from here.
    """
    redis = store()
    if redis is None and not apps.is_installed("backstay.throttling.database"):
        raise CommandError(
            "Each server process counts for itself; restart it to clear all it has counted."
        )
    try:
        _ = redis and redis.call("PING")
    except StoreUnavailable:
        raise CommandError(f"Redis does not answer ({settings.KEY_PREFIX}).") from None
