"""
Many callers at the same moment, over processes and threads, on the test's database.

The processes are no forks of the test's own, whose connections they would share. A
test that uses this needs a database whose rows others can see:
``@pytest.mark.django_db(transaction=True)``.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import cache, partial
from multiprocessing.synchronize import Barrier
from typing import Any

from django.conf import settings
from django.db import connection
from rest_framework.settings import api_settings

from tests.forks import FORKS, use_database
from tests.shop.far_limits import far_limits

PROCESSES = 4
THREADS = 6

Call = Callable[..., Any]
Arguments = Sequence[Any]

_start: Barrier


def contest(call: Call, arguments: Sequence[Arguments]) -> list[str]:
    """
    Run *call* once with each of *arguments*, all at once.

    Returns one outcome each, in no order: the type's name of what was returned or
    raised. *call* is a function of a module, and its arguments can be pickled.
    """
    pool = _processes(str(connection.settings_dict["NAME"]))
    jobs = [pool.submit(_compete, call, share) for share in _shares(arguments, PROCESSES)]
    return [outcome for job in jobs for outcome in job.result()]


def _shares(arguments: Sequence[Arguments], count: int) -> list[Sequence[Arguments]]:
    return [arguments[number::count] for number in range(count)]


@cache
def _processes(database: str) -> ProcessPoolExecutor:
    """Started once; between contests they are idle."""
    return ProcessPoolExecutor(PROCESSES, FORKS, _enter, (database, FORKS.Barrier(PROCESSES)))


def _enter(database: str, start: Barrier) -> None:
    use_database(database)
    for name, value in far_limits().items():
        setattr(settings, name, value)
    api_settings.reload()  # DRF has read them already.
    global _start  # noqa: PLW0603  # A pool's initializer has no other way to its jobs.
    _start = start


def _compete(call: Call, share: Sequence[Arguments]) -> list[str]:
    _start.wait(timeout=60)
    with ThreadPoolExecutor(THREADS) as threads:
        rounds = threads.map(partial(_attempt_each, call), _shares(share, THREADS))
        return [outcome for outcomes in rounds for outcome in outcomes]


def _attempt_each(call: Call, share: Sequence[Arguments]) -> list[str]:
    try:
        return [_attempt(call, arguments) for arguments in share]
    finally:
        # Each thread has its own, which nobody else can close.
        connection.close()


def _attempt(call: Call, arguments: Arguments) -> str:
    try:
        return type(call(*arguments)).__name__
    # Whatever is raised is the outcome, and what the test is about.
    except Exception as error:  # noqa: BLE001
        return type(error).__name__
