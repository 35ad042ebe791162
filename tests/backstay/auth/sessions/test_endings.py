"""What ends a session, what makes its claims be read anew, and what does neither."""

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.contrib.auth.models import update_last_login
from django.core import serializers
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from backstay.auth import InvalidCredentials, issue_tokens
from backstay.auth.sessions import endings
from backstay.auth.sessions.endings import (
    change_password,
    end_family,
    end_sessions,
    renew_claims,
)
from backstay.auth.sessions.models import Family
from backstay.auth.sessions.signals import sessions_ended
from backstay.counters import counted
from tests.backstay.auth.conftest import PASSWORD, assert_unauthenticated
from tests.backstay.auth.sessions.conftest import (
    claims_of,
    delete_user,
    family_of,
    lives,
    read,
    refresh,
)

pytestmark = [pytest.mark.A3, pytest.mark.django_db]


@pytest.fixture
def told():
    """What the signal says: ids and reason."""
    heard = []

    def receive(families, reason, **_):
        heard.append((sorted(families), reason))

    sessions_ended.connect(receive)
    yield heard
    sessions_ended.disconnect(receive)


def ids(*pairs):
    return sorted(family_of(pair["refresh"]).pk for pair in pairs)


def state():
    """Of every session, whether it has ended and whether its claims are believed."""
    return list(Family.objects.order_by("pk").values("pk", "ended_at", "claims_from"))


