"""
Who changed what from the page: an entry of the admin's log, and a log line.

The entry is written first, in the transaction of the change: nothing is changed without it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.contrib.admin.models import CHANGE, LogEntry
from django.db import router, transaction

logger = logging.getLogger("backstay.monitoring.dashboard")

#: What our entries are about: no object of the database.
SUBJECT = "backstay.monitoring.dashboard"

SHOWN = 20


@contextmanager
def audited(user: Any, action: str, target: str) -> Iterator[None]:
    """Write down that *user* does *action* to *target*, unless the block raises."""
    with transaction.atomic(using=router.db_for_write(LogEntry)):
        LogEntry.objects.create(
            user_id=user.pk,
            object_id=SUBJECT,
            object_repr=target[:200],
            action_flag=CHANGE,
            change_message=action,
        )
        yield
    extra = {"event": "dashboard", "action": action, "target": target, "user_id": str(user.pk)}
    logger.info("Staff changed something on the dashboard.", extra=extra)


def latest() -> list[dict[str, Any]]:
    """The last changes, the newest first."""
    entries = LogEntry.objects.filter(content_type=None, object_id=SUBJECT)
    return [
        {
            "at": entry.action_time.timestamp(),
            "user": str(entry.user_id),
            "name": entry.user.get_username(),
            "action": entry.get_change_message(),
            "target": entry.object_repr,
        }
        for entry in entries.select_related("user").order_by("-action_time", "-pk")[:SHOWN]
    ]
