"""
Which job is running here, for code that must say so to the outside.

A mail, a payment or a message that carries ``current_job().id`` is the same one
when the job is run again. Log lines of the job have the id of the request that
enqueued it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from uuid import UUID

from backstay.errors.request_ids import current as current_request_id


@dataclass(frozen=True, slots=True)
class CurrentJob:
    """A job that is running. ``id`` is the same at each try; ``attempt`` counts from 1."""

    id: UUID
    name: str
    attempt: int


_current: ContextVar[CurrentJob | None] = ContextVar("backstay_outbox_job", default=None)


def current_job() -> CurrentJob | None:
    """The job that is running here, ``None`` outside one."""
    return _current.get()


@contextmanager
def running(job: CurrentJob, *, request_id: str) -> Iterator[None]:
    """Make *job* the current one for the block."""
    job_token = _current.set(job)
    request_token = current_request_id.set(request_id)
    try:
        yield
    finally:
        current_request_id.reset(request_token)
        _current.reset(job_token)
