"""
Many callers of one Redis or one database at the same moment, over processes and threads.

The processes are no forks of the test's own, whose connections they would share.
"""

from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from multiprocessing.synchronize import Barrier as ProcessBarrier
from random import Random
from threading import Barrier, Semaphore

from django.conf import settings
from django.db import connection
from django.test import modify_settings

from backstay import store
from backstay.pipeline import ask
from backstay.throttling import Charge, Decision
from backstay.throttling.redis import ThrottlePart
from tests.forks import FORKS, PATIENCE_SECONDS, use_database

PROCESSES = 4
THREADS = 64

#: Of one process: PostgreSQL admits a hundred in all.
CONNECTIONS = 16

_start: ProcessBarrier
_connections = Semaphore(CONNECTIONS)


@dataclass(frozen=True, slots=True)
class Place:
    """Where is counted; ``database`` where there is no ``redis``."""

    redis: str | None = None
    database: str | None = None


class Entry(ThrottlePart):
    """One that counts in Redis or not at all."""

    def in_outage(self) -> list[Decision]:
        raise AssertionError("Redis did not answer.")


def contest(
    place: Place, charges: Sequence[Charge], *, rounds: int, some: int | None = None
) -> int:
    """
    How many of ``PROCESSES`` × ``THREADS`` × *rounds* calls were let in.

    With *some*, each is for so many of the charges, drawn anew and in any order.
    """
    pool = _processes(place)
    jobs = [
        pool.submit(_compete, charges, rounds, some, number * THREADS)
        for number in range(PROCESSES)
    ]
    return sum(job.result() for job in jobs)


@cache
def _processes(place: Place) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(PROCESSES, FORKS, _enter, (place, FORKS.Barrier(PROCESSES)))


def _enter(place: Place, start: ProcessBarrier) -> None:
    modify_settings(INSTALLED_APPS={"append": "backstay.throttling.database"}).enable()
    settings.BACKSTAY = {"REDIS_URL": place.redis}
    if place.database:
        use_database(place.database)
    store.TIMEOUT_SECONDS = PATIENCE_SECONDS
    global _start  # noqa: PLW0603  # A pool's initializer has no other way to its jobs.
    _start = start


def _compete(charges: Sequence[Charge], rounds: int, some: int | None, seed: int) -> int:
    line = Barrier(THREADS, action=_meet_the_others)
    with ThreadPoolExecutor(THREADS) as threads:
        runs = [
            threads.submit(_run, charges, rounds, some, Random(seed + number), line)  # noqa: S311  # No secret.
            for number in range(THREADS)
        ]
        return sum(run.result() for run in runs)


def _meet_the_others() -> None:
    _start.wait(timeout=60)


def _run(
    charges: Sequence[Charge], rounds: int, some: int | None, random: Random, line: Barrier
) -> int:
    line.wait(timeout=60)
    with _connections:
        try:
            chosen = [random.sample(charges, some) if some else charges for _ in range(rounds)]
            answers = [ask(Entry(drawn))[0] for drawn in chosen]
        finally:
            # Each thread has its own, which nobody else can close.
            connection.close()
    return sum(all(decision.allowed for decision in decisions) for decisions in answers)
