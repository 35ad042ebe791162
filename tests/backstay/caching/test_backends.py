"""What every backend promises: see ``backstay.caching.backends``."""

import pytest

from backstay.caching.backends import EVERYTHING, PASS, Fill
from backstay.caching.backends.local import LocalBackend
from backstay.store import store

TAGS = {EVERYTHING, "book", "shelf:7"}


def filled(place, key="key", tags=TAGS, data=b"body", seconds=60, lifetime=60):
    """Two rounds: the first of a Django cache only learns what the answer depends on."""
    for _ in range(2):
        found = place.look(key, leader="me")
        kept = place.fill(Fill(key, found, "me", tags, data, seconds, lifetime))
    return kept


class TestFill:
    def test_is_found(self, place):
        assert filled(place)
        found = place.look("key")
        assert (found.data, found.fresh) == (b"body", True)
        assert 0 <= found.age_seconds < 60

    def test_under_another_key_there_is_nothing(self, place):
        filled(place)
        assert place.look("other").data is None

    @pytest.mark.parametrize("data", [b"", b"\x00\xff" * 9, b"x" * 500_000])
    def test_any_bytes_come_back(self, place, data):
        filled(place, data=data)
        assert place.look("key").data == data

    @pytest.mark.C2
    def test_does_not_put_back_what_has_changed_since_its_look(self, place):
        filled(place)
        found = place.look("key", leader="me")
        place.settle({"book"}, "")
        place.fill(Fill("key", found, "me", TAGS, b"old", 60, 60))
        assert place.look("key").data is None

    @pytest.mark.C2
    def test_keeps_nothing_while_a_write_is_announced(self, place):
        filled(place)
        place.announce({"book"}, "writer")
        found = place.look("key", leader="me")
        assert not place.fill(Fill("key", found, "me", TAGS, b"old", 60, 60))
        assert place.look("key").data is None

    @pytest.mark.C2
    def test_keeps_nothing_while_one_of_two_writers_is_at_work(self, place):
        filled(place)
        place.announce({"book"}, "one")
        place.announce({"book"}, "two")
        place.settle({"book"}, "one")
        found = place.look("key", leader="me")
        assert not place.fill(Fill("key", found, "me", TAGS, b"old", 60, 60))


class TestChange:
    @pytest.mark.C2
    @pytest.mark.parametrize("tag", sorted(TAGS))
    def test_of_any_tag_ends_the_entry(self, place, tag):
        filled(place)
        place.announce({tag}, "writer")
        assert place.look("key").data is None
        place.settle({tag}, "writer")
        assert place.look("key").data is None

    def test_of_another_tag_does_not(self, place):
        filled(place)
        place.announce({"shelf:8", "shelf"}, "writer")
        place.settle({"shelf:8", "shelf"}, "writer")
        assert place.look("key").data == b"body"

    def test_ends_entries_of_all_keys(self, place):
        for key in ("a", "b", "c"):
            filled(place, key)
        place.settle({"book"}, "")
        assert [place.look(key).data for key in ("a", "b", "c")] == [None] * 3


class TestLeader:
    @pytest.mark.C3
    def test_is_one(self, place):
        assert place.look("key", leader="one").leader == "one"
        assert place.look("key", leader="two").leader == "one"

    def test_is_nobody_who_does_not_offer(self, place):
        assert place.look("key").leader == ""

    def test_is_nobody_where_there_is_something_fresh(self, place):
        filled(place)
        assert place.look("key", leader="one").leader == ""

    def test_who_leaves_makes_room(self, place):
        place.look("key", leader="one")
        place.leave("key", "one", others_pass=False)
        assert place.look("key", leader="two").leader == "two"

    def test_who_kept_nothing_lets_the_others_pass(self, place):
        place.look("key", leader="one")
        place.leave("key", "one", others_pass=True)
        assert place.look("key", leader="two").leader == PASS

    def test_of_what_is_stale_finds_it_too(self, place):
        filled(place, seconds=0.000_001)
        found = place.look("key", leader="one")
        assert (found.data, found.fresh, found.leader) == (b"body", False, "one")


class TestLocal:
    def test_drops_the_least_recently_used_first(self):
        place = LocalBackend(most_bytes=25)
        for key in ("a", "b"):
            filled(place, key, data=b"x" * 10)
        place.look("a")
        filled(place, "c", data=b"x" * 10)
        assert [place.look(key).data is None for key in ("a", "b", "c")] == [False, True, False]

    def test_by_a_clock_fresh_stale_and_gone(self):
        now = [1_000.0]
        place = LocalBackend(lambda: now[0])
        filled(place, seconds=10, lifetime=15)
        seen = []
        for seconds in (9.9, 10.1, 15.1):
            now[0] = 1_000.0 + seconds
            found = place.look("key")
            seen.append((found.data, found.fresh))
        assert seen == [(b"body", True), (b"body", False), (None, False)]

    @pytest.mark.C3
    def test_a_dead_leader_is_replaced_after_its_time(self):
        now = [1_000.0]
        place = LocalBackend(lambda: now[0])
        place.look("key", leader="dead")
        now[0] += 4.9
        assert place.look("key", leader="two").leader == "dead"
        now[0] += 0.2
        assert place.look("key", leader="two").leader == "two"

    @pytest.mark.C2
    def test_a_dead_writer_forbids_to_keep_until_its_time_is_over(self):
        now = [1_000.0]
        place = LocalBackend(lambda: now[0])
        place.announce({"book"}, "dead")
        found = place.look("key", leader="me")
        assert not place.fill(Fill("key", found, "me", TAGS, b"old", 60, 60))
        now[0] += 30.1
        assert filled(place)

    @pytest.mark.C2
    def test_what_took_longer_than_a_writer_is_believed_in_is_not_kept(self):
        now = [1_000.0]
        place = LocalBackend(lambda: now[0])
        found = place.look("key", leader="me")
        now[0] += 30.1
        assert not place.fill(Fill("key", found, "me", TAGS, b"old", 60, 60))

    def test_forgets_changes_that_no_entry_is_older_than(self):
        now = [1_000.0]
        place = LocalBackend(lambda: now[0])
        place.settle({f"row:{n}" for n in range(10)}, "")
        now[0] += 200_000
        place.settle({f"new:{n}" for n in range(10)}, "")
        assert len(place._changed) == 10


@pytest.mark.C2
def test_a_place_that_was_emptied_since_the_look_keeps_nothing(place):
    """What has changed meanwhile was forgotten with the rest."""
    filled(place)
    found = place.look("key", leader="me")
    place.settle({"book"}, "")
    redis = store()
    if redis is None:
        pytest.skip("Only Redis is emptied by others.")
    redis.call("FLUSHDB")
    place.look("other")
    place.settle({"elsewhere"}, "")
    assert not place.fill(Fill("key", found, "me", TAGS, b"old", 60, 60))
