"""A refresh token is spent by its use; whoever comes with a spent one ends its family."""

import logging
from datetime import timedelta

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import override_settings
from django.utils import timezone

from backstay.auth import issue_tokens
from backstay.auth.sessions.endings import end_sessions, renew_claims
from backstay.auth.sessions.models import Family
from backstay.auth.sessions.rotation import rotate
from backstay.auth.sessions.signals import refresh_reused
from backstay.auth.tokens import codec
from backstay.counters import counted
from backstay.errors import ServiceUnavailable
from tests.backstay.auth.conftest import PASSWORD, assert_unauthenticated
from tests.backstay.auth.jwks import NOW, ed_jwk, jwks, oct_jwk
from tests.backstay.auth.sessions.conftest import (
    BACKSTAY,
    claims_of,
    delete_user,
    family_of,
    lives,
    read,
    refresh,
)

pytestmark = [pytest.mark.A4, pytest.mark.django_db]

DAY = 24 * 60 * 60

KEYS = {"derived": None, "HS256": oct_jwk(kid="a"), "EdDSA": ed_jwk(kid="b")}


@pytest.fixture
def reports(caplog):
    """What is told of a token that came twice: log records, and families by signal."""
    told = []

    def receive(family, **_):
        told.append(family.pk)

    refresh_reused.connect(receive)
    with caplog.at_level(logging.INFO, logger="backstay.auth"):
        yield lambda: (
            [r for r in caplog.records if r.getMessage() == "refresh_token_reused"],
            told,
        )
    refresh_reused.disconnect(receive)


@pytest.fixture(params=KEYS)
def signed(request, tmp_path):
    """Tokens that are signed with a key of each kind whose signatures repeat."""
    jwk = KEYS[request.param]
    if jwk is None:
        yield
        return
    path = tmp_path / "keys.json"
    path.write_text(jwks(jwk))
    with override_settings(BACKSTAY={**BACKSTAY, "AUTH_KEYS": str(path)}):
        yield


class TestTokenInForce:
    def test_gives_a_successor_that_goes_on(self, api, pair):
        token = pair["refresh"]
        seen = {token}
        for _ in range(4):
            response = refresh(api, token)
            assert response.status_code == 200
            token = response.json()["refresh"]
            seen.add(token)
        assert len(seen) == 5

    def test_keeps_its_family(self, api, pair):
        body = refresh(api, pair["refresh"]).json()
        assert {claims_of(token)["family"] for token in (*pair.values(), *body.values())} == {
            str(family_of(pair["refresh"]).pk)
        }

    def test_leaves_older_access_tokens_alone(self, api, pair):
        new = refresh(api, pair["refresh"]).json()["access"]
        assert (read(api, pair["access"]).status_code, read(api, new).status_code) == (200, 200)

    def test_does_not_move_the_end_of_its_family(self, api, pair, clock):
        ends = family_of(pair["refresh"]).expires_at
        token = pair["refresh"]
        for day in (10, 20, 29):
            clock.move_to(NOW + day * DAY)
            token = refresh(api, token).json()["refresh"]
            assert claims_of(token)["exp"] == NOW + 30 * DAY
        assert family_of(token).expires_at == ends

    def test_gives_no_access_beyond_the_end_of_its_family(self, api, pair, clock):
        clock.move_to(NOW + 30 * DAY - 5)
        assert claims_of(refresh(api, pair["refresh"]).json()["access"])["exp"] == NOW + 30 * DAY

    def test_says_when_its_session_was_used_last(self, api, pair, clock):
        clock.move_to(NOW + DAY)
        refresh(api, pair["refresh"])
        family = family_of(pair["refresh"])
        assert (family.created_at.timestamp(), family.last_used_at.timestamp()) == (NOW, NOW + DAY)

    def test_is_kept_nowhere(self, api, pair):
        """Nor are its identifier and those of the others; only hashes are."""
        new = refresh(api, pair["refresh"]).json()
        secrets = {part for token in (*pair.values(), *new.values()) for part in token.split(".")}
        secrets |= {claims_of(token)["jti"] for token in (*pair.values(), *new.values())}
        secrets -= {pair["refresh"].split(".")[0]}  # The header, which all share.
        (row,) = Family.objects.values()
        assert not [value for value in row.values() if str(value) in secrets]
        assert not [text for text in secrets if text in str(row)]


