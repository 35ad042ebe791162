"""
Many callers of one Redis at the same moment, over processes and threads.

The processes are started anew and not forked: a forked child would share the
parent's connections.
"""

from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache
from multiprocessing import get_context
from multiprocessing.synchronize import Barrier as ProcessBarrier
from threading import Barrier

import django
from django.conf import settings

from backstay import store
from backstay.pipeline import ask
from backstay.throttling import Charge, Decision
from backstay.throttling.redis import ThrottlePart

PROCESSES = 4
THREADS = 64

_start: ProcessBarrier


class Entry(ThrottlePart):
    """One that counts in Redis or not at all."""

    def in_outage(self) -> list[Decision]:
        raise AssertionError("Redis did not answer.")


def contest(url: str, charges: list[Charge], *, rounds: int) -> int:
    """How many of ``PROCESSES`` × ``THREADS`` × *rounds* calls were let in."""
    pool = _processes(url)
    jobs = [pool.submit(_compete, charges, rounds) for _ in range(PROCESSES)]
    return sum(job.result() for job in jobs)


@cache
def _processes(url: str) -> ProcessPoolExecutor:
    context = get_context("spawn")
    return ProcessPoolExecutor(PROCESSES, context, _enter, (url, context.Barrier(PROCESSES)))


def _enter(url: str, start: ProcessBarrier) -> None:
    django.setup()
    settings.BACKSTAY = {"REDIS_URL": url}
    # 256 callers on two cores wait for each other longer than requests ever may.
    store.TIMEOUT_SECONDS = 60
    global _start  # noqa: PLW0603  # A pool's initializer has no other way to its jobs.
    _start = start


def _compete(charges: list[Charge], rounds: int) -> int:
    line = Barrier(THREADS, action=_meet_the_others)
    with ThreadPoolExecutor(THREADS) as threads:
        runs = [threads.submit(_run, charges, rounds, line) for _ in range(THREADS)]
        return sum(run.result() for run in runs)


def _meet_the_others() -> None:
    _start.wait(timeout=60)


def _run(charges: list[Charge], rounds: int, line: Barrier) -> int:
    line.wait(timeout=60)
    answers = [ask(Entry(charges))[0] for _ in range(rounds)]
    return sum(all(decision.allowed for decision in decisions) for decisions in answers)
