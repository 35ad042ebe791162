"""
What others have written in the place of an entry is a miss, and is counted.

Whoever can write to the store can do worse; a mistake of theirs, an older form, a cut value
or a key that is somebody else's must not take the cache, and what travels with it, down.
"""

import pytest
from django.core.cache import caches

from backstay.caching import cached
from backstay.caching.backends import Fill, backend
from backstay.counters import counted
from backstay.store import key, store
from tests.backstay.caching import views
from tests.backstay.caching.conftest import corrupt, status_of
from tests.backstay.caching.test_backends import TAGS, filled

pytestmark = pytest.mark.C3


def failures():
    return counted("store", outcome="failed")


def corrupt_count():
    return counted("cache_not_kept", reason="corrupt")


def hash_of(**changed):
    """An entry as ``fill`` writes it, but for some of its fields; ``None`` is left out."""
    fields = {"stamp": "0", "tags": "*", "stored": "1", "fresh": "9e18", "data": "x", **changed}
    return ["HSET", *(part for pair in fields.items() if pair[1] is not None for part in pair)]


class TestRedis:
    @pytest.fixture
    def redis(self):
        found = store()
        if found is None:
            pytest.skip("There is no Redis.")
        return found

    @pytest.mark.parametrize(
        "write",
        [
            ["SET", "an older form"],
            ["RPUSH", "a", "list"],
            ["SADD", "a set"],
            ["ZADD", "1", "one"],
            ["HSET", "data", "x"],
            *(hash_of(**{name: None}) for name in ("stamp", "tags", "stored", "fresh")),
            *(hash_of(**{name: "x"}) for name in ("stamp", "stored", "fresh")),
            *(hash_of(**{name: ""}) for name in ("stamp", "tags", "stored", "fresh")),
            hash_of(tags="\n\n"),
            hash_of(tags="\n".join(map(str, range(20_000)))),
            *(hash_of(**{name: "nan"}) for name in ("stamp", "stored", "fresh")),
        ],
        ids=lambda write: " ".join(write)[:50],
    )
    def test_what_is_no_entry_is_a_miss_and_no_outage(self, redis, write):
        failed, corrupt = failures(), corrupt_count()
        redis.call(write[0], key("cache", "key"), *write[1:])

        found = backend().look("key", leader="me")
        assert (found.data, found.fresh, found.leader) == (None, False, "me")
        assert (failures(), corrupt_count()) == (failed, corrupt + 1)
        assert filled(backend())
        assert backend().look("key").data == b"body"

    @pytest.mark.parametrize("write", [["RPUSH", "x"], ["HSET", "a", "b"]], ids=lambda w: w[0])
    def test_a_leader_that_is_none_lets_all_pass(self, redis, write):
        failed = failures()
        redis.call(write[0], key("cache", "key", "leader"), *write[1:])

        found = backend().look("key", leader="me")
        assert found.data is None
        backend().fill(Fill("key", found, "me", TAGS, b"body", 60, 60))
        assert backend().look("key").data == b"body"
        backend().leave("key", "me", others_pass=True)
        assert failures() == failed

    def test_an_answer_is_made_and_kept_again(self, api, redis):
        api.get("/said/")
        [name] = [n for n in redis.call("KEYS", key("cache", "*")) if b"leader" not in n]
        redis.call("SET", name, "an older form")

        assert status_of(api.get("/said/")) == "fwd=miss; stored"
        assert status_of(api.get("/said/")) == "hit"


class TestDjangoCache:
    @pytest.fixture
    def place(self, settings):
        answers = {
            "BACKEND": "django.core.cache.backends.locmem.LocMemCache",
            "LOCATION": "corrupt",
        }
        settings.CACHES = {**settings.CACHES, "answers": answers}
        settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": None, "CACHE_ALIAS": "answers"}
        caches["answers"].clear()
        return backend()

    @pytest.mark.parametrize(
        "entry",
        [
            None,
            "an older form",
            [1, 2],
            (),
            ({"*": 1}, 1, 9**20, "text"),
            ({"*": 1}, "1", 9**20, b"x"),
            ({"*": None}, 1, 9**20, b"x"),
            (["*"], 1, 9**20, b"x"),
            ({}, 1, 9**20, b"x"),
        ],
        ids=str,
    )
    @pytest.mark.parametrize("hint", [None, 5, [None], [["a"]], ["*"]], ids=str)
    def test_what_is_no_entry_is_a_miss(self, place, entry, hint):
        place.cache.set(key("cache", "key"), entry)
        place.cache.set(key("cache", "key", "tags"), hint)

        assert place.look("key", leader="me").data is None
        assert filled(place)
        assert place.look("key").data == b"body"

    @pytest.mark.parametrize("part", ["", "tags", "leader"])
    def test_what_cannot_be_unpickled_is_a_miss_and_counted(self, place, part):
        filled(place)
        if part == "leader":  # Nobody asks who leads while there is an answer.
            place.settle({"book"}, "")
        name = key("cache", "key", part) if part else key("cache", "key")
        place.cache.set(name, "x", 60)
        place.cache._cache[place.cache.make_key(name)] = b"\x80\x05cut"
        before = corrupt_count()

        place.look("key", leader="me")
        assert corrupt_count() == before + 1
        assert filled(place)
        assert place.look("key").data == b"body"

    @pytest.mark.parametrize("counter", ["text", None, [1], b"1"], ids=str)
    def test_a_stamp_that_is_none_ends_what_has_it(self, place, counter):
        filled(place)
        place.cache.set(key("changed", "book"), counter)

        assert place.look("key").data is None
        place.settle({"book"}, "")
        assert filled(place)


def test_tags_of_a_value_that_are_no_names(api, monkeypatch):
    """What is around a value takes its tags over."""

    @cached("one")
    def one():
        return 1

    def get(self, request):
        return views.Response(one())

    monkeypatch.setattr(views.Said, "get", get)
    one()
    corrupt(backend(), b"[5]\n1")
    assert api.get("/said/").status_code == 200
