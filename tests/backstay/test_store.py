"""The Redis client, on servers that are broken in every way we know."""

import os
import pickle
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress

import pytest
from django.test import override_settings

from backstay.counters import counted
from backstay.store import (
    FAILURES_TO_OPEN,
    OPEN_SECONDS,
    TIMEOUT_SECONDS,
    Breaker,
    Script,
    Store,
    StoreUnavailable,
    key,
    store,
)
from tests.faulty_redis import answering, black_hole, redis_of_ones_own, slowly
from tests.services import free_port
from tests.shop.processes import eventually

pytestmark = pytest.mark.once

#: What the machine may add to a time-out while others use it.
SLACK_SECONDS = 0.08

ECHO = Script("return ARGV[1]")
REMEMBER = Script("return redis.call('SET', KEYS[1], ARGV[1])")
SECRET = "a-secret-that-was-sent"


@pytest.fixture
def server():
    with redis_of_ones_own() as server:
        yield server


class Clock:
    """Seconds, at a standstill until the test moves them."""

    def __init__(self):
        self.now = 1_000.0

    def __call__(self):
        return self.now


class Open(Breaker):
    """One that never opens: each call meets the fault itself."""

    def admits(self):
        return True


@pytest.mark.F1
class TestBreaker:
    @pytest.fixture
    def clock(self):
        return Clock()

    @pytest.fixture
    def breaker(self, clock):
        return Breaker(clock)

    @pytest.fixture
    def opened(self, breaker):
        for _ in range(FAILURES_TO_OPEN):
            breaker.failed()
        return breaker

    def test_admits_at_first(self, breaker):
        assert breaker.admits()

    def test_opens_after_three_failures_in_a_row(self, breaker):
        for _ in range(FAILURES_TO_OPEN):
            assert breaker.admits()
            breaker.failed()
        assert not breaker.admits()

    def test_a_success_between_failures_keeps_it_closed(self, breaker):
        for _ in range(10):
            breaker.failed()
            breaker.failed()
            breaker.succeeded()
        assert breaker.admits()

    def test_admits_nobody_until_a_second_has_gone(self, opened, clock):
        clock.now += OPEN_SECONDS - 0.001
        assert not opened.admits()
        clock.now += 0.001
        assert opened.admits()

    def test_admits_one_probe_a_second(self, opened, clock):
        admitted = 0
        for _ in range(100):
            clock.now += 0.1
            admitted += opened.admits()
        assert admitted == 10

    def test_a_probe_that_succeeds_closes_it(self, opened, clock):
        clock.now += OPEN_SECONDS
        assert opened.admits()
        assert not opened.admits()
        opened.succeeded()
        assert [opened.admits() for _ in range(3)] == [True] * 3

    def test_after_closing_it_takes_three_failures_again(self, opened, clock):
        clock.now += OPEN_SECONDS
        opened.admits()
        opened.succeeded()
        opened.failed()
        opened.failed()
        assert opened.admits()

    def test_a_probe_that_fails_keeps_it_open_for_another_second(self, opened, clock):
        clock.now += OPEN_SECONDS
        opened.admits()
        clock.now += 0.1
        opened.failed()
        clock.now += OPEN_SECONDS - 0.001
        assert not opened.admits()
        clock.now += 0.001
        assert opened.admits()

    def test_a_probe_that_never_reports_does_not_keep_it_open(self, opened, clock):
        clock.now += OPEN_SECONDS
        assert opened.admits()
        clock.now += OPEN_SECONDS
        assert opened.admits()

    def test_who_was_let_in_before_it_opened_may_close_it(self, opened):
        opened.succeeded()
        assert opened.admits()

    def test_of_many_threads_one_probes(self, opened, clock):
        with ThreadPoolExecutor(16) as threads:
            for _ in range(50):
                clock.now += OPEN_SECONDS
                line = threading.Barrier(16)

                def ask(line=line):
                    line.wait(10)
                    return opened.admits()

                asked = [threads.submit(ask) for _ in range(16)]
                assert sum(job.result() for job in asked) == 1

    def test_over_threads_it_always_opens_again(self, breaker, clock):
        """However callers interleave, what succeeds in the end is let in."""

        def call(number):
            for turn in range(300):
                clock.now += 0.01
                if breaker.admits():
                    (breaker.failed if (turn + number) % 3 else breaker.succeeded)()

        with ThreadPoolExecutor(8) as threads:
            list(threads.map(call, range(8)))
        clock.now += OPEN_SECONDS
        assert breaker.admits()
        breaker.succeeded()
        assert breaker.admits()


