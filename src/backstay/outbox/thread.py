"""
A relay inside a server process, for a service that is one process.

A daemon thread: it never keeps the process from ending. Start it in the process
that serves, after forking, and stop it when that process ends, so that jobs it has
claimed need not wait for the end of their lease.
"""

from threading import Thread

from django.db import connections

from backstay.outbox.relay import Relay
from backstay.outbox.wake import wake


class RelayThread(Thread):
    def __init__(self) -> None:
        super().__init__(name="outbox", daemon=True)
        self.relay = Relay()

    def run(self) -> None:
        try:
            self.relay.run()
        finally:
            connections.close_all()

    def stop(self, *, timeout_seconds: float) -> None:
        """Wait for the job at hand, no longer than *timeout_seconds*."""
        self.relay.stop()
        wake()
        self.join(timeout_seconds)
