"""
``manage.py throttle show|clear KEY``: how one caller stands, and letting them in again.

A key is a rule and whose bucket it is: ``login:address:192.0.2.1``, ``user:user:7``,
``organization:organization:3``, ``login:account:ada@shop.example`` (of which only the
hash is kept and shown). Every window of the rule is meant.

Limit: without Redis and without ``backstay.throttling.database`` the counts are within the
server processes, out of this command's reach.
"""

import re
from collections.abc import Iterator
from math import ceil
from typing import Any

from django.apps import apps
from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from backstay.conf import settings
from backstay.store import StoreUnavailable, store
from backstay.throttling import account_bucket, address_bucket
from backstay.throttling.charges import Charge
from backstay.throttling.checks import throttles_in_use
from backstay.throttling.limits import peek
from backstay.throttling.rates import Rate, rates_of
from backstay.throttling.redis import forget
from backstay.throttling.throttles import OrganizationThrottle, plan_rates

_HASH = re.compile(r"[0-9a-f]{64}")


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
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from None
        except StoreUnavailable:
            raise CommandError("Redis does not answer.") from None

    def _show(self, charges: list[Charge]) -> None:
        for decision in peek(charges):
            charge = decision.charge
            self.stdout.write(
                f"{charge.rule}:{charge.bucket}  {_written(charge.rate)}  "
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


def charges_of(key: str) -> list[Charge]:
    """
    One charge for each window of the rule.

    Raises:
        CommandError: the key is none, or the rule has no limit.
    """
    rule, _, bucket = key.partition(":")
    kind, _, whose = bucket.partition(":")
    if not whose:
        raise CommandError(f"{key!r} is no key: expected RULE:BUCKET, as login:address:192.0.2.1.")
    if kind == "account" and not _HASH.fullmatch(whose):
        bucket = account_bucket(whose)
    elif kind == "address":
        bucket = f"address:{address_bucket(whose)}"
    charges = [Charge(rule, bucket, rate) for rate in dict.fromkeys(_rates_of(rule))]
    if not charges:
        raise CommandError(f"The rule {rule!r} has no limit.")
    return charges


def _rates_of(rule: str) -> Iterator[Rate]:
    """
    Every rate under which *rule* may count.

    Raises:
        ImproperlyConfigured: there is no such rule.
    """
    kinds = [kind for kind in throttles_in_use() if kind().rule == rule]
    planned = [kind for kind in kinds if issubclass(kind, OrganizationThrottle) and not kind.rate]
    for plan in settings.PLAN_RATES if planned else ():
        yield from plan_rates(plan)
    for kind in kinds:
        if kind not in planned:
            yield from kind().rates()
    if not kinds:
        yield from rates_of(rule)


def _written(rate: Rate) -> str:
    smooth = " smooth" if rate.smooth else ""
    return f"{rate.limit} in {rate.window_seconds} s{smooth}"
