"""Many processes at once, and processes that die: nobody sees what is not so any more."""

from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Barrier
from typing import Any
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from backstay.caching.backends import LEADER_SECONDS, Found, backend
from backstay.counters import counted
from backstay.store import key, store
from tests.backstay.caching.actors import Actor, Place, actors, reach
from tests.backstay.caching.raced import WRITES, read, runs, truth, write
from tests.backstay.testapp.models import Book, Shelf
from tests.faulty_redis import redis_of_ones_own
from tests.forks import PATIENCE_SECONDS
from tests.shop.processes import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(
        not settings.BACKSTAY.get("REDIS_URL") or connection.vendor != "postgresql",
        reason="processes share PostgreSQL and Redis",
    ),
]

PROCESSES, CALLERS = 4, 200

BOOKS = "/books/"


@pytest.fixture
def shelf():
    shelf = Shelf.objects.create(name="One")
    Book.objects.create(shelf=shelf, title="First", position=1)
    return shelf


@pytest.fixture
def place():
    """With keys of its own in Redis."""
    own = {"KEY_PREFIX": uuid4().hex}
    redis = str(settings.BACKSTAY["REDIS_URL"])
    return Place(str(connection.settings_dict["NAME"]), redis, backstay=own)


def warm(*readers: Actor, path: str = BOOKS) -> None:
    for reader in readers:
        reader.do(read, path)
        assert reader.do(read, path)[2] == "hit"


def crowd(path: str, callers: int) -> list[tuple[int, object, str]]:
    """What so many get who ask in one process at the same moment."""
    line = Barrier(callers + 1)

    def one() -> tuple[int, object, str]:
        line.wait(PATIENCE_SECONDS)
        try:
            return read(path)
        finally:
            connection.close()

    with ThreadPoolExecutor(callers) as threads:
        reads = [threads.submit(one) for _ in range(callers)]
        reach("ready")
        line.wait(PATIENCE_SECONDS)
        return [each.result() for each in reads]


