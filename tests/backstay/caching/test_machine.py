"""
Reads, writes, rollbacks, slow readers and killed processes in any order: never a stale byte.

Whoever is held, or was killed, the next answer to anybody is what the database says then, and
for who asked. The answer of a slow reader is what it said while that reader read.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import HealthCheck, Phase
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    precondition,
    rule,
    run_state_machine_as_test,
)

from backstay.caching import serving
from backstay.caching.backends import backend, local
from tests.backstay.caching.actors import (
    Actor,
    Place,
    ThreadActor,
    actors,
    stop_at_points,
    use_prefix,
)
from tests.backstay.caching.raced import WRITES, read, truth, write
from tests.backstay.testapp.models import Book, Shelf

pytestmark = [pytest.mark.C1, pytest.mark.C2, pytest.mark.django_db(transaction=True)]

ACTORS = 4

#: Few of all, so that they meet often.
PATHS = ("/books/", "/books/{first}/", "/own/")
CALLERS = (1, 2)
BOOKS = ("/books/", 1)

numbers = st.integers(0, ACTORS - 1)
asked = st.tuples(st.sampled_from(PATHS), st.sampled_from(CALLERS))


class Machine(RuleBasedStateMachine):
    """Over *acting*, whom a subclass brings; who is held is busy until it is let go."""

    acting: Sequence[Any]
    #: SQLite has one, and whoever else wants to write waits for it.
    writers = ACTORS
    busy: dict[int, Any]

    def __init__(self) -> None:
        super().__init__()
        self.texts = 0
        #: What was true as they read, by their number; ``None`` of those who write.
        self.busy = {}
        self.shelves = [Shelf.objects.create(name=uuid4().hex).pk for _ in range(ACTORS)]
        for shelf in self.shelves:
            Book.objects.create(shelf_id=shelf, title="First")
        self.first = Book.objects.order_by("pk")[0].pk
        self.begin()

    def begin(self) -> None:
        """Forget what was kept before."""
        raise NotImplementedError

    def teardown(self) -> None:
        for number in [*self.busy]:
            self.acting[number].finish()
        Book.objects.all().delete()
        Shelf.objects.all().delete()

    @rule(number=numbers, asked=asked)
    def reads(self, number, asked):
        if number not in self.busy:
            path, caller = self.path(asked)
            answer = self.acting[number].do(read, path, caller)
            assert answer[:2] == (200, truth(path, caller)), answer

    @rule(number=numbers, asked=asked)
    def begins_to_read(self, number, asked):
        if number not in self.busy:
            path, caller = self.path(asked)
            expected = truth(path, caller)
            answer = self.acting[number].hold("made", read, path, caller)
            if answer is True:
                self.busy[number] = expected
            else:
                assert answer[:2] == (200, expected), answer

    @rule(number=numbers, kind=st.sampled_from(sorted(WRITES)))
    def writes(self, number, kind):
        if number not in self.busy and self.may_write():
            self.acting[number].do(write, kind, self.shelves[number], self.text())

    @rule(
        number=numbers,
        kind=st.sampled_from(sorted(WRITES)),
        point=st.sampled_from(["announced", "committed"]),
    )
    def begins_to_write(self, number, kind, point):
        if number not in self.busy and self.may_write():
            actor, shelf = self.acting[number], self.shelves[number]
            if actor.hold(point, write, kind, shelf, self.text()) is True:
                self.busy[number] = None

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def goes_on(self, data):
        number = data.draw(st.sampled_from(sorted(self.busy)))
        expected = self.busy.pop(number)
        answer = self.acting[number].finish()
        if expected is not None:
            assert answer[:2] == (200, expected), answer

    def may_write(self) -> bool:
        return sum(one is None for one in self.busy.values()) < self.writers

    def path(self, asked: tuple[str, int]) -> tuple[str, int]:
        path, caller = asked
        return path.format(first=self.first), caller

    def text(self) -> str:
        self.texts += 1
        return f"{self.texts}"


class OverProcesses(Machine):
    """On PostgreSQL and Redis, where actors are also killed."""

    acting: list[Actor]

    def begin(self) -> None:
        self.prefix = uuid4().hex
        for actor in self.acting:
            actor.do(use_prefix, self.prefix)

    @precondition(lambda self: self.busy)
    @rule(data=st.data())
    def dies(self, data):
        number = data.draw(st.sampled_from(sorted(self.busy)))
        del self.busy[number]
        dead = self.acting[number]
        dead.kill()
        self.acting[number] = Actor(dead.place)
        self.acting[number].do(use_prefix, self.prefix)


class OverThreads(Machine):
    """In this process, on SQLite: one writer at a time."""

    writers = 1

    def begin(self) -> None:
        local.local.clear()


def run(machine: type[Machine], *, examples: int) -> None:
    """What fails is not made smaller: with processes that would take hours."""
    run_state_machine_as_test(
        machine,
        settings=hypothesis_settings(
            max_examples=examples,
            stateful_step_count=30,
            phases=[Phase.reuse, Phase.generate],
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


def processes(spoil: Any = None) -> Any:
    name = str(connection.settings_dict["NAME"])
    return actors(ACTORS, Place(name, str(settings.BACKSTAY["REDIS_URL"]), spoil=spoil))


def over_threads(monkeypatch: pytest.MonkeyPatch, examples: int) -> None:
    for module in (serving, local):
        monkeypatch.setattr(module, "LEADER_SECONDS", 0.05)
    stop_at_points(backend(), monkeypatch.setattr)
    with ExitStack() as stack:
        acting = [ThreadActor() for _ in range(ACTORS)]
        for actor in acting:
            stack.callback(actor.leave)
        run(type("Here", (OverThreads,), {"acting": acting}), examples=examples)


shared = pytest.mark.skipif(
    not settings.BACKSTAY.get("REDIS_URL") or connection.vendor != "postgresql",
    reason="processes share PostgreSQL and Redis",
)
alone = pytest.mark.skipif(
    bool(settings.BACKSTAY.get("REDIS_URL")), reason="threads share what one process keeps"
)


@shared
@pytest.mark.parametrize("examples", [5, pytest.param(25, marks=pytest.mark.long)])
def test_over_processes(examples):
    with processes() as acting:
        run(type("Here", (OverProcesses,), {"acting": acting}), examples=examples)


@alone
@pytest.mark.parametrize("examples", [5, pytest.param(50, marks=pytest.mark.long)])
def test_over_threads(settings, monkeypatch, examples):
    settings.ROOT_URLCONF = "tests.backstay.caching.raced"
    over_threads(monkeypatch, examples)


def without_announcing() -> None:
    """Settling alone: who is killed before it, or reads before it, keeps what was."""
    place: Any = backend()
    place.announce = lambda tags, writer: None


def without_looking_at_writers() -> None:
    """Announced, and then anybody may keep what was there before the commit."""
    place: Any = backend()
    announce, settle = place.announce, place.settle

    def announced(tags: Any, writer: str) -> None:
        announce(tags, writer)
        settle(tags, writer)

    place.announce = announced
    place.settle = lambda tags, writer: None


def without_stamps() -> None:
    """Whoever has read something keeps it as if it had been read now."""
    place: Any = backend()
    fill = place.fill
    place.fill = lambda answer: fill(answer._replace(found=place.look(answer.key)))


class Told(OverProcesses):
    """What happens in it is told step by step; in what is drawn at random it comes up too."""

    def let_go(self, number: int) -> None:
        self.goes_on(SimpleNamespace(draw=lambda _: number))


def reads_while_it_is_written(machine: Told) -> None:
    machine.reads(0, BOOKS)
    machine.begins_to_write(1, "save", "committed")
    machine.reads(0, BOOKS)
    machine.let_go(1)


def keeps_what_is_being_written(machine: Told) -> None:
    machine.begins_to_write(1, "save", "announced")
    machine.reads(0, BOOKS)
    machine.let_go(1)
    machine.reads(0, BOOKS)


def keeps_what_was_written_since(machine: Told) -> None:
    machine.begins_to_read(0, BOOKS)
    machine.writes(1, "save")
    machine.let_go(0)
    machine.reads(2, BOOKS)


@shared
@pytest.mark.long
@pytest.mark.parametrize(
    ("story", "mistake"),
    [
        (reads_while_it_is_written, without_announcing),
        (keeps_what_is_being_written, without_looking_at_writers),
        (keeps_what_was_written_since, without_stamps),
    ],
)
def test_it_finds_what_is_wrong(story, mistake):
    told(story)
    with pytest.raises(AssertionError, match=r"^\(200, "):  # An answer that is not true.
        told(story, mistake)


def told(story: Callable[[Told], None], spoil: Any = None) -> None:
    with processes(spoil) as acting:
        machine = type("Here", (Told,), {"acting": acting})()
        try:
            story(machine)
        finally:
            machine.teardown()
