"""
The jobs by name, the decorator that puts them there, and which one is running.

Each app's ``tasks`` module is imported at start, so a worker knows every job. A
name is stored in rows that outlive a release: keep it when the function moves.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from inspect import Parameter, signature
from typing import Any, Generic, ParamSpec
from uuid import UUID

from django.core.exceptions import ImproperlyConfigured
from django.db import router, transaction

from backstay import traces
from backstay.errors.request_ids import current as current_request_id
from backstay.outbox.payload import encode
from backstay.outbox.periods import Every
from backstay.outbox.wake import wake

P = ParamSpec("P")

_NAME = re.compile(r"[a-z0-9_]+(\.[a-z0-9_]+)*")

_jobs: dict[str, "Job[Any]"] = {}


class UnknownJob(LookupError):
    """A row names a job that this release does not have."""


class Job(Generic[P]):
    """A function that can be enqueued. Called directly, it runs here and now."""

    def __init__(
        self, name: str, handler: Callable[P, None], *, atomic: bool, every: Every | None = None
    ) -> None:
        if not _NAME.fullmatch(name) or len(name) > 100:
            raise ImproperlyConfigured(f"{name!r} is not a job name such as 'app.verb'.")
        self.signature = signature(handler)
        for parameter in self.signature.parameters.values():
            if parameter.kind is not Parameter.KEYWORD_ONLY:
                raise ImproperlyConfigured(
                    f"Job {name!r}: {parameter.name!r} must be keyword-only, "
                    "so that rows stay readable when parameters are added."
                )
        if every is not None and set(self.signature.parameters) != {"moment"}:
            raise ImproperlyConfigured(
                f"Job {name!r} is on a schedule, so it takes 'moment', its period's begin, alone."
            )
        self.name = name
        self.handler = handler
        self.atomic = atomic
        self.every = every

    def __call__(self, *args: P.args, **payload: P.kwargs) -> None:
        self.handler(*args, **payload)

    def enqueue(self, *args: P.args, **payload: P.kwargs) -> UUID:
        """
        Write the job into the caller's transaction, and return its id.

        Raises:
            TypeError: not the arguments that the function takes.
            InvalidPayload: JSON lacks an argument or would change it, or 4 KB are exceeded.
        """
        from backstay.outbox.models import QueuedJob

        self.signature.bind(*args, **payload)
        row = QueuedJob.objects.create(
            name=self.name,
            payload=encode(payload),
            request_id=current_request_id.get(),
            traceparent=traces.traceparent(),
        )
        transaction.on_commit(wake, using=router.db_for_write(QueuedJob))
        return row.pk


def job(
    name: str, *, atomic: bool = True, every: Every | None = None
) -> Callable[[Callable[P, None]], Job[P]]:
    """
    Make a function a job.

    With ``atomic`` it runs in one transaction with its completion, so what it
    writes is written once. Turn that off where it only calls the outside: a slow
    mail server then holds no transaction, which on SQLite would stop all writers.
    Such a job must end within ``OUTBOX_LEASE``, or another worker starts it too.

    With ``every`` workers enqueue it once a period. It takes ``moment``, the begin of
    the period in ISO 8601, which is the same at each try.
    """

    def register(handler: Callable[P, None]) -> Job[P]:
        known = _jobs.get(name)
        if known is not None and _place(known.handler) != _place(handler):
            raise ImproperlyConfigured(
                f"Job {name!r} is both {_place(known.handler)} and {_place(handler)}."
            )
        made = Job(name, handler, atomic=atomic, every=every)
        _jobs[name] = made
        return made

    return register


def scheduled() -> list[tuple[Job[Any], Every]]:
    """The jobs that run by the clock."""
    return [(job, job.every) for job in _jobs.values() if job.every is not None]


def find(name: str) -> Job[Any]:
    """
    Raises:
        UnknownJob: no job has this name.
    """
    try:
        return _jobs[name]
    except KeyError:
        raise UnknownJob(name) from None


def _place(handler: Callable[..., None]) -> str:
    return f"{handler.__module__}.{handler.__qualname__}"


@dataclass(frozen=True, slots=True)
class CurrentJob:
    """A job that is running. ``id`` is the same at each try; ``attempt`` counts from 1."""

    id: UUID
    name: str
    attempt: int


_current: ContextVar[CurrentJob | None] = ContextVar("backstay_outbox_job", default=None)


def current_job() -> CurrentJob | None:
    """
    The job that is running here, ``None`` outside one.

    A mail, a payment or a message that carries its id is the same one when the job
    is run again.
    """
    return _current.get()


@contextmanager
def running(job: CurrentJob, *, request_id: str, traceparent: str) -> Iterator[None]:
    """Make *job* the current one for the block; log lines have the ids of its request and trace."""
    job_token = _current.set(job)
    request_token = current_request_id.set(request_id)
    trace_token = traces.current.set(traces.continued(traceparent))
    try:
        yield
    finally:
        traces.current.reset(trace_token)
        current_request_id.reset(request_token)
        _current.reset(job_token)