class TestParentWithinTheLeeway:
    @pytest.mark.parametrize("seconds", [0, 0.5, 9.999, 10.0])
    def test_gets_the_same_successor(self, api, signed, user, clock, seconds):
        pair = issue_tokens(user)
        first = refresh(api, pair["refresh"]).json()
        clock.move_to(NOW + seconds)
        again = refresh(api, pair["refresh"])
        assert (again.status_code, again.json()["refresh"]) == (200, first["refresh"])
        assert read(api, again.json()["access"]).status_code == 200

    def test_changes_nothing(self, api, pair, clock, reports):
        refresh(api, pair["refresh"])
        before = Family.objects.values().get()
        clock.shift(5)
        refresh(api, pair["refresh"])
        assert Family.objects.values().get() == before
        assert reports() == ([], [])

    def test_does_not_prolong_its_leeway(self, api, pair, clock):
        refresh(api, pair["refresh"])
        clock.shift(9)
        assert refresh(api, pair["refresh"]).status_code == 200
        clock.shift(2)
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")

    def test_reads_the_claims_again(self, api, pair, user):
        refresh(api, pair["refresh"])
        user.first_name = "Augusta"
        user.save()
        access = refresh(api, pair["refresh"]).json()["access"]
        assert claims_of(access)["first_name"] == "Augusta"

    def test_is_counted_as_a_repetition(self, api, pair):
        rotated, repeated = (counted("refresh", outcome=it) for it in ("rotated", "repeated"))
        for _ in range(3):
            refresh(api, pair["refresh"])
        assert counted("refresh", outcome="rotated") == rotated + 1
        assert counted("refresh", outcome="repeated") == repeated + 2

    def test_the_leeway_is_a_setting(self, api, pair, clock):
        with override_settings(BACKSTAY={**BACKSTAY, "REFRESH_LEEWAY": timedelta(0)}):
            refresh(api, pair["refresh"])
            clock.shift(0.001)
            assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")

    def test_is_refused_where_its_successor_cannot_be_made_again(
        self, api, user, clock, tmp_path, reports
    ):
        """Nobody stole anything: the key that derives successors was changed meanwhile."""
        path = tmp_path / "keys.json"
        path.write_text(jwks(ed_jwk(kid="b")))
        with override_settings(BACKSTAY={**BACKSTAY, "AUTH_KEYS": str(path)}):
            pair = issue_tokens(user)
            new = refresh(api, pair["refresh"]).json()
            with override_settings(SECRET_KEY="another key, which is long enough for anything"):
                assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")
                assert lives(api, new)
                assert refresh(api, new["refresh"]).status_code == 200
        assert reports() == ([], [])


