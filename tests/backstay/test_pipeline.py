"""Several parts in one round trip, on a Redis of the test's own and without one."""

import pytest
from django.test import override_settings

from backstay.counters import counted
from backstay.pipeline import Part, ask
from backstay.store import _store_of
from tests.faulty_redis import redis_of_ones_own
from tests.services import free_port
from tests.shop.processes import eventually

pytestmark = [pytest.mark.T3, pytest.mark.once]


class Step(Part):
    """Writes down that it ran, and answers what it was given."""

    name = "step"
    lua = """
      redis.call('RPUSH', 'ran', args[1])
      return {args[1], #keys, #args, keys, args}, args[2] == 'stop'
    """

    def __init__(self, called, *more, keys=()):
        self.keys = list(keys)
        self.args = [called, *more]
        self.ran = []

    def read(self, raw):
        called, keys, args, *_ = raw
        return called.decode(), keys, args

    def here(self):
        self.ran.append("here")
        return "here", len(self.keys), len(self.args)

    def in_outage(self):
        self.ran.append("in outage")
        return "in outage", len(self.keys), len(self.args)

    def stops(self, answer):
        return "stop" in self.args


class Nil(Step):
    """Answers nothing, as Lua says it in one way or another."""

    name = "nil"

    def __init__(self, said):
        super().__init__("nil")
        self.lua = f"redis.call('RPUSH', 'ran', 'nil') {said}"

    def read(self, raw):
        return raw


class Essential(Step):
    """Cannot do without Redis."""

    name = "essential"

    def in_outage(self):
        raise LookupError


class Echo(Step):
    """Answers its keys and arguments as Lua got them."""

    def read(self, raw):
        return [key.decode() for key in raw[3]], [arg.decode() for arg in raw[4]]


@pytest.fixture
def server():
    with redis_of_ones_own() as server, override_settings(BACKSTAY={"REDIS_URL": server.url}):
        yield server
        _store_of.cache_clear()


@pytest.fixture
def outage():
    with override_settings(BACKSTAY={"REDIS_URL": f"redis://127.0.0.1:{free_port()}/0"}):
        yield
        _store_of.cache_clear()


@pytest.fixture
def without_redis():
    with override_settings(BACKSTAY={}):
        yield


def ran(server):
    return [called.decode() for called in server.do("LRANGE", "ran", 0, -1)]


class TestWithRedis:
    def test_parts_run_and_answer_in_order(self, server):
        answers = ask(Step("a"), Step("b", 1), Step("c", 1, 2))
        assert answers == [("a", 0, 1), ("b", 0, 2), ("c", 0, 3)]
        assert ran(server) == ["a", "b", "c"]

    def test_each_part_gets_its_own_keys_and_arguments(self, server):
        answers = ask(
            Echo("a", keys=["k1", "k2"]),
            Echo("b"),
            Echo("c", "", 2.5, -3, keys=["k3"]),
            Echo("2", "7", keys=["", "k:4"]),
        )
        assert answers == [
            (["k1", "k2"], ["a"]),
            ([], ["b"]),
            (["k3"], ["c", "", "2.5", "-3"]),
            (["", "k:4"], ["2", "7"]),
        ]

    @pytest.mark.parametrize("keys", [0, 1, 7, 200])
    def test_any_number_of_keys_and_arguments(self, server, keys):
        part = Step("a", *range(keys), keys=[f"k{n}" for n in range(keys)])
        assert ask(part, Step("b")) == [("a", keys, keys + 1), ("b", 0, 1)]

    @pytest.mark.parametrize("said", ["return nil", "return false", "", "return nil, false"])
    def test_a_part_that_answers_nothing_moves_no_other_answer(self, server, said):
        assert ask(Step("a"), Nil(said), Step("c"), Nil(said)) == [
            ("a", 0, 1),
            None,
            ("c", 0, 1),
            None,
        ]

    def test_a_part_that_stops_keeps_the_later_ones_from_running(self, server):
        assert ask(Step("a"), Step("b", "stop"), Step("c")) == [("a", 0, 1), ("b", 0, 2)]
        assert ran(server) == ["a", "b"]

    def test_a_part_that_stops_without_an_answer_does_so_too(self, server):
        assert ask(Nil("return nil, true"), Step("b")) == [None]
        assert ran(server) == ["nil"]

    def test_any_number_of_parts_is_one_script_in_one_read(self, server):
        parts = [Step("a", keys=["k"]), Nil("return nil"), Step("c")]
        ask(*parts)
        with_one_ping = reads_during(server, lambda: _store_of(server.url).call("PING"))
        server.do("CONFIG", "RESETSTAT")

        reads = reads_during(server, lambda: ask(*parts))

        assert reads == with_one_ping
        assert (server.calls("evalsha"), server.calls("eval")) == (1, 0)

    def test_equal_parts_of_other_requests_are_the_same_script(self, server):
        ask(Step("a"), Step("b"))
        server.do("CONFIG", "RESETSTAT")
        for number in range(5):
            ask(Step(f"{number}", keys=["k"]), Step("other", number))
        assert (server.calls("evalsha"), server.calls("eval")) == (5, 0)

    def test_names_inside_one_part_are_not_seen_by_the_next(self, server):
        class First(Step):
            lua = "local mine = 1 " + Step.lua

        class Second(Step):
            lua = "if mine then error('seen') end " + Step.lua

        assert len(ask(First("a"), Second("b"))) == 2


