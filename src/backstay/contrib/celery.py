"""
Celery as the transport of the outbox: RabbitMQ or Redis between rows and workers.

    BACKSTAY = {"OUTBOX_RELAY": "backstay.contrib.celery.CeleryRelay"}
    app = Celery("shop", broker=…, include=["backstay.contrib.celery"])

``manage.py worker`` then publishes what is due and consumes as well; any number of
``celery -A shop worker`` consume beside it. A message is the ids of a job and of its
claim, as JSON: the row stays the job, and all that the outbox promises holds. Whatever
the broker loses, keeps too long or gives twice, the row's claim decides: a job is taken
once, and is published again when nobody took it within ``MESSAGE_LEASE``.

A broker that is down, silent or full is waited for, with a line when it goes and one
when it is back; no request knows of it. RabbitMQ confirms each message (Celery by
itself does not ask); a Redis that evicts or restarts loses messages, not jobs.
"""

import logging
from contextvars import ContextVar
from datetime import datetime, timedelta
from socket import gethostname
from threading import Thread
from time import monotonic
from typing import Any
from uuid import uuid4

from celery import current_app, shared_task
from celery.worker import state
from django.db import connections

from backstay.conf import settings
from backstay.counters import count
from backstay.outbox.failures import Failure
from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Relay, refresh_connections

#: After so long a message that nobody took counts as lost.
MESSAGE_LEASE = timedelta(minutes=10)

BATCH = 100
TIMEOUT_SECONDS = 3

#: For the connection that publishes alone. Each kind of broker reads its own and no other.
TRANSPORT = {
    "max_retries": 0,
    # RabbitMQ
    "confirm_publish": True,
    "read_timeout": TIMEOUT_SECONDS,
    "write_timeout": TIMEOUT_SECONDS,
    # Redis
    "socket_timeout": TIMEOUT_SECONDS,
    "socket_connect_timeout": TIMEOUT_SECONDS,
}

#: The relay whose thread runs what is published, and counts it.
_consuming: ContextVar[Relay | None] = ContextVar("backstay_celery_relay", default=None)

logger = logging.getLogger("backstay.outbox")


@shared_task(name="backstay.outbox.deliver", ignore_result=True)
def deliver(job_id: str, claim: str) -> None:
    """Run the job, if it is still the one that was published."""
    (_consuming.get() or Relay()).deliver_published(job_id, claim)


class CeleryRelay(Relay):
    """Publishes what is due, in a thread, and runs what is published."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._connection: Any = None
        self._silent_since: float | None = None

    def run(self) -> None:
        """Until stopped. Consumes in this thread, because Celery's signals belong to it."""
        publishing = Thread(target=self._publish_until_stopped, name="outbox", daemon=True)
        publishing.start()
        _consuming.set(self)
        current_app.WorkController(
            # A name of its own: RabbitMQ gives each one's mailbox to one connection only, and
            # refuses it to a second worker of the machine, and to one that came back.
            hostname=f"outbox-{uuid4().hex}@{gethostname()}",
            pool="solo",
            concurrency=1,
            quiet=True,
            without_mingle=True,
            without_gossip=True,
        ).start()
        super().stop()
        publishing.join(TIMEOUT_SECONDS)

    def _publish_until_stopped(self) -> None:
        try:
            super().run()
        finally:
            self._hang_up()
            connections.close_all()

    def drain(self) -> None:
        """Publish what is due now, and return: others run it."""
        try:
            super().drain()
        finally:
            self._hang_up()

    def stop(self) -> None:
        super().stop()
        state.should_stop = 0

    def deliver_due(self, due: datetime | None = None) -> int:
        """Publish one batch of what is due; its number of jobs, 0 while the broker is out."""
        refresh_connections()
        now = self.clock()
        # Short until they are published: who is killed before must not keep them for long.
        rows = self.queue.claim(now=now, lease=settings.OUTBOX_LEASE, limit=BATCH, due=due)
        for number, row in enumerate(rows):
            try:
                self._publish(row)
            # Each broker's driver has errors of its own; none of them may end the relay.
            except Exception as error:  # noqa: BLE001
                self.queue.release(rows[number:], now=now)
                self._note_silence(error)
                return 0
        self.queue.extend(rows, until=now + MESSAGE_LEASE)
        return len(rows)

    def _publish(self, row: QueuedJob) -> None:
        if self._connection is None:
            options = {**current_app.conf.broker_transport_options, **TRANSPORT}
            self._connection = current_app.connection_for_write(
                connect_timeout=TIMEOUT_SECONDS, heartbeat=0, transport_options=options
            )
        deliver.apply_async(
            (str(row.pk), str(row.claim)),
            connection=self._connection,
            retry=False,
            confirm_timeout=TIMEOUT_SECONDS,
        )
        count("outbox_publish", outcome="published")
        if self._silent_since is not None:
            seconds = round(monotonic() - self._silent_since, 1)
            self._silent_since = None
            extra = {"event": "broker_recovered", "outage_seconds": seconds}
            logger.warning("The broker is back.", extra=extra)

    def _note_silence(self, error: BaseException) -> None:
        count("outbox_publish", outcome="failed")
        if self._silent_since is None:
            self._silent_since = monotonic()
            extra = {"event": "broker_outage", "error": Failure.of(error).error}
            logger.error("The broker does not take jobs; waiting for it.", extra=extra)
        self._hang_up()

    def _hang_up(self) -> None:
        """Close the connection, also a broken one; the next message opens another."""
        if self._connection is not None:
            self._connection.collect()
            self._connection = None
