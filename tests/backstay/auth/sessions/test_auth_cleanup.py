"""``auth_cleanup`` deletes sessions that nobody can use any more, and no others."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.db import DatabaseError, connection
from django.test.utils import CaptureQueriesContext

from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from tests.backstay.auth.conftest import assert_unauthenticated
from tests.backstay.auth.jwks import NOW
from tests.backstay.auth.sessions.conftest import family_of, lives, refresh

pytestmark = [pytest.mark.A4, pytest.mark.django_db]

DAY = 24 * 60 * 60


@pytest.fixture
def clean(capsys):
    def run(**options):
        call_command("auth_cleanup", **options)
        return capsys.readouterr().out.rsplit("\r", 1)[-1].strip()

    return run


@pytest.fixture
def expired(user, clock):
    """Sessions whose last token has expired, and the clock after that."""
    for _ in range(7):
        issue_tokens(user)
    clock.move_to(NOW + 31 * DAY)


def deletions(captured):
    return [sql for sql in (query["sql"] for query in captured) if sql.startswith("DELETE")]


class TestCleanup:
    def test_deletes_what_has_expired_and_says_so(self, clean, expired):
        assert clean() == "7 sessions deleted"
        assert not Family.objects.exists()

    def test_has_nothing_to_do_twice(self, clean, expired):
        clean()
        assert clean() == "0 sessions deleted"

    @pytest.mark.parametrize(("seconds", "left"), [(-1, 1), (0, 1), (10, 1), (11, 0)])
    def test_waits_until_no_clock_could_accept_a_token(self, clean, pair, clock, seconds, left):
        clock.move_to(NOW + 30 * DAY + seconds)
        clean()
        assert Family.objects.count() == left

    def test_leaves_the_living_alone(self, clean, expired, api, user):
        pair = issue_tokens(user)
        clean()
        assert lives(api, pair)
        assert Family.objects.count() == 1

    def test_leaves_reuse_detected(self, clean, expired, api, user):
        old = issue_tokens(user)["refresh"]
        new = refresh(api, refresh(api, old).json()["refresh"]).json()
        clean()
        assert lives(api, new)
        assert_unauthenticated(refresh(api, old), "token_invalid")
        assert family_of(old).ended_for == Family.End.REUSE
        assert not lives(api, new)

    def test_leaves_ended_ones_until_their_tokens_have_expired(self, clean, api, pair, clock):
        api.post("/token/logout/", {"refresh": pair["refresh"]})
        clock.move_to(NOW + DAY)
        clean()
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")
        assert Family.objects.count() == 1

    def test_works_in_batches(self, clean, expired):
        with CaptureQueriesContext(connection) as captured:
            assert clean(batch=3) == "7 sessions deleted"
        assert len(deletions(captured)) == 3

    @pytest.mark.django_db(transaction=True)
    def test_goes_on_where_it_was_stopped(self, clean, expired):
        """Each batch is committed by itself."""
        made = 0

        def stop_at_the_third(execute, sql, *arguments):
            nonlocal made
            made += sql.startswith("DELETE")
            if made == 3:
                raise DatabaseError("The server was stopped.")
            return execute(sql, *arguments)

        with connection.execute_wrapper(stop_at_the_third), pytest.raises(DatabaseError):
            clean(batch=2)
        assert Family.objects.count() == 3
        assert clean(batch=2).endswith("3 sessions deleted")

    def test_begins_with_the_oldest(self, clean, user, clock):
        ages = [timedelta(days=day) for day in (3, 1, 2)]
        for age in ages:
            family = family_of(issue_tokens(user)["refresh"])
            Family.objects.filter(pk=family.pk).update(expires_at=family.created_at - age)
        with CaptureQueriesContext(connection) as captured:
            clean(batch=1)
        assert len(deletions(captured)) == 3
        selects = [query["sql"] for query in captured if query["sql"].startswith("SELECT")]
        assert all('ORDER BY "backstay_sessions_family"."expires_at"' in sql for sql in selects)