class TestSpentToken:
    @pytest.fixture(params=["parent after the leeway", "grandparent within it"])
    def spent(self, request, api, pair, clock):
        """A spent token, and the pair that its family has by then."""
        new = refresh(api, pair["refresh"]).json()
        if request.param == "parent after the leeway":
            clock.shift(10.001)
        else:
            new = refresh(api, new["refresh"]).json()
        return pair["refresh"], new

    def test_is_refused(self, api, spent):
        assert_unauthenticated(refresh(api, spent[0]), "token_invalid")

    def test_ends_its_family_and_its_access_tokens_at_once(self, api, pair, spent):
        old, new = spent
        assert lives(api, new)
        refresh(api, old)
        assert not lives(api, new)
        assert_unauthenticated(read(api, pair["access"]), "token_invalid")
        assert_unauthenticated(refresh(api, new["refresh"]), "token_invalid")
        assert family_of(old).ended_for == Family.End.REUSE

    def test_ends_no_other(self, api, elsewhere, foreign, spent):
        refresh(api, spent[0])
        assert lives(api, elsewhere)
        assert lives(api, foreign)

    def test_is_reported_without_a_secret(self, api, user, spent, reports):
        old, new = spent
        before = counted("refresh", outcome="reused")
        refresh(api, old)
        (record,), told = reports()
        assert (record.levelname, record.user) == ("WARNING", user.pk)
        assert told == [family_of(old).pk]
        assert record.family == str(told[0])
        assert counted("refresh", outcome="reused") == before + 1
        text = str(vars(record))
        for token in (old, *new.values()):
            assert not [part for part in token.split(".")[1:] if part in text]
            assert claims_of(token)["jti"] not in text

    def test_is_reported_once(self, api, spent, reports):
        for _ in range(3):
            assert_unauthenticated(refresh(api, spent[0]), "token_invalid")
        records, told = reports()
        assert (len(records), len(told)) == (1, 1)

    def test_is_no_reason_to_end_anything_when_it_is_only_verified(self, api, spent):
        old, new = spent
        response = api.post("/token/verify/", {"token": old})
        assert_unauthenticated(response, "token_invalid")
        assert lives(api, new)


class TestTokenThatIsRefused:
    """Each for a reason of its own, and none of them a theft: no other session ends."""

    @pytest.fixture(autouse=True)
    def nothing_else_ends(self, api, elsewhere, foreign, reports):
        yield
        if get_user_model().objects.filter(email="ada@example.com", is_active=True).exists():
            assert family_of(elsewhere["refresh"]).ended_at is None
        assert lives(api, foreign)
        assert reports() == ([], [])

    def test_of_an_unknown_family(self, api, pair):
        family_of(pair["refresh"]).delete()
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")

    @pytest.mark.parametrize("family", ["x", "0", "é", "00000000-0000-0000-0000-00000000000"])
    def test_of_a_family_that_is_none(self, api, pair, family):
        token = codec().encode(claims_of(pair["refresh"]) | {"family": family})
        assert_unauthenticated(refresh(api, token), "token_invalid")

    def test_of_an_ended_family(self, api, pair):
        Family.objects.filter(pk=family_of(pair["refresh"]).pk).update(ended_at=timezone.now())
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")

    def test_of_a_family_whose_time_is_over(self, api, pair):
        """Whatever the token says of itself."""
        Family.objects.filter(pk=family_of(pair["refresh"]).pk).update(expires_at=timezone.now())
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_expired")

    def test_signed_again_for_another_user(self, api, pair, stranger):
        token = codec().encode(claims_of(pair["refresh"]) | {"user_id": stranger.pk})
        assert_unauthenticated(refresh(api, token), "token_invalid")
        assert lives(api, pair)

    def test_signed_again_with_another_identifier(self, api, pair, reports):
        """Whoever has the key can end a session, and get none."""
        token = codec().encode(claims_of(pair["refresh"]) | {"jti": "guessed"})
        assert_unauthenticated(refresh(api, token), "token_invalid")
        assert not lives(api, pair)
        reports()[0].clear()
        reports()[1].clear()

    def test_of_a_deleted_user(self, api, pair, user):
        delete_user(user)
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")
        assert family_of(pair["refresh"]).user is None

    def test_of_a_user_deactivated_in_bulk(self, api, pair, user):
        get_user_model().objects.filter(pk=user.pk).update(is_active=False)
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")

    def test_of_a_password_changed_in_bulk(self, api, pair, user):
        get_user_model().objects.filter(pk=user.pk).update(password="other")
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")
        assert not lives(api, pair)


