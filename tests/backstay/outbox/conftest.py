"""A clock that tests move, relays that read it, and processes that can be killed."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection

from backstay.outbox.relay import Relay
from tests.backstay.outbox.processes import enter

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as traveller:
        yield traveller


@pytest.fixture
def relay(db) -> Relay:
    return Relay()


@pytest.fixture
def start_process(tmp_path: Path, monkeypatch) -> Iterator[Callable[..., SpawnProcess]]:
    """Call a function of a module in a new process, on the test's database."""
    # Where one that is killed leaves what it would have removed.
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    started: list[SpawnProcess] = []

    def start(target: Callable[..., None], *arguments: Any) -> SpawnProcess:
        name = str(connection.settings_dict["NAME"])
        # By its path: a module of models is imported when Django is set up, not before.
        path = f"{target.__module__}.{target.__qualname__}"
        process = get_context("spawn").Process(target=enter, args=(name, path, arguments))
        process.start()
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.join()
        process.close()
