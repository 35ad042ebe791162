"""``manage.py versions``: each version, until when it is served, and who still uses it."""

import time
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from backstay.store import StoreUnavailable, store
from backstay.versioning import usage
from backstay.versioning.policy import Policy, policy
from backstay.versioning.usage import KEPT_DAYS, Usage


class Command(BaseCommand):
    help = "Show each version's status and dates, and its requests by client."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--clients", type=int, default=10, help="how many of a version to show; 10 at first"
        )

    def handle(self, *_: Any, clients: int, **__: Any) -> None:
        now, in_force = time.time(), policy()
        try:
            found = usage.totals(now)
        except StoreUnavailable:
            raise CommandError("Redis does not answer.") from None
        of_version: dict[str, list[Usage]] = defaultdict(list)
        for one in found:
            of_version[one.version].append(one)
        for name in in_force.versions:
            self.stdout.write(_described(in_force, name, now))
            self._show(of_version[name], clients)
        if store() is None:
            self.stdout.write("Each server process counts for itself; set BACKSTAY['REDIS_URL'].")

    def _show(self, found: list[Usage], clients: int) -> None:
        total = sum(one.count for one in found)
        self.stdout.write(f"  {total:,} requests in {KEPT_DAYS} days")
        for one in found[:clients]:
            self.stdout.write(
                f"  {one.count:>9,}  {one.client}, last {_written(one.last_at, 'minutes')}"
            )
        if len(found) > clients:
            self.stdout.write(f"  and {len(found) - clients} clients more")


def _described(in_force: Policy, name: str, now: float) -> str:
    version = in_force.versions[name]
    said = [f"{name}: {version.status(now)}"]
    said += ["the default"] if name == in_force.default else []
    for word, at in (("deprecated", version.deprecated_at), ("sunset", version.sunset_at)):
        said += [f"{word} {_written(at, 'seconds')}"] if at is not None else []
    said += [version.link] if version.link else []
    return ", ".join(said)


def _written(at: float, timespec: str) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec=timespec).replace("+00:00", "Z")
