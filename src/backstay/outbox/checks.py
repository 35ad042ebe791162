"""System check of the outbox: E010."""

from typing import Any

from django.core.checks import CheckMessage, Error
from django.db import connections, router

from backstay.outbox.models import QueuedJob
from backstay.outbox.queue import CLAIM


def check_outbox_database(**_: Any) -> list[CheckMessage]:
    """E010: jobs are written to a database that workers cannot claim them from."""
    alias = router.db_for_write(QueuedJob)
    vendor = connections[alias].vendor
    if vendor in CLAIM:
        return []
    return [
        Error(
            f"Jobs are written to the database {alias!r} ({vendor}), where no worker can "
            "claim them, so none is ever run.",
            hint=f"Route backstay.outbox to one of: {', '.join(sorted(CLAIM))}.",
            id="backstay.E010",
        )
    ]
