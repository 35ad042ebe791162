"""
Whom not to believe: in one process, in Redis, and while Redis is broken.

A process is here what makes it one to the denylist: its own connections, and its own
idea of what it may have missed.
"""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from functools import partial
from unittest import mock
from uuid import uuid4

import pytest
import time_machine
from django.db import connection, connections, transaction
from django.test import TestCase, override_settings
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from backstay import store as store_module
from backstay.auth.issuing import issue_tokens
from backstay.auth.sessions import denylist
from backstay.auth.sessions.denylist import ALIVE, DenylistPart, Verdict
from backstay.auth.sessions.endings import end_family, end_sessions, renew_claims
from backstay.auth.sessions.marks import UNSETTLED, LocalMarks
from backstay.auth.sessions.models import Family
from backstay.counters import counted
from backstay.pipeline import ask
from backstay.store import Store
from tests.faulty_redis import redis_of_ones_own
from tests.services import free_port
from tests.shop.processes import eventually

pytestmark = [pytest.mark.A3, pytest.mark.once, pytest.mark.django_db]

ENDED = Verdict(ended=True)

#: An access token of 15 minutes, 10 s of leeway, and the second that began.
MARK_SECONDS = 15 * 60 + 10 + 1


class Process:
    """What one server process, worker or command knows of the denylist."""

    def __init__(self, url: str | None = None) -> None:
        self.store = Store(url) if url else None
        self.marks = denylist._Marks()
        self.local = LocalMarks()

    @contextmanager
    def running(self):
        with ExitStack() as swapped:
            for module, name, own in (
                (store_module, "_store_of", lambda url: self.store),
                (denylist, "_marks", self.marks),
                (denylist, "_local", self.local),
            ):
                swapped.enter_context(mock.patch.object(module, name, own))
            yield

    def verdict(self, family: str) -> Verdict:
        with self.running():
            [verdict] = ask(DenylistPart(family))
        return verdict

    def does(self, action: Callable[..., object], *arguments: object) -> None:
        # What follows a commit has to follow it here, where the test's own is never made.
        with self.running(), TestCase.captureOnCommitCallbacks(execute=True):
            action(*arguments)


@pytest.fixture
def server(monkeypatch):
    """A Redis to break, that is given more time than in production: tests share machines."""
    monkeypatch.setattr(store_module, "TIMEOUT_SECONDS", 0.3)
    with redis_of_ones_own() as server, override_settings(BACKSTAY={"REDIS_URL": server.url}):
        yield server


@pytest.fixture
def started(server):
    """Make processes that have loaded the denylist, on a Redis that knows the scripts."""

    def start(count: int = 2) -> list[Process]:
        processes = [Process(server.url) for _ in range(count)]
        for process in processes:
            process.does(denylist.announce, [anybody()])
            process.verdict(anybody())
        return processes

    return start


@pytest.fixture(params=["in process", "redis"])
def process(request):
    """The one process of a project without Redis, or one of those that share one."""
    if request.param == "redis":
        return request.getfixturevalue("started")(1)[0]
    alone = Process()
    alone.verdict(anybody())
    return alone


@pytest.fixture
def family(user):
    return login(user)


def anybody() -> str:
    """A family nobody has heard of."""
    return str(uuid4())


def login(user) -> str:
    issue_tokens(user)
    return str(Family.objects.latest("created_at").pk)


def mark_of(server, family):
    mark = server.do("GET", f"backstay:family:{family}")
    return mark and mark.decode()