class TestWhatHappensWhileClaimsAreRead:
    """Between reading a session and spending its token, step by step instead of by chance."""

    @pytest.fixture
    def refresh_while(self, api, pair, clock):
        def run(event):
            pending = [event]

            def claims(user):
                own = {"first_name": user.first_name}
                if pending:
                    pending.pop()()
                    clock.shift(2)
                return own

            with override_settings(BACKSTAY={**BACKSTAY, "TOKEN_CLAIMS": claims}):
                return refresh(api, pair["refresh"])

        return run

    def test_a_change_of_them_is_in_the_token(self, api, user, pair, refresh_while):
        def rename():
            get_user_model().objects.filter(pk=user.pk).update(first_name="Augusta")
            renew_claims([user])

        access = claims_of(refresh_while(rename).json()["access"])
        assert access["first_name"] == "Augusta"
        assert access["iat"] >= family_of(pair["refresh"]).claims_from

    def test_an_end_of_the_session_is_a_refusal(self, api, user, pair, refresh_while):
        assert_unauthenticated(refresh_while(lambda: end_sessions(user)), "token_invalid")
        assert not lives(api, pair)

    def test_another_refresh_gets_the_same_successor(self, api, pair, refresh_while):
        answers = []
        before = counted("refresh", outcome="rotated")
        last = refresh_while(lambda: answers.append(refresh(api, pair["refresh"])))
        assert last.json()["refresh"] == answers[0].json()["refresh"]
        assert counted("refresh", outcome="rotated") == before + 1


class TestManyChanges:
    def test_a_session_that_is_never_found_unchanged_is_503(self, pair, monkeypatch):
        monkeypatch.setattr("backstay.auth.sessions.rotation._spend", lambda *_: False)
        with pytest.raises(ServiceUnavailable):
            rotate(claims_of(pair["refresh"]))

    def test_claims_that_are_renewed_often_leave_the_tokens_valid(self, api, pair, user):
        """``iat`` may run ahead of the clock, within what the leeway forgives."""
        for number in range(5):
            user.first_name = f"Ada {number}"
            user.save()
            pair = refresh(api, pair["refresh"]).json()
            assert read(api, pair["access"]).json()["claims"]["first_name"] == f"Ada {number}"


@pytest.mark.django_db(transaction=True)
class TestAtomicRequests:
    """A refusal rolls a request's transaction back, and with it what it wrote."""

    def test_a_reused_token_ends_its_family_all_the_same(self, api, pair, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        new = refresh(api, refresh(api, pair["refresh"]).json()["refresh"]).json()
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")
        assert family_of(pair["refresh"]).ended_for == Family.End.REUSE
        assert not lives(api, new)


class TestLogin:
    """What the list of one's sessions will show."""

    @pytest.mark.parametrize(
        ("address", "stored"),
        [
            ("192.0.2.7", "192.0.2.7"),
            ("2001:db8::7", "2001:db8::7"),
            ("::ffff:192.0.2.7", "192.0.2.7"),
            ("fe80::1%eth0", "fe80::1"),
            ("", None),
            ("unix:", None),
        ],
    )
    def test_notes_the_address(self, api, user, clock, address, stored):
        body = {"email": user.email, "password": PASSWORD}
        response = api.post("/token/", body, REMOTE_ADDR=address)
        assert response.status_code == 200
        assert family_of(response.json()["refresh"]).ip == stored

    @pytest.mark.parametrize("agent", ["Mozilla/5.0 \x00\r\n\x1b[31m", "x" * 10_000, "é\udcff", ""])
    def test_survives_any_user_agent(self, api, user, clock, agent):
        body = {"email": user.email, "password": PASSWORD}
        response = api.post("/token/", body, HTTP_USER_AGENT=agent)
        assert response.status_code == 200
        assert family_of(response.json()["refresh"]).device.isprintable()

    def test_needs_no_request(self, user, clock):
        family = family_of(issue_tokens(user)["refresh"])
        assert (family.device, family.ip, family.user) == ("", None, user)