# --- faults ---------------------------------------------------------------------


@contextmanager
def refused(server):
    yield free_port()


@contextmanager
def full_queue(server):
    with black_hole() as port:
        yield port


@contextmanager
def silent(server):
    with answering(b"") as port:
        yield port


@contextmanager
def stopped(server):
    server.pause()
    yield server.port
    server.resume()


@contextmanager
def stalled(server):
    server.stall(30)
    yield server.port


@contextmanager
def loading(server):
    with answering(b"-LOADING Redis is loading the dataset in memory\r\n") as port:
        yield port


@contextmanager
def read_only(server):
    server.make_read_only()
    yield server.port
    server.make_primary()


@contextmanager
def full(server):
    server.fill()
    yield server.port
    server.unfill()


@contextmanager
def reset_in_the_middle(server):
    with answering(b"*1\r\n$5\r\nhe", then_reset=True) as port:
        yield port


@contextmanager
def wrong_password(server):
    server.do("CONFIG", "SET", "requirepass", "another")
    yield server.port
    server.do("AUTH", "another")
    server.do("CONFIG", "SET", "requirepass", "")


def saying(answer):
    @contextmanager
    def fault(server):
        with answering(answer) as port:
            yield port

    return fault


FAULTS = {
    "refused": refused,
    "full queue": full_queue,
    "silent": silent,
    "stopped": stopped,
    "stalled": stalled,
    "loading": loading,
    "read-only": read_only,
    "full": full,
    "reset in the middle": reset_in_the_middle,
    "wrong password": wrong_password,
    "a web server": saying(b"HTTP/1.1 400 Bad Request\r\n\r\n"),
    "noise": saying(bytes(range(256))),
    "quotes what it was sent": saying(b"-ERR no " + SECRET.encode() + b"\r\n"),
    "says OK to all": saying(b"+OK\r\n"),
    "says nothing to all": saying(b"$-1\r\n"),
    "counts": saying(b":1\r\n"),
}

#: What they say is Redis's language, so it may be taken for an answer.
FRIENDLY = {"says OK to all", "says nothing to all", "counts"}


@pytest.mark.F1
@pytest.mark.parametrize("fault", [name for name in FAULTS if name not in FRIENDLY])
class TestFault:
    @pytest.fixture
    def broken(self, server, fault):
        with FAULTS[fault](server) as port:
            password = ":wrong@" if fault == "wrong password" else ""
            yield Store(f"redis://{password}127.0.0.1:{port}/0", Open())

    def test_is_unavailable_within_the_time_out_and_quotes_nothing(self, broken):
        for _ in range(3):
            began = time.monotonic()
            with pytest.raises(StoreUnavailable) as error:
                broken.run(REMEMBER, ["a-key-that-was-sent"], [SECRET])
            took = time.monotonic() - began

            assert took < TIMEOUT_SECONDS + SLACK_SECONDS
            assert "sent" not in repr(error.value)
            assert error.value.__cause__ is None
            assert error.value.__suppress_context__

    def test_is_a_loss_and_is_counted(self, broken):
        losses, failed = broken.losses, counted("store", outcome="failed")
        with pytest.raises(StoreUnavailable):
            broken.run(REMEMBER, ["key"], [SECRET])
        assert broken.losses > losses
        assert counted("store", outcome="failed") == failed + 1

    def test_is_met_three_times_and_then_left_alone(self, broken):
        failed, skipped = counted("store", outcome="failed"), counted("store", outcome="skipped")
        broken.breaker = Breaker(Clock())
        for _ in range(50):
            with pytest.raises(StoreUnavailable):
                broken.run(REMEMBER, ["key"], [SECRET])
        assert counted("store", outcome="failed") == failed + 3
        assert counted("store", outcome="skipped") == skipped + 47


