"""Records are told a moment later: no request waits for it, and nothing piles up."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from threading import Event, Thread

import pytest

from backstay.background import Repeated
from backstay.counters import counted
from backstay.errors.request_ids import current, request_id
from backstay.monitoring import Record, add_sink, remove_sink, sinks
from tests.backstay.monitoring.records import record

pytestmark = [pytest.mark.M1, pytest.mark.once]

WAIT_SECONDS = 30


@pytest.fixture
def server(monkeypatch) -> Iterator[Repeated]:
    """As in a server: records wait for a thread to tell them, which ends with the test."""
    monkeypatch.setattr(sinks, "MOST_WAITING", 4)
    delivering = Repeated(sinks.deliver, seconds=0.01, name="test")
    monkeypatch.setattr(sinks, "_delivering", delivering)
    yield delivering
    delivering.end()
    sinks._waiting.clear()


@pytest.fixture
def later(server) -> None:
    """The thread does not come to it before the test has them told."""
    server.enabled = False


@contextmanager
def telling(sink: sinks.Sink) -> Iterator[None]:
    add_sink(sink)
    try:
        yield
    finally:
        remove_sink(sink)


@pytest.fixture
def told() -> Iterator[list[Record]]:
    records: list[Record] = []
    with telling(records.append):
        yield records


def routes(records: list[Record]) -> list[str]:
    return [one.route for one in records]


def test_they_are_told_in_order_and_once(later, told):
    for route in "abc":
        sinks.hand_over(partial(record, route))
    assert told == []

    sinks.deliver()
    sinks.deliver()

    assert routes(told) == ["a", "b", "c"]


def test_more_than_are_told_together_are_told_in_order_too(later, told, monkeypatch):
    monkeypatch.setattr(sinks, "TOGETHER", 2)
    monkeypatch.setattr(sinks, "MOST_WAITING", 6)
    for route in "abcde":
        sinks.hand_over(partial(record, route))

    sinks.deliver()

    assert routes(told) == ["a", "b", "c", "d", "e"]


def test_whoever_finds_too_many_tells_the_first(later, told, monkeypatch):
    monkeypatch.setattr(sinks, "TOGETHER", 3)
    for route in "abcde":
        sinks.hand_over(partial(record, route))

    assert routes(told) == ["a", "b", "c"]


def test_they_are_told_without_another_request(server):
    seen = Event()

    def see(_: Record) -> None:
        seen.set()

    with telling(see):
        sinks.hand_over(record)
        assert seen.wait(WAIT_SECONDS)


def test_one_that_cannot_be_made_is_counted_and_the_others_are_told(later, told):
    def unmade() -> Record:
        raise RuntimeError

    before = counted("monitoring_failed")
    sinks.hand_over(unmade)
    sinks.hand_over(partial(record, "b"))
    sinks.deliver()

    assert (routes(told), counted("monitoring_failed")) == (["b"], before + 1)


def test_who_asks_for_all_is_not_kept_by_those_who_come_meanwhile(later, told, monkeypatch):
    """A scrape of a busy service."""
    monkeypatch.setattr(sinks, "TOGETHER", 1)

    def one_more(_: Record) -> None:
        sinks._waiting.append(record)

    with telling(one_more):
        for _ in range(3):
            sinks.hand_over(record)
        sinks.deliver()

    assert len(told) == 3


def test_a_sink_that_hangs_holds_no_request_up_for_long_and_fills_nothing(later, told, monkeypatch):
    monkeypatch.setattr(sinks, "OVERFLOW_SECONDS", 0.01)
    begun, goes_on = Event(), Event()

    def hang(_: Record) -> None:
        begun.set()
        goes_on.wait(WAIT_SECONDS)

    before = counted("monitoring_dropped")
    with telling(hang):
        sinks.hand_over(record)
        thread = Thread(target=sinks.deliver)
        thread.start()
        try:
            assert begun.wait(WAIT_SECONDS)
            for _ in range(10):
                sinks.hand_over(record)
            assert len(sinks._waiting) < sinks.MOST_WAITING
            assert counted("monitoring_dropped") == before + 7
        finally:
            goes_on.set()
            thread.join(WAIT_SECONDS)


def test_whoever_wants_all_told_waits_for_what_is_being_told(later):
    """Nothing waits any more then; a scrape would miss it, and the end of a process lose it."""
    begun, goes_on = Event(), Event()

    def linger(_: Record) -> None:
        begun.set()
        goes_on.wait(WAIT_SECONDS)

    with telling(linger):
        sinks.hand_over(record)
        telling_it, asking = Thread(target=sinks.deliver), Thread(target=sinks.deliver)
        telling_it.start()
        try:
            assert begun.wait(WAIT_SECONDS)
            asking.start()
            asking.join(0.05)
            assert asking.is_alive()
        finally:
            goes_on.set()
            telling_it.join(WAIT_SECONDS)
        asking.join(WAIT_SECONDS)
        assert not asking.is_alive()


def test_a_process_ends_beside_a_sink_that_hangs(later, monkeypatch):
    monkeypatch.setattr(sinks, "END_SECONDS", 0.01)
    begun, goes_on = Event(), Event()

    def hang(_: Record) -> None:
        begun.set()
        goes_on.wait(WAIT_SECONDS)

    with telling(hang):
        sinks.hand_over(record)
        thread = Thread(target=sinks.deliver)
        thread.start()
        try:
            assert begun.wait(WAIT_SECONDS)
            sinks.hand_over(record)
            sinks.deliver()
            assert thread.is_alive()
        finally:
            goes_on.set()
            thread.join(WAIT_SECONDS)


def test_a_sink_knows_no_request_but_by_its_record(later):
    seen = []

    def see(one: Record) -> None:
        seen.append((one.request_id, request_id()))

    token = current.set("of the scraper")
    try:
        with telling(see):
            sinks.hand_over(partial(record, request_id="its own"))
            sinks.deliver()
    finally:
        current.reset(token)

    assert seen == [("its own", "")]


def test_a_sink_may_have_the_others_told(later, told, monkeypatch):
    """The dashboard's history does, where it is read."""
    monkeypatch.setattr(sinks, "END_SECONDS", 0.01)

    def ask(one: Record) -> None:
        if one.route == "a":
            sinks.hand_over(partial(record, "b"))
            sinks.deliver()
            assert routes(told) == ["a", "b"]

    before = counted("monitoring_sink", outcome="failed")
    with telling(ask):
        sinks.hand_over(partial(record, "a"))
        sinks.deliver()

    assert routes(told) == ["a", "b"]
    assert counted("monitoring_sink", outcome="failed") == before
