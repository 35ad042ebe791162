"""The jobs on the page: what waits and what is parked. ``None`` without ``backstay.outbox``."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any
from uuid import UUID

from django.apps import apps

#: Of more that are parked the number is told.
SHOWN = 50


def installed() -> bool:
    return apps.is_installed("backstay.outbox")


def report() -> dict[str, Any] | None:
    if not installed():
        return None
    from backstay.outbox.backlog import backlog, parked_jobs

    jobs = parked_jobs().order_by("-parked_at", "pk")
    shown = [
        {
            "id": str(job.pk),
            "name": job.name,
            "attempts": job.attempts,
            "error": job.error,
            "raised_in": job.raised_in,
            "request_id": job.request_id,
            "parked_at": job.parked_at.timestamp() if job.parked_at else None,
        }
        for job in jobs[:SHOWN]
    ]
    return {**asdict(backlog()), "parked": jobs.count(), "shown": shown}


def retry(ids: Sequence[UUID]) -> int:
    """Let those of *ids* that are parked run again; how many there were."""
    from backstay.outbox.backlog import parked_jobs
    from backstay.outbox.backlog import retry as try_again

    return try_again(parked_jobs().filter(pk__in=ids))
