"""A clock that tests move, relays that read it, and processes that can be killed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing.context import ForkServerProcess
from typing import Any

import pytest
import time_machine
from django.db import connection

from backstay.outbox.relay import Relay
from tests.backstay.outbox.processes import enter
from tests.forks import FORKS

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def relay(db) -> Relay:
    return Relay()


@pytest.fixture
def start_process() -> Iterator[Callable[..., ForkServerProcess]]:
    """Call a function of a module in a new process, on the test's database."""
    started: list[ForkServerProcess] = []

    def start(target: Callable[..., None], *arguments: Any) -> ForkServerProcess:
        name = str(connection.settings_dict["NAME"])
        # By its path: a module of models is imported when Django is set up, not before.
        path = f"{target.__module__}.{target.__qualname__}"
        process = FORKS.Process(target=enter, args=(name, path, arguments))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()
        process.close()