class TestVerdict:
    def test_of_a_family_without_a_mark_is_alive_without_a_query(
        self, process, family, django_assert_num_queries
    ):
        with django_assert_num_queries(0):
            assert process.verdict(family) == ALIVE

    def test_of_an_ended_family_is_ended_without_a_query(
        self, process, family, django_assert_num_queries
    ):
        process.does(end_family, family)
        with django_assert_num_queries(0):
            assert process.verdict(family) == ENDED

    def test_of_other_families_of_the_user_is_untouched(self, process, family, user):
        other = login(user)
        process.does(end_family, family)
        assert process.verdict(other) == ALIVE

    def test_of_all_of_a_user_is_ended(self, process, user):
        families = [login(user) for _ in range(3)]
        process.does(end_sessions, user)
        assert [process.verdict(family) for family in families] == [ENDED] * 3

    def test_after_a_renewal_tells_from_when_claims_are_true(
        self, process, family, user, django_assert_num_queries
    ):
        process.does(renew_claims, [user])
        with django_assert_num_queries(0):
            verdict = process.verdict(family)
        assert verdict == Verdict(claims_from=Family.objects.get().claims_from)
        assert verdict.claims_from > time.time() - 5

    def test_of_a_change_that_was_rolled_back_is_asked_of_the_database(
        self, process, family, django_assert_num_queries
    ):
        with process.running(), transaction.atomic():
            end_family(family)
            transaction.set_rollback(True)
        with django_assert_num_queries(1):
            assert process.verdict(family) == ALIVE

    def test_while_a_change_is_not_committed_is_asked_of_the_database(
        self, process, family, django_assert_num_queries
    ):
        with process.running(), transaction.atomic():
            end_family(family)
            with django_assert_num_queries(1):
                ask(DenylistPart(family))

    def test_of_a_process_that_died_before_its_commit_is_told_is_asked_of_the_database(
        self, process, family, django_assert_num_queries
    ):
        with mock.patch.object(denylist, "settle"):
            process.does(end_family, family)
        with django_assert_num_queries(1):
            assert process.verdict(family) == ENDED

    def test_of_a_family_whose_row_is_gone_is_ended_where_the_database_is_asked(self, process):
        gone = anybody()
        process.does(denylist.announce, [gone])
        assert process.verdict(gone) == ENDED


class TestOrder:
    """However late somebody's word arrives, it does not undo what came after."""

    def test_an_end_is_undone_neither_by_a_renewal_that_settles_late_nor_by_its_announcement(
        self, process, family, django_assert_num_queries
    ):
        process.does(end_family, family)
        for late in ("99999999999", UNSETTLED):
            process.does(denylist._write, {family: late})
            with django_assert_num_queries(0):
                assert process.verdict(family) == ENDED

    def test_a_later_renewal_is_not_undone_by_an_earlier_one(self, process, family):
        process.does(denylist._write, {family: "2000"})
        process.does(denylist._write, {family: "1000"})
        assert process.verdict(family) == Verdict(claims_from=2000)
        process.does(denylist._write, {family: "3000"})
        assert process.verdict(family) == Verdict(claims_from=3000)

    def test_settling_tells_how_things_stand_by_then(self, process, family):
        Family.objects.update(ended_at=timezone.now())
        process.does(denylist.settle, [family], denylist.announce([family]))
        assert process.verdict(family) == ENDED

    def test_a_renewal_that_read_before_an_end_was_announced_does_not_settle_it(
        self, process, family
    ):
        """The one who ends it may die before it says so; then the database is asked."""
        with process.running():
            renewal = denylist.announce([family])
            denylist.announce([family])
            denylist._write({family: "1000"}, settles=renewal)
        Family.objects.update(ended_at=timezone.now())
        assert process.verdict(family) == ENDED

    def test_a_renewal_settles_what_it_announced(self, process, family, django_assert_num_queries):
        with process.running():
            denylist._write({family: "1000"}, settles=denylist.announce([family]))
        with django_assert_num_queries(0):
            assert process.verdict(family) == Verdict(claims_from=1000)

    def test_loading_leaves_marks_that_are_newer_than_what_it_read(self, process, family):
        process.does(denylist._write, {family: "ended"})
        with process.running():
            denylist._write({family: "1000"}, again=True)
        assert process.verdict(family) == ENDED

    @pytest.mark.django_db(transaction=True)
    def test_of_an_end_and_renewals_at_once_the_end_wins(self, process, user):
        def run(action, *arguments):
            try:
                action(*arguments)
            finally:
                connection.close()

        with process.running(), ThreadPoolExecutor(4) as threads:
            for _ in range(5):
                family = login(user)
                jobs = [threads.submit(run, renew_claims, [user]) for _ in range(2)]
                jobs += [threads.submit(run, end_family, family)]
                jobs += [threads.submit(run, renew_claims, [user])]
                assert [job.exception() for job in jobs] == [None] * 4
                assert ask(DenylistPart(family)) == [ENDED]
                assert Family.objects.get(pk=family).ended_at


