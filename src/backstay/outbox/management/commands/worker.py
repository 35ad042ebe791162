"""
``manage.py worker``: deliver the jobs of the outbox until SIGTERM or SIGINT.

Start as many as the work needs. The first signal ends it after the job at hand,
and with ``--once`` it ends when nothing is due: for cron and tests.
"""

import signal
from types import FrameType
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from backstay.conf import settings
from backstay.outbox.relay import Outcome, Relay


class Command(BaseCommand):
    help = "Deliver the jobs of the outbox."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--once", action="store_true", help="end when no job is due")

    def handle(self, *_: Any, once: bool, **__: Any) -> None:
        relay = (settings.OUTBOX_RELAY or Relay)()

        def stop(_: int, __: FrameType | None) -> None:
            relay.stop()

        before = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
        try:
            if once:
                relay.drain()
            else:
                relay.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        counts = [f"{relay.outcomes[outcome]} {outcome.value}" for outcome in Outcome]
        self.stdout.write(f"Jobs: {', '.join(counts)}.")
