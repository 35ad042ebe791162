"""
Others who read and write through the cache, held where a test wants them, or killed there.

The points at which one can be held: ``made``, an answer that is not kept yet; ``announced``,
a write that is not committed yet; ``committed``, one that is not settled yet.

An actor is a process, by ``Actor``, or a thread of the test's own, by ``ThreadActor``.
"""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from threading import Thread
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection

from backstay import store
from backstay.caching import backends as contract
from backstay.caching import serving
from backstay.caching.backends import Backend, Fill, backend, redis
from tests.forks import FORKS, PATIENCE_SECONDS, use_database

Call = Callable[..., Any]

_hold: ContextVar[Callable[[str], None]] = ContextVar("hold", default=lambda point: None)


class Place(NamedTuple):
    """Where an actor works."""

    database: str
    redis: str
    #: Of a leader: whoever is held leads no longer than the others wait.
    leader_seconds: float = 0.05
    timeout_seconds: float = PATIENCE_SECONDS
    #: What it makes worse first, to see that a test finds it.
    spoil: Callable[[], None] | None = None
    #: Further settings of backstay's.
    backstay: Mapping[str, Any] = {}


class ThreadActor:
    """Does one thing at a time."""

    def __init__(self) -> None:
        self._pipe, far = Pipe()
        self.is_held = False
        self._start(far)

    def _start(self, far: "Connection[Any, Any]") -> None:
        Thread(target=_work, args=(far,), daemon=True).start()

    def begin(self, call: Call, *arguments: object, hold: Collection[str] = ()) -> None:
        self._pipe.send((call, arguments, hold))

    def result(self) -> Any:
        """What came of it, at no point held any more."""
        while True:
            what, value = self._news()
            self.is_held = False
            if what == "done":
                return value
            assert what == "at", value
            self._pipe.send(None)

    def do(self, call: Call, *arguments: object) -> Any:
        self.begin(call, *arguments)
        return self.result()

    def hold(self, point: str, call: Call, *arguments: object, then: str = "") -> Any:
        """
        Whether it is held at *point* now; if it never came there, what came of it.

        *then* is where it is to be held after that.
        """
        self.begin(call, *arguments, hold=[point, then])
        what, value = self._news()
        assert what != "raised", value
        self.is_held = what == "at"
        return self.is_held or value

    def go_on(self, *, until: str = "") -> None:
        """To its end, or to be held again at the point that it was told to be held at too."""
        assert self.is_held
        self._pipe.send(None)
        if until:
            assert self._news() == ("at", until)

    def finish(self) -> Any:
        """Let it go on, to its end."""
        self.go_on()
        return self.result()

    def hold_or_fail(self, point: str, call: Call, *arguments: object, then: str = "") -> None:
        assert self.hold(point, call, *arguments, then=then) is True, f"It never came to {point!r}."

    def _news(self) -> tuple[str, Any]:
        assert self._pipe.poll(PATIENCE_SECONDS), "An actor does not answer."
        news: tuple[str, Any] = self._pipe.recv()
        return news

    def leave(self) -> None:
        if self.is_held:
            self.finish()
        self._pipe.send(None)


class Actor(ThreadActor):
    """A process of its own."""

    def __init__(self, place: Place) -> None:
        self.place = place
        super().__init__()

    def _start(self, far: "Connection[Any, Any]") -> None:
        self._process = FORKS.Process(target=_live, args=(far, self.place), daemon=True)
        self._process.start()
        far.close()

    def kill(self) -> None:
        """With SIGKILL."""
        self._process.kill()
        self._process.join()

    def leave(self) -> None:
        self.kill()


@contextmanager
def actors(count: int, place: Place) -> Iterator[list[Actor]]:
    """So many, which are all gone afterwards, whoever takes whose place meanwhile."""
    acting = [Actor(place) for _ in range(count)]
    try:
        yield acting
    finally:
        for actor in acting:
            actor.kill()


def reach(point: str) -> None:
    """Where an actor is held if it was told so."""
    _hold.get()(point)


def use_prefix(prefix: str) -> None:
    """Of all keys in Redis: what was kept under another is not there."""
    settings.BACKSTAY = {**settings.BACKSTAY, "KEY_PREFIX": prefix}


def _live(pipe: "Connection[Any, Any]", place: Place) -> None:
    use_database(place.database)
    settings.ROOT_URLCONF = "tests.backstay.caching.raced"
    settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": place.redis, **place.backstay}
    store.TIMEOUT_SECONDS = place.timeout_seconds
    for module in (contract, serving, redis):
        vars(module)["LEADER_SECONDS"] = place.leader_seconds
    if place.spoil is not None:
        place.spoil()
    stop_at_points(backend(), setattr)
    _work(pipe)


def _work(pipe: "Connection[Any, Any]") -> None:
    try:
        while (order := pipe.recv()) is not None:
            call, arguments, points = order
            _hold.set(_holding(pipe, points))
            try:
                news = "done", call(*arguments)
            # Whatever is raised is told, and fails the test.
            except Exception as error:  # noqa: BLE001
                news = "raised", repr(error)
            pipe.send(news)
    except EOFError:
        pass  # The test is over.
    finally:
        connection.close()


def _holding(pipe: "Connection[Any, Any]", points: Collection[str]) -> Callable[[str], None]:
    def hold(point: str) -> None:
        if point in points:
            pipe.send(("at", point))
            pipe.recv()

    return hold


def stop_at_points(place: Backend, replace: Callable[[Any, str, Any], None]) -> None:
    """Let actors of this process be held in what they ask of *place*."""
    announce, settle, fill = place.announce, place.settle, place.fill

    def announced(tags: Collection[str], writer: str) -> None:
        announce(tags, writer)
        reach("announced")

    def committed(tags: Collection[str], writer: str) -> None:
        reach("committed")
        settle(tags, writer)

    def made(answer: Fill) -> bool:
        reach("made")
        return fill(answer)

    replace(place, "announce", announced)
    replace(place, "settle", committed)
    replace(place, "fill", made)