class TestRequestThatNeedsOnlyClaims:
    def test_costs_no_query(self, api, pair, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert read(api, pair["access"]).status_code == 200

    def test_costs_one_where_something_of_the_session_changes(
        self, api, pair, user, django_assert_num_queries
    ):
        """While it is unsettled; no commit comes in this test."""
        renew_claims([user])
        with django_assert_num_queries(2):  # The session, and then the user.
            read(api, pair["access"])

    @pytest.mark.django_db(transaction=True)
    def test_costs_one_for_the_user_once_the_claims_are_old(
        self, api, pair, user, clock, django_assert_num_queries
    ):
        renew_claims([user])
        with django_assert_num_queries(1):
            read(api, pair["access"])
        clock.shift(2)
        pair = refresh(api, pair["refresh"]).json()
        with django_assert_num_queries(0):
            read(api, pair["access"])

    @pytest.mark.django_db(transaction=True)
    def test_of_an_ended_session_is_refused_without_a_query(
        self, api, pair, user, django_assert_num_queries
    ):
        end_sessions(user)
        with django_assert_num_queries(0):
            assert_unauthenticated(read(api, pair["access"]), "token_invalid")


class TestSavingAUser:
    def test_deactivated_ends_all_of_theirs(self, api, user, pair, elsewhere, foreign):
        user.is_active = False
        user.save()
        assert not lives(api, pair)
        assert not lives(api, elsewhere)
        assert lives(api, foreign)
        assert family_of(pair["refresh"]).ended_for == Family.End.USER

    def test_activated_again_brings_none_back(self, api, user, pair):
        for active in (False, True):
            user.is_active = active
            user.save()
        assert not lives(api, pair)
        assert lives(api, issue_tokens(user))

    def test_with_a_new_password_ends_all_of_theirs(self, api, user, pair, elsewhere, foreign):
        user.set_password("another secret")
        user.save()
        assert not lives(api, pair)
        assert not lives(api, elsewhere)
        assert lives(api, foreign)
        assert family_of(pair["refresh"]).ended_for == Family.End.PASSWORD

    def test_with_the_same_password_set_again_ends_them_too(self, api, user, pair):
        user.set_password(PASSWORD)
        user.save(update_fields=["password"])
        assert not lives(api, pair)

    def test_with_another_claim_makes_it_be_read_anew(self, api, user, pair):
        user.first_name = "Augusta"
        user.save()
        response = read(api, pair["access"])
        assert (response.status_code, response.json()["claims"]["first_name"]) == (200, "Augusta")
        assert lives(api, pair)

    def test_with_another_claim_leaves_what_the_token_says_of_itself(self, api, user, pair):
        user.first_name = "Augusta"
        user.save()
        claims = claims_of(pair["access"]) | {"first_name": "Augusta"}
        assert read(api, pair["access"]).json()["claims"] == claims

    @pytest.mark.parametrize("fields", [None, ["last_name"]])
    def test_with_nothing_that_concerns_a_token_changes_nothing(
        self, api, user, pair, elsewhere, fields, django_assert_num_queries
    ):
        before = state()
        user.last_name = "Lovelace"
        user.save(update_fields=fields)
        assert state() == before
        with django_assert_num_queries(0):
            read(api, pair["access"])

    def test_at_their_login_does_not_even_look(self, user, pair):
        before = state()
        with CaptureQueriesContext(connection) as captured:
            update_last_login(type(user), user)
        assert not [query for query in captured if "backstay_sessions" in query["sql"]]
        assert state() == before

    def test_by_a_fixture_is_none_of_our_business(self, api, user, pair):
        user.first_name = "Raw"
        (loaded,) = serializers.deserialize("json", serializers.serialize("json", [user]))
        before = state()
        loaded.save()
        assert state() == before

    def test_of_another_changes_nothing(self, api, stranger, pair):
        before = state()
        stranger.is_active = False
        stranger.set_password("another")
        stranger.save()
        assert state() == before
        assert lives(api, pair)

    def test_without_a_session_is_fine(self, user, clock, django_assert_num_queries):
        user.first_name = "Augusta"
        with django_assert_num_queries(2):  # The row, and the look for sessions.
            user.save(update_fields=["first_name"])


class TestDeletingAUser:
    def test_ends_all_of_theirs(self, api, user, pair, elsewhere, foreign):
        delete_user(user)
        assert not lives(api, pair)
        assert not lives(api, elsewhere)
        assert lives(api, foreign)

    def test_keeps_the_rows(self, user, pair):
        """The denylist is made anew from them."""
        delete_user(user)
        row = family_of(pair["refresh"])
        assert (row.user, row.ended_for) == (None, Family.End.USER)
        assert row.changed_at is not None

    def test_in_bulk_ends_them_too(self, api, user, pair):
        user.customer.delete()
        get_user_model().objects.filter(pk=user.pk).delete()
        assert not lives(api, pair)


class TestChangePassword:
    def test_keeps_the_one_session(self, api, user, pair, elsewhere, foreign):
        change_password(user=user, password="new", keep=claims_of(pair["access"])["family"])
        assert lives(api, pair)
        assert not lives(api, elsewhere)
        assert lives(api, foreign)
        assert refresh(api, pair["refresh"]).status_code == 200

    def test_without_one_keeps_none(self, api, user, pair, elsewhere):
        change_password(user=user, password="new")
        assert not lives(api, pair)
        assert not lives(api, elsewhere)

    def test_does_not_revive_what_has_ended(self, api, user, pair):
        end_sessions(user)
        change_password(user=user, password="new", keep=claims_of(pair["access"])["family"])
        assert not lives(api, pair)

    def test_keeps_nothing_of_another_user(self, api, user, stranger, foreign, pair):
        family = family_of(foreign["refresh"])
        change_password(user=user, password="new", keep=str(family.pk))
        assert family_of(foreign["refresh"]).password_hash == family.password_hash
        assert not lives(api, pair)


class TestEndSessions:
    def test_ends_all_and_says_how_many(self, api, user, pair, elsewhere, foreign):
        assert end_sessions(user) == 2
        assert end_sessions(user) == 0
        assert not lives(api, pair)
        assert lives(api, foreign)

    @pytest.mark.parametrize("form", [str, lambda key: key])
    def test_but_one(self, api, user, pair, elsewhere, form):
        assert end_sessions(user.pk, but=form(family_of(pair["refresh"]).pk)) == 1
        assert lives(api, pair)
        assert not lives(api, elsewhere)

    def test_more_than_one_batch(self, user, clock, monkeypatch, told):
        monkeypatch.setattr(endings, "BATCH", 2)
        pairs = [issue_tokens(user) for _ in range(5)]
        assert end_sessions(user) == 5
        assert not Family.objects.live().exists()
        assert len(pairs) == Family.objects.filter(ended_for=Family.End.LOGOUT).count()

    def test_is_told_after_the_commit(
        self, user, pair, elsewhere, told, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            end_sessions(user)
            assert told == []
        assert told == [(ids(pair, elsewhere), "logout")]

    def test_is_not_told_when_nothing_has_ended(
        self, user, clock, told, django_capture_on_commit_callbacks
    ):
        with django_capture_on_commit_callbacks(execute=True):
            end_sessions(user)
        assert told == []

    def test_is_counted_by_its_reason(self, user, pair, elsewhere):
        before = counted("sessions_ended", reason="reuse")
        assert end_family(family_of(pair["refresh"]).pk, Family.End.REUSE)
        assert not end_family(family_of(pair["refresh"]).pk, Family.End.REUSE)
        assert counted("sessions_ended", reason="reuse") == before + 1

    def test_keeps_the_first_reason_and_time(self, user, pair, clock):
        end_sessions(user, reason=Family.End.REUSE)
        before = state()
        clock.shift(60)
        end_sessions(user)
        assert state() == before
        assert family_of(pair["refresh"]).ended_for == Family.End.REUSE


class TestRenewClaims:
    @pytest.fixture
    def renamed(self, user):
        """Without a word to anybody."""
        get_user_model().objects.filter(pk=user.pk).update(first_name="Augusta")

    def test_a_bulk_update_is_not_seen_without_it(self, api, pair, renamed):
        assert read(api, pair["access"]).json()["claims"]["first_name"] == "Ada"

    @pytest.mark.parametrize("form", [lambda user: user, lambda user: user.pk])
    def test_makes_them_be_read_anew(self, api, user, pair, elsewhere, renamed, form):
        renew_claims([form(user)])
        for each in (pair, elsewhere):
            assert read(api, each["access"]).json()["claims"]["first_name"] == "Augusta"
            assert lives(api, each)

    def test_does_so_for_tokens_of_the_same_second(self, api, user, pair, renamed):
        pair = refresh(api, pair["refresh"]).json()
        get_user_model().objects.filter(pk=user.pk).update(first_name="Again")
        renew_claims([user])
        assert read(api, pair["access"]).json()["claims"]["first_name"] == "Again"

    @pytest.mark.django_db(transaction=True)
    def test_holds_until_a_refresh(self, api, user, pair, renamed, django_assert_num_queries):
        renew_claims([user])
        new = refresh(api, pair["refresh"]).json()
        assert claims_of(new["access"])["first_name"] == "Augusta"
        with django_assert_num_queries(0):
            assert read(api, new["access"]).status_code == 200
        with django_assert_num_queries(1):
            assert read(api, pair["access"]).status_code == 200

    def test_touches_no_other_user(self, api, stranger, pair, foreign, user):
        before = family_of(foreign["refresh"]).claims_from
        renew_claims([user])
        assert family_of(foreign["refresh"]).claims_from == before

    def test_of_nobody_is_nothing(self, pair):
        before = state()
        renew_claims([])
        assert state() == before

    def test_of_a_user_deactivated_in_bulk_is_the_end_of_their_access(self, api, user, pair):
        get_user_model().objects.filter(pk=user.pk).update(is_active=False)
        renew_claims([user])
        assert_unauthenticated(read(api, pair["access"]), "token_invalid")


@pytest.mark.django_db(transaction=True)
class TestRollback:
    """What was not written has not happened, here and in Redis."""

    @pytest.mark.parametrize(
        "change",
        [
            end_sessions,
            lambda user: renew_claims([user]),
            lambda user: change_password(user=user, password="new"),
            lambda user: get_user_model()(pk=user.pk, email=user.email, is_active=False).save(),
            delete_user,
        ],
        ids=["end", "renew", "password", "deactivate", "delete"],
    )
    def test_nothing_has_ended(self, api, user, pair, elsewhere, told, change):
        before = state()
        with transaction.atomic():
            change(user)
            transaction.set_rollback(True)
        assert state() == before
        assert lives(api, pair)
        assert lives(api, elsewhere)
        assert told == []
        assert authenticate(username="ada@example.com", password=PASSWORD) is not None

    def test_until_the_commit_others_are_not_told(self, api, user, pair, told):
        with transaction.atomic():
            end_sessions(user)
            assert told == []
        assert told == [(ids(pair), "logout")]
        assert not lives(api, pair)


def checked_by_password(user):
    """What a login has in hand, once the password was right."""
    found = authenticate(email=user.email, password=PASSWORD)
    assert found is not None
    return found


class TestLoginThatComesTooLate:
    """The password was right when it was checked; by the time the session begins it is not."""

    def test_after_another_password_was_set_there_is_no_session(self, user):
        checked = checked_by_password(user)
        change_password(user=user, password="another password 1")
        with pytest.raises(InvalidCredentials):
            issue_tokens(checked)
        assert not Family.objects.exists()

    def test_after_a_deactivation_there_is_no_session(self, user):
        checked = checked_by_password(user)
        get_user_model().objects.update(is_active=False)
        with pytest.raises(InvalidCredentials):
            issue_tokens(checked)

    def test_after_a_deletion_there_is_no_session(self, user):
        checked = checked_by_password(user)
        delete_user(user)
        with pytest.raises(InvalidCredentials):
            issue_tokens(checked)

    def test_after_a_renaming_it_claims_the_new_name(self, user):
        checked = checked_by_password(user)
        get_user_model().objects.update(first_name="Augusta")
        assert claims_of(issue_tokens(checked)["access"])["first_name"] == "Augusta"


class TestSavingPartOfAnOldInstance:
    def test_ends_nothing_over_what_was_not_written(self, user, pair):
        old = get_user_model().objects.get(pk=user.pk)
        change_password(
            user=user, password="another password 1", keep=family_of(pair["refresh"]).pk
        )
        old.is_active = False
        old.first_name = "Ada"
        old.save(update_fields=["first_name"])
        assert family_of(pair["refresh"]).ended_at is None
