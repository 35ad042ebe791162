"""Logging out, here and everywhere, and looking after one's own sessions."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.test import override_settings

from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from backstay.auth.tokens import codec
from tests.backstay.auth.conftest import PASSWORD, assert_unauthenticated
from tests.backstay.auth.jwks import NOW
from tests.backstay.auth.sessions.conftest import BACKSTAY, claims_of, family_of, lives, refresh

pytestmark = [pytest.mark.A4, pytest.mark.django_db]

DAY = 24 * 60 * 60


@pytest.fixture
def caller(api, pair):
    api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    return api


def log_out(api, token):
    return api.post("/token/logout/", {"refresh": token})


def of(pair):
    return f"/token/sessions/{claims_of(pair['refresh'])['family']}/"


def ids(response):
    return [row["id"] for row in response.json()["results"]]


class TestLogout:
    def test_ends_the_session_at_once(self, api, pair):
        assert lives(api, pair)
        response = log_out(api, pair["refresh"])
        assert (response.status_code, response.content) == (204, b"")
        assert not lives(api, pair)
        assert_unauthenticated(refresh(api, pair["refresh"]), "token_invalid")
        assert family_of(pair["refresh"]).ended_for == Family.End.LOGOUT

    def test_touches_no_other(self, api, pair, elsewhere, foreign):
        log_out(api, pair["refresh"])
        assert lives(api, elsewhere)
        assert lives(api, foreign)

    def test_is_idempotent(self, api, pair, elsewhere, clock):
        log_out(api, pair["refresh"])
        first = Family.objects.values().get(pk=family_of(pair["refresh"]).pk)
        clock.shift(60)
        assert log_out(api, pair["refresh"]).status_code == 204
        assert Family.objects.values().get(pk=first["id"]) == first
        assert lives(api, elsewhere)

    def test_is_possible_with_a_spent_token(self, api, pair, clock):
        new = refresh(api, pair["refresh"]).json()
        clock.shift(60)
        assert log_out(api, pair["refresh"]).status_code == 204
        assert not lives(api, new)
        assert family_of(pair["refresh"]).ended_for == Family.End.LOGOUT

    @pytest.mark.parametrize("seconds", [0, 5, 10, DAY])
    def test_is_possible_with_an_expired_token(self, api, pair, clock, seconds):
        clock.move_to(NOW + 30 * DAY + seconds)
        assert log_out(api, pair["refresh"]).status_code == 204

    def test_is_possible_when_the_session_is_known_no_more(self, api, pair):
        Family.objects.all().delete()
        assert log_out(api, pair["refresh"]).status_code == 204

    def test_needs_no_access_token_and_looks_at_none(self, api, pair):
        api.credentials(HTTP_AUTHORIZATION="Bearer junk")
        assert log_out(api, pair["refresh"]).status_code == 204

    def test_with_an_access_token_is_401(self, api, pair):
        assert_unauthenticated(log_out(api, pair["access"]), "token_invalid")
        assert lives(api, pair)

    def test_with_a_token_of_another_issuer_is_401(self, api, pair):
        claims = claims_of(pair["refresh"])
        with override_settings(BACKSTAY={**BACKSTAY, "ISSUER": "elsewhere"}):
            token = codec().encode(claims)
        assert_unauthenticated(log_out(api, token), "token_invalid")
        assert lives(api, pair)

    def test_with_a_token_of_another_key_is_401(self, api, pair):
        claims = claims_of(pair["refresh"])
        with override_settings(SECRET_KEY="a key of somebody else, long enough to be one"):
            token = codec().encode(claims)
        assert_unauthenticated(log_out(api, token), "token_invalid")
        assert lives(api, pair)

    @pytest.mark.parametrize("value", ["token", "é", "a.b.c", "." * 10_000, "a" * 100_000])
    def test_with_garbage_is_401(self, api, value):
        assert_unauthenticated(log_out(api, value), "token_invalid")

    @pytest.mark.E1
    @pytest.mark.parametrize(
        "body", [b"", b"{", b"[]", b"null", b"5", b"{}", b'{"refresh": null}', b'{"refresh": []}']
    )
    def test_with_a_malformed_body_is_400(self, api, body):
        response = api.post("/token/logout/", body, content_type="application/json")
        assert response.status_code == 400

    def test_with_an_unknown_field_is_400_and_ends_nothing(self, api, pair):
        response = api.post("/token/logout/", {"refresh": pair["refresh"], "all": True})
        assert (response.status_code, response.json()["errors"][0]["pointer"]) == (400, "/all")
        assert lives(api, pair)


class TestLogoutAll:
    def test_ends_every_own_session_and_no_other(self, caller, pair, elsewhere, foreign):
        assert caller.post("/token/logout-all/").status_code == 204
        caller.credentials()
        assert not lives(caller, pair)
        assert not lives(caller, elsewhere)
        assert lives(caller, foreign)

    def test_cannot_be_repeated_with_the_same_token(self, caller):
        caller.post("/token/logout-all/")
        assert_unauthenticated(caller.post("/token/logout-all/"), "token_invalid")

    def test_lets_one_log_in_again(self, caller, user):
        caller.post("/token/logout-all/")
        caller.credentials()
        response = caller.post("/token/", {"email": user.email, "password": PASSWORD})
        assert lives(caller, response.json())

    @pytest.mark.A1
    def test_is_401_for_anonymous(self, api, pair):
        assert_unauthenticated(api.post("/token/logout-all/"), "not_authenticated")
        assert lives(api, pair)

    @pytest.mark.A2
    def test_is_401_with_a_refresh_token(self, api, pair):
        api.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['refresh']}")
        assert_unauthenticated(api.post("/token/logout-all/"), "token_invalid")

    @pytest.mark.parametrize("body", [{"but": "this"}, {"refresh": "x"}, []])
    def test_with_a_body_that_says_more_is_400(self, caller, pair, body):
        assert caller.post("/token/logout-all/", body).status_code == 400
        assert lives(caller, pair)


class TestListSessions:
    def test_shows_the_documented_fields(self, caller, pair):
        Family.objects.update(device="Firefox on Linux", ip="192.0.2.7")
        (row,) = caller.get("/token/sessions/").json()["results"]
        assert row == {
            "id": claims_of(pair["refresh"])["family"],
            "device": "Firefox on Linux",
            "ip": "192.0.2.7",
            "created_at": "2027-01-15T08:00:00Z",
            "last_used_at": "2027-01-15T08:00:00Z",
            "current": True,
        }

    def test_shows_own_and_live_ones_only(self, caller, user, pair, elsewhere, foreign):
        Family.objects.filter(pk=family_of(elsewhere["refresh"]).pk).update(
            expires_at=family_of(elsewhere["refresh"]).created_at
        )
        log_out(caller, issue_tokens(user)["refresh"])
        assert ids(caller.get("/token/sessions/")) == [claims_of(pair["refresh"])["family"]]

    def test_shows_the_newest_first_and_which_is_current(self, caller, user, pair, clock):
        later: list[str] = []
        for _ in range(3):
            clock.shift(60)
            later.insert(0, claims_of(issue_tokens(user)["refresh"])["family"])
        current = claims_of(pair["refresh"])["family"]
        response = caller.get("/token/sessions/")
        assert ids(response) == [*later, current]
        assert [row["current"] for row in response.json()["results"]] == [False] * 3 + [True]

    @pytest.mark.L3
    def test_is_bounded(self, caller, user):
        families = {claims_of(issue_tokens(user)["refresh"])["family"] for _ in range(25)}
        first = caller.get("/token/sessions/")
        second = caller.get(first.json()["next"])
        assert (len(ids(first)), len(ids(second))) == (20, 6)
        assert families < {*ids(first), *ids(second)}
        assert caller.get("/token/sessions/?page_size=0").status_code == 400

    @pytest.mark.L1
    def test_costs_one_query_for_any_number(self, caller, user, django_assert_num_queries):
        for _ in range(2):
            issue_tokens(user)
            with django_assert_num_queries(1):
                caller.get("/token/sessions/")

    @pytest.mark.A1
    def test_is_401_for_anonymous(self, api):
        assert_unauthenticated(api.get("/token/sessions/"), "not_authenticated")


class TestEndSession:
    def test_ends_another_of_ones_own(self, caller, pair, elsewhere, foreign):
        assert caller.delete(of(elsewhere)).status_code == 204
        caller.credentials()
        assert not lives(caller, elsewhere)
        assert lives(caller, pair)
        assert lives(caller, foreign)

    def test_ends_the_current(self, caller, pair):
        assert caller.delete(of(pair)).status_code == 204
        assert_unauthenticated(caller.delete(of(pair)), "token_invalid")

    @pytest.mark.P1
    def test_a_foreign_one_is_like_a_missing_one(self, caller, foreign):
        theirs, nobodys = of(foreign), f"/token/sessions/{uuid4()}/"
        answers = [
            caller.delete(path, HTTP_X_REQUEST_ID="one").content.replace(path.encode(), b"")
            for path in (theirs, nobodys)
        ]
        assert answers[0] == answers[1]
        assert caller.delete(theirs).status_code == 404
        caller.credentials()
        assert lives(caller, foreign)

    def test_an_ended_one_is_404(self, caller, elsewhere):
        caller.delete(of(elsewhere))
        assert caller.delete(of(elsewhere)).status_code == 404

    def test_an_expired_one_is_404(self, caller, elsewhere):
        family = family_of(elsewhere["refresh"])
        Family.objects.filter(pk=family.pk).update(
            expires_at=family.created_at - timedelta(seconds=1)
        )
        assert caller.delete(of(elsewhere)).status_code == 404

    @pytest.mark.parametrize("identifier", ["x", "0", "1' OR 1=1", "ALL", "%00", "0" * 200])
    def test_a_garbled_one_is_404_and_ends_nothing(self, caller, pair, identifier):
        assert caller.delete(f"/token/sessions/{identifier}/").status_code == 404
        assert lives(caller, pair)

    @pytest.mark.A1
    def test_is_401_for_anonymous(self, api, pair):
        assert_unauthenticated(api.delete(of(pair)), "not_authenticated")
        assert lives(api, pair)

    @pytest.mark.parametrize("method", ["get", "head", "put", "patch", "post"])
    def test_nothing_else_is_allowed(self, caller, pair, method):
        response = getattr(caller, method)(of(pair))
        assert (response.status_code, response["Allow"]) == (405, "DELETE, OPTIONS")
        assert lives(caller, pair)


@pytest.mark.A7
class TestEveryAnswer:
    """No cache on the way may keep any of them."""

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("post", "/token/logout/", 204),
            ("get", "/token/logout/", 405),
            ("head", "/token/logout/", 405),
            ("options", "/token/logout/", 200),
            ("post", "/token/logout-all/", 204),
            ("get", "/token/logout-all/", 405),
            ("options", "/token/logout-all/", 200),
            ("get", "/token/sessions/", 200),
            ("head", "/token/sessions/", 200),
            ("options", "/token/sessions/", 200),
            ("delete", "/token/sessions/", 405),
            ("get", "/token/sessions/?page_size=0", 400),
            ("delete", "{own}", 204),
            ("get", "{own}", 405),
            ("options", "{own}", 200),
            ("delete", "/token/sessions/00000000-0000-0000-0000-000000000000/", 404),
        ],
    )
    def test_of_a_user(self, caller, pair, method, path, status):
        body = {"refresh": pair["refresh"]} if (path, method) == ("/token/logout/", "post") else {}
        arguments = (body,) if method == "post" else ()
        response = getattr(caller, method)(path.format(own=of(pair)), *arguments)
        assert (response.status_code, response["Cache-Control"]) == (status, "no-store")

    @pytest.mark.parametrize(
        ("method", "path", "status"),
        [
            ("post", "/token/logout/", 400),
            ("post", "/token/logout-all/", 401),
            ("get", "/token/sessions/", 401),
            ("delete", "{own}", 401),
        ],
    )
    def test_of_anonymous(self, api, pair, method, path, status):
        response = getattr(api, method)(path.format(own=of(pair)))
        assert (response.status_code, response["Cache-Control"]) == (status, "no-store")
