"""``manage.py cache``: how often answers are found, and ending those that depend on a table."""

from argparse import ArgumentParser
from collections import defaultdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from backstay.caching.backends import EVERYTHING, backend
from backstay.caching.freshness import evict
from backstay.store import StoreUnavailable


class Command(BaseCommand):
    help = "Show how often answers were found in the cache, or end some of them."

    def add_arguments(self, parser: ArgumentParser) -> None:
        commands = parser.add_subparsers(dest="command", required=True)
        commands.add_parser("stats", help="looks, hits and misses by route")
        ending = commands.add_parser("evict", help="end what depends on a table, or everything")
        ending.add_argument(
            "tag",
            help="a table (catalog_product), a row of it (catalog_product:17), or * for everything",
        )

    def handle(self, *args: Any, command: str, tag: str = "", **options: Any) -> None:
        place = backend()
        if not place.shared:
            raise CommandError("Each process keeps its own answers; set BACKSTAY['REDIS_URL'].")
        try:
            if command == "stats":
                self._show(place.statistics())
            else:
                evict({tag} if tag == EVERYTHING or ":" in tag else {tag, f"{tag}:*"})
                self.stdout.write(f"Ended what depends on {tag}.")
        except StoreUnavailable as error:
            raise CommandError(f"Redis does not answer ({error}).") from None

    def _show(self, looks: dict[str, int]) -> None:
        routes: dict[str, dict[str, int]] = defaultdict(dict)
        for name, number in looks.items():
            route, _, outcome = name.rpartition(" ")
            routes[route][outcome] = number
        if not routes:
            self.stdout.write("Nothing was looked for yet.")
        for route, found in sorted(routes.items()):
            hits, misses = found.get("hit", 0), found.get("miss", 0)
            share = hits / (hits + misses)
            self.stdout.write(f"{route}: {hits} hits, {misses} misses ({share:.0%})")