def gather(acting: list[Actor], path: str, callers: int) -> list[tuple[int, object, str]]:
    for actor in acting:
        actor.hold_or_fail("ready", crowd, path, callers // len(acting))
    for actor in acting:
        actor.go_on()
    return [answer for actor in acting for answer in actor.result()]


def in_two_steps() -> None:
    """See whether somebody leads, and then lead."""
    place: Any = backend()
    look, redis = place.look, store()

    def looked(cache_key: str, *, leader: str = "", route: str = "") -> Found:
        found = look(cache_key, route=route)
        if not leader or found.fresh or redis is None:
            return found
        name = key("cache", cache_key, "leader")
        leads = redis.call("GET", name)
        if leads is None:
            redis.call("SET", name, leader, "EX", PATIENCE_SECONDS)
        return found._replace(leader=leads.decode() if leads else leader)

    place.look = looked


def some(always: str, *, of: Iterable[str]) -> list[Any]:
    """One in every run, the others in the long one."""
    others = [pytest.param(one, marks=pytest.mark.long) for one in of if one != always]
    return [always, *others]


class TestCrowd:
    @pytest.mark.C3
    def test_runs_the_view_once(self, place, shelf):
        patient = place._replace(leader_seconds=PATIENCE_SECONDS)
        with actors(PROCESSES, patient) as acting:
            answers = gather(acting, BOOKS, CALLERS)
            assert sum(actor.do(runs) for actor in acting) == 1
        assert len(answers) == CALLERS
        assert all(answer[:2] == (200, truth(BOOKS, None)) for answer in answers)
        outcomes = Counter(outcome for *_, outcome in answers)
        assert outcomes["fwd=miss; stored"] == 1
        assert outcomes.keys() <= {"fwd=miss; stored", "fwd=miss; collapsed", "hit"}

    @pytest.mark.long
    def test_that_asks_before_it_leads_runs_it_more_often(self, place, shelf):
        """So the test above can tell one step from two."""
        patient = place._replace(leader_seconds=PATIENCE_SECONDS, spoil=in_two_steps)
        with actors(PROCESSES, patient) as acting:
            gather(acting, BOOKS, CALLERS)
            assert sum(actor.do(runs) for actor in acting) > 1

    @pytest.mark.C3
    def test_waits_for_nobody_longer_than_a_leader_has(self):
        redis: Any = store()
        name = uuid4().hex
        backend().look(name, leader="me")
        assert 0 < redis.call("PTTL", key("cache", name, "leader")) <= LEADER_SECONDS * 1_000

    @pytest.mark.C3
    def test_does_without_a_leader_that_is_dead(self, place, shelf):
        patient = place._replace(leader_seconds=0.5)
        with actors(3, patient) as [leader, *others]:
            leader.hold_or_fail("made", read, BOOKS)
            leader.kill()
            answers = gather(others, BOOKS, 8)
            assert sum(actor.do(runs) for actor in others) == 1
        outcomes = Counter(outcome for *_, outcome in answers)
        assert outcomes["fwd=miss; stored"] == 1
        assert all(answer[:2] == (200, truth(BOOKS, None)) for answer in answers)


@pytest.mark.C2
class TestWriter:
    @pytest.mark.parametrize("kind", some("update", of=("save in a transaction", "bulk_create")))
    @pytest.mark.parametrize("point", ["announced", "committed"])
    def test_that_is_killed_leaves_nothing_stale(self, place, shelf, kind, point):
        with actors(3, place) as [writer, *readers]:
            warm(*readers)
            before = truth(BOOKS, None)
            writer.hold_or_fail(point, write, kind, shelf.pk, "New")
            for _ in range(2):
                assert [reader.do(read, BOOKS)[1] for reader in readers] == [truth(BOOKS, None)] * 2
            writer.kill()
            now = truth(BOOKS, None)
            assert (now == before) == (point == "announced")
            for _ in range(2):
                assert [reader.do(read, BOOKS)[1] for reader in readers] == [now] * 2
            readers[0].do(write, "update", shelf.pk, "Newer")
            assert [reader.do(read, BOOKS)[1] for reader in readers] == [truth(BOOKS, None)] * 2

    @pytest.mark.parametrize(
        "kind", some("bulk_update", of=sorted(WRITES.keys() - {"delete", "rolled back"}))
    )
    def test_is_not_undone_by_a_slow_reader(self, place, shelf, kind):
        with actors(3, place) as [slow, writer, reader]:
            before = truth(BOOKS, None)
            slow.hold_or_fail("made", read, BOOKS)
            writer.do(write, kind, shelf.pk, "New")
            assert slow.finish()[1] == before
            now = truth(BOOKS, None)
            assert now != before
            assert [one.do(read, BOOKS)[1] for one in (reader, slow, writer)] == [now] * 3

    def test_is_not_undone_by_one_who_reads_before_its_commit(self, place, shelf):
        with actors(3, place) as [slow, writer, reader]:
            writer.hold_or_fail("announced", write, "update", shelf.pk, "New")
            slow.hold_or_fail("made", read, BOOKS)
            writer.finish()
            slow.finish()
            assert reader.do(read, BOOKS)[1] == truth(BOOKS, None)

    def test_that_is_killed_after_its_commit_is_not_undone_by_one_who_read_before(
        self, place, shelf
    ):
        with actors(2, place) as [writer, reader]:
            arguments = (write, "update", shelf.pk, "New")
            writer.hold_or_fail("announced", *arguments, then="committed")
            before = truth(BOOKS, None)
            assert [reader.do(read, BOOKS)[1] for _ in range(3)] == [before] * 3
            writer.go_on(until="committed")
            writer.kill()
            assert reader.do(read, BOOKS)[1] == truth(BOOKS, None) != before

    def test_that_rolls_back_leaves_everything_as_it_was(self, place, shelf):
        with actors(2, place) as [writer, reader]:
            warm(reader)
            writer.do(write, "rolled back", shelf.pk, "Never")
            assert reader.do(read, BOOKS) == (200, truth(BOOKS, None), "hit")


FAULTS = {
    "freezes": ("pause", "resume"),
    "dies and comes back empty": ("kill", "start"),
    "takes no writes": ("make_read_only", "make_primary"),
    "is full": ("fill", "unfill"),
}


@pytest.mark.F1
@pytest.mark.C2
@pytest.mark.parametrize("fault", some("freezes", of=FAULTS))
def test_a_write_while_redis_is_out_is_seen_by_all_afterwards(place, shelf, fault):
    out, back = FAULTS[fault]
    with redis_of_ones_own() as server:
        faulty = place._replace(redis=server.url, timeout_seconds=0.1)
        with actors(3, faulty) as [writer, reader, idle]:
            warm(writer, reader, idle)
            getattr(server, out)()
            try:
                writer.do(write, "update", shelf.pk, "New")
                now = truth(BOOKS, None)
                meanwhile = [actor.do(read, BOOKS)[:2] for actor in (writer, reader) * 3]
                assert meanwhile == [(200, now)] * 6
                assert writer.do(partial(counted, "outage", part="cache")) > 0
                assert reader.do(partial(counted, "outage", part="cache")) > 0
            finally:
                getattr(server, back)()
            # Who met the outage trusts nothing from before; who did not hears from the writer.
            for _ in range(3):
                assert [actor.do(read, BOOKS)[:2] for actor in (writer, reader)] == [(200, now)] * 2
            assert eventually(lambda: idle.do(read, BOOKS)[:2] == (200, now), seconds=10)
            assert eventually(lambda: writer.do(read, BOOKS)[2] == "hit", seconds=40)
            assert [a.do(read, BOOKS)[:2] for a in (writer, reader, idle)] == [(200, now)] * 3
            assert writer.do(partial(counted, "cache_distrusted")) > 0


@pytest.mark.F1
@pytest.mark.C2
def test_who_met_an_outage_trusts_nothing_from_before_it(place, shelf):
    """Though the one who wrote meanwhile is dead, and tells nobody."""
    with redis_of_ones_own() as server:
        faulty = place._replace(redis=server.url, timeout_seconds=0.1)
        with actors(2, faulty) as [writer, reader]:
            warm(writer, reader)
            server.pause()
            try:
                writer.do(write, "update", shelf.pk, "New")
                writer.kill()
                now = truth(BOOKS, None)
                assert reader.do(read, BOOKS)[:2] == (200, now)
            finally:
                server.resume()
            assert eventually(lambda: reader.do(read, BOOKS)[2] != "fwd=bypass", seconds=10)
            assert [reader.do(read, BOOKS)[:2] for _ in range(3)] == [(200, now)] * 3