class TestWithoutRedis:
    @pytest.fixture
    def alone(self):
        alone = Process()
        alone.verdict(anybody())
        return alone

    def test_marks_expire_with_the_tokens_they_are_about(self, user):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            alone = Process()
            family = login(user)
            alone.verdict(family)
            alone.does(end_family, family)
            clock.shift(MARK_SECONDS - 1)
            assert alone.verdict(family) == ENDED
            clock.shift(2)
            assert alone.verdict(family) == ALIVE

    def test_memory_is_bounded_by_the_changes_of_one_access_lifetime(self):
        with time_machine.travel(timezone.now(), tick=False) as clock:
            alone = Process()
            for _ in range(20):
                alone.does(denylist._write, dict.fromkeys([anybody() for _ in range(100)], "ended"))
                clock.shift(MARK_SECONDS / 2)
            assert len(alone.local._marks) <= 300

    def test_another_process_hears_of_an_end_when_it_starts(self, alone, family):
        alone.does(end_family, family)
        assert Process().verdict(family) == ENDED


class TestOtherProcesses:
    def test_refuse_at_once(self, started, family, django_assert_num_queries):
        one, *others = started(3)
        one.does(end_family, family)
        with django_assert_num_queries(0):
            assert [other.verdict(family) for other in others] == [ENDED] * 2

    def test_hear_of_renewed_claims_at_once(self, started, family, user):
        one, other = started()
        one.does(renew_claims, [user])
        assert other.verdict(family).claims_from

    def test_keep_believing_those_who_were_not_meant(self, started, family, user):
        one, other = started()
        another = login(user)
        one.does(end_family, family)
        assert other.verdict(another) == ALIVE

    def test_ask_the_database_while_a_change_is_under_way(
        self, server, started, family, django_assert_num_queries
    ):
        one, other = started()
        one.does(denylist.announce, [family])
        assert mark_of(server, family).startswith("?")
        with django_assert_num_queries(1):
            assert other.verdict(family) == ALIVE

    def test_are_told_of_many_in_batches(self, server, started, user):
        one, other = started()
        families = [anybody() for _ in range(1_201)]
        server.do("CONFIG", "RESETSTAT")
        one.does(denylist._write, dict.fromkeys(families, "ended"))
        assert server.calls("evalsha") == 3
        assert {other.verdict(family) for family in families[::100]} == {ENDED}


class TestMarksInRedis:
    def test_are_loaded_by_a_process_that_starts(self, server, started, family, user):
        with override_settings(BACKSTAY={}):
            alone = Process()
            alone.does(end_family, family)
            renewed = login(user)
            alone.does(renew_claims, [user])

        [one] = started(1)

        assert mark_of(server, family) == "ended"
        assert one.verdict(renewed).claims_from

    def test_expire_with_the_tokens_they_are_about(self, server, started, family):
        [one] = started(1)
        one.does(end_family, family)
        assert MARK_SECONDS - 5 < server.do("TTL", f"backstay:family:{family}") <= MARK_SECONDS

    def test_are_of_one_access_lifetime_only(self, server, started, user):
        """What changed before is nobody's concern: no token of that time is good."""
        recent, old, idle = (login(user) for _ in range(3))
        long_ago = timezone.now() - timedelta(seconds=MARK_SECONDS)
        Family.objects.update(ended_at=timezone.now(), changed_at=timezone.now())
        Family.objects.filter(pk=old).update(changed_at=long_ago)
        Family.objects.filter(pk=idle).update(last_used_at=long_ago)

        started(1)

        assert [mark_of(server, family) for family in (recent, old, idle)] == ["ended", None, None]


