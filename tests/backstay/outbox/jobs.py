"""Jobs for the tests: what they do can be counted, in the database and outside it."""

import time
from pathlib import Path

from backstay.outbox import current_job, job
from tests.backstay.testapp.models import Shelf


def note(path: str, line: object) -> None:
    """Append one line; the system keeps lines of several processes apart."""
    with Path(path).open("a", encoding="ascii") as file:
        file.write(f"{line}\n")


@job("tests.shelve")
def shelve(*, name: str) -> None:
    """Write one row."""
    Shelf.objects.create(name=name)


@job("tests.shelve_and_note")
def shelve_and_note(*, name: str, path: str) -> None:
    """Write one row and one line, which no rollback takes back."""
    note(path, name)
    Shelf.objects.create(name=name)


@job("tests.shelve_and_fail")
def shelve_and_fail(*, name: str) -> None:
    """Write one row and raise an error that quotes what nobody may read."""
    Shelf.objects.create(name=name)
    raise ValueError("password=hunter2 for ada@shop.example")


@job("tests.shelve_and_hang")
def shelve_and_hang(*, name: str, signs: str) -> None:
    """Write one row, say the job's id, and wait while the sign ``hang`` is there."""
    Shelf.objects.create(name=name)
    running = current_job()
    assert running is not None
    note(f"{signs}/began", running.id)
    while Path(signs, "hang").exists():
        time.sleep(0.01)


@job("tests.outside", atomic=False)
def note_outside(*, name: str, path: str) -> None:
    """Write one line, which no database knows of."""
    note(path, name)
