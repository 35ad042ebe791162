"""Records are told a moment later: no request waits for it, and nothing piles up."""

from functools import partial
from threading import Event, Thread

import pytest

from backstay.background import Repeated
from backstay.counters import counted
from backstay.errors.request_ids import current, request_id
from backstay.monitoring import add_sink, remove_sink, sinks
from tests.backstay.monitoring.records import record

pytestmark = [pytest.mark.M1, pytest.mark.once]

WAIT_SECONDS = 30


@pytest.fixture
def server(monkeypatch):
    """As in a server: records wait for a thread to tell them, which ends with the test."""
    monkeypatch.setattr(sinks, "MOST_WAITING", 4)
    delivering = Repeated(sinks.deliver, seconds=0.01, name="test")
    monkeypatch.setattr(sinks, "_delivering", delivering)
    yield delivering
    delivering.end()
    sinks._waiting.clear()


@pytest.fixture
def later(server):
    """The thread does not come to it before the test has them told."""
    server.enabled = False


@pytest.fixture
def told():
    routes = []
    sink = lambda one: routes.append(one.route)  # noqa: E731  # To be removed again.
    add_sink(sink)
    yield routes
    remove_sink(sink)


def test_they_are_told_in_order_and_once(later, told):
    for route in "abc":
        sinks.hand_over(partial(record, route))
    assert told == []

    sinks.deliver()
    sinks.deliver()

    assert told == ["a", "b", "c"]


def test_whoever_finds_too_many_tells_them(later, told):
    for route in "abcde":
        sinks.hand_over(partial(record, route))

    assert told == ["a", "b", "c", "d"]


def test_they_are_told_without_another_request(server):
    seen = Event()
    sink = lambda _: seen.set()  # noqa: E731  # As above.
    add_sink(sink)
    try:
        sinks.hand_over(record)
        assert seen.wait(WAIT_SECONDS)
    finally:
        remove_sink(sink)


def test_one_that_hangs_holds_no_request_up_for_long_and_fills_nothing(later, told, monkeypatch):
    monkeypatch.setattr(sinks, "OVERFLOW_SECONDS", 0.01)
    begun, goes_on = Event(), Event()

    def hangs(_: object) -> None:
        begun.set()
        goes_on.wait(WAIT_SECONDS)

    add_sink(hangs)
    before = counted("monitoring_sink", outcome="dropped")
    sinks.hand_over(record)
    thread = Thread(target=sinks.deliver)
    thread.start()
    try:
        assert begun.wait(WAIT_SECONDS)
        for _ in range(10):
            sinks.hand_over(record)
        assert len(sinks._waiting) < sinks.MOST_WAITING
        assert counted("monitoring_sink", outcome="dropped") == before + 7
    finally:
        goes_on.set()
        thread.join(WAIT_SECONDS)
        remove_sink(hangs)


def test_a_sink_knows_no_request_but_by_its_record(later):
    seen = []
    sink = lambda one: seen.append((one.request_id, request_id()))  # noqa: E731  # As above.
    add_sink(sink)
    token = current.set("of the scraper")
    try:
        sinks.hand_over(partial(record, request_id="its own"))
        sinks.deliver()
    finally:
        current.reset(token)
        remove_sink(sink)

    assert seen == [("its own", "")]


def test_a_sink_may_have_the_others_told(later, told):
    """The dashboard's history does, where it is read."""
    asking = lambda _: sinks.deliver()  # noqa: E731  # As above.
    add_sink(asking)
    try:
        sinks.hand_over(partial(record, "a"))
        sinks.deliver()
    finally:
        remove_sink(asking)

    assert told == ["a"]