@pytest.mark.F1
class TestRedisThatForgot:
    def test_everything_is_given_it_again_and_the_first_request_is_refused(
        self, server, started, family, user, django_assert_num_queries
    ):
        one, other = started()
        one.does(end_family, family)
        kept = login(user)
        one.does(renew_claims, [user])
        server.do("FLUSHALL")

        assert other.verdict(family) == ENDED

        assert mark_of(server, family) == "ended"
        with django_assert_num_queries(0):
            assert one.verdict(family) == ENDED
            assert one.verdict(kept).claims_from

    def test_everything_is_given_it_again_by_one_process(self, server, started, family):
        one, other = started()
        server.do("FLUSHALL")
        before = counted("denylist_loaded")
        for process in (one, other, one, other):
            process.verdict(family)
        assert counted("denylist_loaded") == before + 1

    def test_the_end_after_a_snapshot_is_told_of_it_again(self, server, started, family, user):
        one, other = started()
        earlier = login(user)
        one.does(end_family, earlier)
        server.do("SAVE")
        one.does(end_family, family)

        server.restart()

        assert mark_of(server, family) is None
        assert server.do("EXISTS", "backstay:families")
        assert other.verdict(family) == ENDED
        assert one.verdict(family) == ENDED
        assert mark_of(server, family) == "ended"
        assert other.verdict(earlier) == ENDED

    def test_the_renewal_after_a_snapshot_is_told_of_it_again(self, server, started, family, user):
        one, other = started()
        server.do("SAVE")
        one.does(renew_claims, [user])
        server.restart()
        assert other.verdict(family).claims_from

    def test_believes_nobody_while_it_is_loaded_by_another_thread(self, server, started, family):
        one, other = started()
        one.does(end_family, family)
        server.do("FLUSHALL")
        with other.marks._lock:
            assert other.verdict(family) == ENDED
            assert not server.do("EXISTS", "backstay:families")


def refusing(server):
    server.do("CONFIG", "SET", "requirepass", "another")
    server.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def accepting(server):
    server.do("AUTH", "another")
    server.do("CONFIG", "SET", "requirepass", "")


#: What is done to Redis, and what undoes it.
OUTAGES = {
    "killed": (lambda server: server.kill(), lambda server: server.start()),
    "stopped": (lambda server: server.pause(), lambda server: server.resume()),
    "read-only": (lambda server: server.make_read_only(), lambda server: server.make_primary()),
    "full": (lambda server: server.fill(), lambda server: server.unfill()),
    "refusing": (refusing, accepting),
}


@pytest.mark.F1
@pytest.mark.parametrize("outage", OUTAGES)
@pytest.mark.long
class TestOutage:
    @pytest.fixture
    def fault(self, outage):
        return OUTAGES[outage]

    def test_each_request_asks_the_database_once(
        self, server, started, family, fault, django_assert_num_queries
    ):
        [one] = started(1)
        break_it, mend_it = fault
        break_it(server)
        for _ in range(6):
            with django_assert_num_queries(1):
                assert one.verdict(family) == ALIVE
        mend_it(server)

    def test_who_ended_before_is_refused(self, server, started, family, fault):
        one, other = started()
        one.does(end_family, family)
        break_it, mend_it = fault
        break_it(server)
        assert other.verdict(family) == ENDED
        mend_it(server)

    def test_who_ends_meanwhile_is_refused_by_all_meanwhile_and_after(
        self, server, started, family, fault
    ):
        one, other = started()
        break_it, mend_it = fault
        break_it(server)
        one.does(end_family, family)
        assert [one.verdict(family), other.verdict(family)] == [ENDED] * 2
        mend_it(server)
        assert eventually(lambda: answers(one) and answers(other), seconds=5)
        assert [other.verdict(family), one.verdict(family)] == [ENDED] * 2

    def test_afterwards_requests_cost_no_query_again(self, server, started, user, fault):
        one, other = started()
        break_it, mend_it = fault
        break_it(server)
        one.does(end_family, login(user))
        family = login(user)
        assert not costs_nothing(other.verdict, family)
        mend_it(server)
        for process in (one, other):
            assert eventually(partial(costs_nothing, process.verdict, family), seconds=5)

    def test_who_is_renewed_meanwhile_is_so_after(self, server, started, family, user, fault):
        one, other = started()
        break_it, mend_it = fault
        break_it(server)
        one.does(renew_claims, [user])
        assert other.verdict(family).claims_from
        mend_it(server)
        assert eventually(lambda: answers(one) and answers(other), seconds=5)
        assert other.verdict(family).claims_from

    def test_is_counted(self, server, started, family, fault):
        [one] = started(1)
        before = counted("outage", part="denylist")
        break_it, mend_it = fault
        break_it(server)
        one.verdict(family)
        assert counted("outage", part="denylist") == before + 1
        mend_it(server)


def costs_nothing(call, *arguments):
    with CaptureQueriesContext(connection) as queries:
        call(*arguments)
    return not queries.captured_queries