@pytest.mark.F1
@pytest.mark.parametrize("answer", sorted(FRIENDLY))
def test_a_server_that_only_looks_like_redis_raises_nothing_else(server, answer):
    with FAULTS[answer](server) as port:
        odd = Store(f"redis://127.0.0.1:{port}/1", Open())
        with suppress(StoreUnavailable):
            odd.run(ECHO, [], ["x"])


@pytest.mark.F1
@pytest.mark.long
@pytest.mark.parametrize("fault", ["stopped", "read-only", "full", "wrong password"])
def test_it_is_asked_again_within_five_seconds_of_the_fault(server, fault):
    ours = Store(server.url)
    assert ours.run(REMEMBER, ["key"], ["1"]) == b"OK"
    with FAULTS[fault](server):
        if fault == "wrong password":
            server.do("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        for _ in range(5):
            with pytest.raises(StoreUnavailable):
                ours.run(REMEMBER, ["key"], ["2"])
    assert eventually(lambda: works(ours), seconds=5)


@pytest.mark.F1
def test_it_is_asked_again_within_five_seconds_of_a_stall(server):
    ours = Store(server.url)
    assert works(ours)
    server.stall(0.4)
    for _ in range(5):
        assert not works(ours)
    assert eventually(lambda: works(ours), seconds=5)


@pytest.mark.F1
def test_it_is_asked_again_within_five_seconds_of_a_crash(server):
    ours = Store(server.url)
    assert works(ours)
    server.kill()
    for _ in range(5):
        assert not works(ours)
    server.start()
    assert eventually(lambda: works(ours), seconds=5)


def works(ours):
    try:
        return ours.run(REMEMBER, ["key"], ["again"]) == b"OK"
    except StoreUnavailable:
        return False


@pytest.mark.F1
def test_each_answer_of_a_slow_server_is_awaited_for_itself(server):
    """On a connection that is kept, a call waits for one."""
    with slowly(server.port, seconds=0.06) as port:
        ours = Store(f"redis://127.0.0.1:{port}/0", Open())
        ours.call("PING")
        began = time.monotonic()
        assert ours.call("PING")
        assert time.monotonic() - began < TIMEOUT_SECONDS


@pytest.mark.F1
def test_a_connection_whose_answer_came_too_late_is_not_used_again(server):
    """Or the next caller would read what was meant for another."""
    ours = Store(server.url, Open())
    assert ours.run(ECHO, [], ["first"]) == b"first"
    server.pause()
    with pytest.raises(StoreUnavailable):
        ours.run(ECHO, [], ["of the first"])
    server.resume()
    assert eventually(lambda: works(ours), seconds=5)
    assert [ours.run(ECHO, [], [f"{n}"]) for n in range(5)] == [b"0", b"1", b"2", b"3", b"4"]


@pytest.mark.F1
def test_an_answer_that_is_still_on_its_way_is_nobody_s(server):
    """It comes while the next one waits for theirs."""
    ours = Store(server.url, Open())
    answers = {}
    for number in range(5):
        ours.run(ECHO, [], ["to connect"])
        server.pause()
        with pytest.raises(StoreUnavailable):
            ours.run(ECHO, [], ["of another"])
        resuming = threading.Timer(TIMEOUT_SECONDS / 4, server.resume)
        resuming.start()
        with suppress(StoreUnavailable):  # The machine may have been too slow.
            answers[number] = ours.run(ECHO, [], [f"{number}"])
        resuming.join()
        assert eventually(lambda: works(ours), seconds=5)
    assert answers
    assert answers == {number: f"{number}".encode() for number in answers}


class TestRestart:
    @pytest.mark.F1
    def test_with_many_kept_connections_is_no_storm_of_failures(self, server):
        ours = Store(server.url)
        with ThreadPoolExecutor(16) as threads:
            line = threading.Barrier(16)

            def connect(_):
                # None ends before all have connected, so each is in a thread of its own.
                ours.call("PING")
                line.wait(10)

            list(threads.map(connect, range(16)))
            server.restart()
            outcomes = Counter(threads.map(lambda _: works(ours), range(200)))
        assert outcomes == {True: 200}

    def test_forgets_scripts_which_are_sent_again_and_tell_of_it(self, server):
        ours = Store(server.url)
        ours.run(ECHO, [], ["x"])
        known = ours.losses
        ours.run(ECHO, [], ["x"])
        assert ours.losses == known

        server.restart()

        assert ours.run(ECHO, [], ["y"]) == b"y"
        assert ours.losses > known


class TestScript:
    def test_is_named_after_its_text(self):
        assert ECHO.sha == "098e0f0d1448c0a81dafe820f66d460eb09263da"

    def test_that_was_flushed_is_sent_again_and_tells_of_it(self, server):
        ours = Store(server.url)
        ours.run(ECHO, [], ["x"])
        known = ours.losses
        server.do("SCRIPT", "FLUSH")
        assert ours.run(ECHO, [], ["y"]) == b"y"
        assert ours.losses == known + 1
        assert ours.run(ECHO, [], ["z"]) == b"z"
        assert ours.losses == known + 1

    def test_is_sent_once(self, server):
        ours = Store(server.url)
        for _ in range(10):
            ours.run(ECHO, [], ["x"])
        assert (server.calls("eval"), server.calls("evalsha")) == (1, 10)

    def test_whose_lua_is_wrong_is_unavailable(self, server):
        ours = Store(server.url, Open())
        for source in ("return nonsense(", "error('no')", "return redis.call('GET')"):
            with pytest.raises(StoreUnavailable):
                ours.run(Script(source), [], [])
        assert ours.run(ECHO, [], ["x"]) == b"x"


class TestCall:
    def test_is_one_command(self, server):
        ours = Store(server.url)
        assert ours.call("SET", "key", "value")
        assert ours.call("GET", "key") == b"value"

    def test_every_outcome_is_counted(self, server):
        before = counted("store", outcome="ok")
        Store(server.url).call("PING")
        assert counted("store", outcome="ok") == before + 1


class TestConnection:
    def test_a_fork_has_its_own(self, server):
        ours = Store(server.url)
        assert ours.run(ECHO, [], ["parent"]) == b"parent"
        read, write = os.pipe()
        child = os.fork()
        if child == 0:
            # Nothing of the test may run twice: the child ends here, whatever happens.
            try:
                answers = [ours.run(ECHO, [], [f"child {n}"]) for n in range(200)]
                os.write(write, pickle.dumps(answers == [b"child %d" % n for n in range(200)]))
            finally:
                os._exit(0)
        os.close(write)
        answers = [ours.run(ECHO, [], [f"parent {n}"]) for n in range(200)]
        with os.fdopen(read, "rb") as pipe:
            said = pipe.read()
        os.waitpid(child, 0)

        assert said == pickle.dumps(True)
        assert answers == [b"parent %d" % n for n in range(200)]

    def test_begins_with_few_round_trips(self, server):
        """Each is waited for: a slow server is given up on at the first."""
        server.do("CONFIG", "RESETSTAT")
        Store(server.url).call("PING")
        assert (server.calls("hello"), server.calls("ping")) == (0, 1)


class TestOfTheProject:
    def test_is_none_without_a_url(self):
        with override_settings(BACKSTAY={}):
            assert store() is None

    def test_is_one_for_a_url(self):
        with override_settings(BACKSTAY={"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}):
            assert store() is store()

    def test_keys_begin_with_its_prefix(self):
        with override_settings(BACKSTAY={"KEY_PREFIX": "shop"}):
            assert key("family", 7) == "shop:family:7"
