"""``manage.py demo_data``: accounts, products, articles and any number of orders."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

from shop.demo.load import load


class Command(BaseCommand):
    help = (
        "Fill the database with deterministic demo data. What is there is kept: the "
        "same command again adds nothing, a larger number of orders adds the rest."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--orders", type=int, default=200, metavar="N", help="orders in all")
        parser.add_argument("--seed", type=int, default=1, metavar="S", help="which data")

    def handle(self, *args: Any, **options: Any) -> None:
        count, seed = options["orders"], options["seed"]
        if count < 0:
            raise CommandError("--orders is a number of orders, 0 or more.")
        console = Console(stderr=True)
        bar = Progress(
            "Orders",
            BarColumn(),
            MofNCompleteColumn(),
            TimeRemainingColumn(),
            console=console,
            transient=True,
            disable=not console.is_terminal,
        )
        with bar:
            task = bar.add_task("Orders", total=count)
            for present in load(count=count, seed=seed):
                bar.update(task, completed=present)
        self.stdout.write(f"Demo data is in place, with {present:,} orders.")