def reads_during(server, call):
    """How many times the server read from its clients; its own bookkeeping is left out."""

    def reads():
        return server.do("INFO", "stats")["total_reads_processed"]

    idle = -reads() + reads()
    before = reads()
    call()
    return reads() - before - idle


@pytest.mark.F1
class TestOutage:
    def test_each_part_answers_for_itself(self, outage):
        assert ask(Step("a"), Step("b", 1)) == [("in outage", 0, 1), ("in outage", 0, 2)]

    def test_each_is_counted_under_its_name(self, outage):
        step, nil = counted("outage", part="step"), counted("outage", part="nil")
        ask(Step("a"), Step("b"), Nil(""))
        assert counted("outage", part="step") == step + 2
        assert counted("outage", part="nil") == nil + 1

    def test_a_part_that_stops_keeps_the_later_ones_from_answering(self, outage):
        later = Step("c")
        assert len(ask(Step("a"), Step("b", "stop"), later)) == 2
        assert later.ran == []

    def test_a_part_that_cannot_do_without_says_so(self, outage):
        later = Step("b")
        with pytest.raises(LookupError):
            ask(Essential("a"), later)
        assert later.ran == []

    def test_begins_with_a_crash_and_ends_with_the_next_probe(self, server):
        assert ask(Step("a")) == [("a", 0, 1)]
        server.kill()
        assert ask(Step("a")) == [("in outage", 0, 1)]
        server.start()
        assert eventually(lambda: ask(Step("a")) == [("a", 0, 1)], seconds=5)

    def test_a_part_whose_lua_fails_is_an_outage_of_all(self, server):
        """Parts that ran before have run; the answers are those of an outage."""
        broken = Nil("error('no')")
        assert ask(Step("a"), broken)[0] == ("in outage", 0, 1)


class TestWithoutRedis:
    def test_each_part_answers_from_this_process(self, without_redis):
        assert ask(Step("a"), Step("b", 1)) == [("here", 0, 1), ("here", 0, 2)]

    def test_nothing_is_an_outage(self, without_redis):
        before = counted("outage")
        ask(Step("a"), Essential("b"))
        assert counted("outage") == before

    def test_a_part_that_stops_keeps_the_later_ones_from_answering(self, without_redis):
        later = Step("b")
        assert len(ask(Step("a", "stop"), later)) == 1
        assert later.ran == []


def test_a_script_is_text_and_nothing_of_a_request(server):
    """Its number in Redis is bounded by the code: values go in as keys and arguments."""
    for number in range(20):
        ask(Step(f"value {number}", keys=[f"key {number}"]))
    assert server.do("INFO", "memory")["number_of_cached_scripts"] == 1