def answers(process):
    """Whether *process* got through to its Redis, and has made good what it missed."""
    before = counted("outage")
    process.verdict(anybody())
    return counted("outage") == before and process.marks.loaded == (
        id(process.store),
        process.store.losses,
    )


@pytest.mark.F1
class TestOneProcessThatCannotWrite:
    """Its way to Redis is cut, and not that of the others."""

    @pytest.fixture
    def cut(self, server, started, family):
        """It ended *family* while it could not write; what Redis and the others know is older."""
        cut, other = started()
        server.pause()
        cut.does(end_family, family)
        server.resume()
        assert eventually(lambda: server.do("PING"), seconds=5)
        server.do("DEL", f"backstay:family:{family}")
        return cut, other

    def test_refuses_itself(self, cut, family):
        assert cut[0].verdict(family) == ENDED

    def test_tells_the_others_with_its_next_request(self, cut, family):
        one, other = cut
        assert eventually(lambda: answers(one), seconds=5)
        assert other.verdict(family) == ENDED


class TestRequest:
    """What the client of a request sees."""

    @pytest.fixture
    def access(self, user):
        return issue_tokens(user)["access"]

    @pytest.fixture
    def ask_as(self, api, access):
        def ask_as(process):
            with process.running():
                return api.get("/private/", headers={"Authorization": f"Bearer {access}"})

        return ask_as

    @pytest.fixture
    def no_database(self, monkeypatch, access):
        """From now on nobody reaches it; call it once everything is written."""

        def take_away():
            nowhere = (
                {"NAME": "/nowhere/db.sqlite3"}
                if connection.vendor == "sqlite"
                else {"HOST": "127.0.0.1", "PORT": free_port()}
            )
            for name, value in nowhere.items():
                monkeypatch.setitem(connections.settings["default"], name, value)
            connection.close()

        yield take_away
        monkeypatch.undo()
        connection.close()

    def test_costs_no_query_and_one_trip(self, server, started, ask_as, django_assert_num_queries):
        [one] = started(1)
        server.do("CONFIG", "RESETSTAT")
        with django_assert_num_queries(0):
            assert ask_as(one).status_code == 200
        assert (server.calls("evalsha"), server.calls("eval")) == (1, 0)

    def test_after_the_end_is_unauthenticated_at_every_process(self, started, user, ask_as):
        one, other = started()
        one.does(end_sessions, user)
        assert [ask_as(one).status_code, ask_as(other).status_code] == [401, 401]

    @pytest.mark.F1
    def test_after_a_flush_the_first_is_refused(self, server, started, user, ask_as):
        one, other = started()
        one.does(end_sessions, user)
        server.do("FLUSHALL")
        assert ask_as(other).status_code == 401

    @pytest.mark.F1
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("ended", [False, True])
    def test_is_answered_by_redis_alone_while_the_database_is_down(
        self, started, user, ask_as, no_database, ended
    ):
        one, other = started()
        if ended:
            one.does(end_sessions, user)
        no_database()
        assert ask_as(other).status_code == (401 if ended else 200)

    @pytest.mark.F1
    @pytest.mark.once  # Which database it is that is down makes no difference.
    @pytest.mark.django_db(transaction=True)
    @pytest.mark.parametrize("ended", [False, True])
    @pytest.mark.parametrize("outage", OUTAGES)
    def test_is_503_while_both_are_down(
        self, server, started, user, ask_as, no_database, ended, outage
    ):
        one, other = started()
        if ended:
            one.does(end_sessions, user)
        break_it, mend_it = OUTAGES[outage]
        break_it(server)
        no_database()
        for _ in range(5):
            response = ask_as(other)
            assert (response.status_code, response.json()["code"]) == (503, "service_unavailable")
            assert int(response.headers["Retry-After"]) > 0
        mend_it(server)

    @pytest.mark.F1
    @pytest.mark.django_db(transaction=True)
    def test_is_503_where_marks_are_lost_and_the_database_is_down(
        self, server, started, user, ask_as, no_database
    ):
        one, other = started()
        one.does(end_sessions, user)
        server.do("FLUSHALL")
        no_database()
        assert [ask_as(other).status_code for _ in range(3)] == [503] * 3
        assert [ask_as(one).status_code for _ in range(3)] == [503] * 3
