"""The token endpoints: by whom, with what, and what comes back."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import MD5PasswordHasher
from django.test import override_settings

from backstay.auth import issue_tokens
from backstay.auth.serializers import MAX_PASSWORD_LENGTH
from backstay.auth.tokens import codec
from tests.backstay.auth.conftest import PASSWORD, assert_unauthenticated
from tests.backstay.auth.jwks import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("clock")]

MINUTE = 60
DAY = 24 * 60 * MINUTE

#: Bodies of no use to any of the endpoints.
MALFORMED = [b"", b"{", b"[]", b"null", b"5", b'"x"', b"\xff", b"{}", b'{"a": NaN}', b"[" * 9999]


@pytest.fixture
def hashings(monkeypatch):
    """How often a password is hashed."""
    counted = []
    encode = MD5PasswordHasher.encode

    def counting(self, password, salt):
        counted.append(len(password))
        return encode(self, password, salt)

    monkeypatch.setattr(MD5PasswordHasher, "encode", counting)
    return counted


def log_in(api, email, password):
    return api.post("/token/", {"email": email, "password": password})


class TestLogin:
    def test_user_gets_a_pair_of_one_family(self, api, user):
        response = log_in(api, user.email, PASSWORD)

        assert response.status_code == 200
        assert set(response.json()) == {"access", "refresh"}
        access = codec().decode(response.json()["access"], "access")
        refresh = codec().decode(response.json()["refresh"], "refresh")
        assert access["family"] == refresh["family"]
        assert access["jti"] != refresh["jti"]
        assert access["user_id"] == user.pk
        assert (access["iat"], access["exp"]) == (NOW, NOW + 15 * MINUTE)
        assert (refresh["iat"], refresh["exp"]) == (NOW, NOW + 30 * DAY)

    def test_each_login_begins_a_family(self, api, user):
        families = {
            codec().decode(log_in(api, user.email, PASSWORD).json()["access"], "access")["family"]
            for _ in range(2)
        }

        assert len(families) == 2

    def test_the_project_adds_claims_to_both(self, api, user):
        pair = log_in(api, user.email, PASSWORD).json()

        assert codec().decode(pair["access"], "access")["first_name"] == "Ada"
        assert codec().decode(pair["refresh"], "refresh")["first_name"] == "Ada"

    def test_lifetimes_are_settings(self, api, user, settings):
        settings.BACKSTAY = {
            "ACCESS_TOKEN_LIFETIME": timedelta(seconds=30),
            "REFRESH_TOKEN_LIFETIME": timedelta(hours=1),
        }
        pair = log_in(api, user.email, PASSWORD).json()

        assert codec().decode(pair["access"], "access")["exp"] == NOW + 30
        assert codec().decode(pair["refresh"], "refresh")["exp"] == NOW + 60 * MINUTE

    @pytest.mark.A1
    def test_a_wrong_password_is_refused(self, api, user):
        assert_unauthenticated(log_in(api, user.email, "wrong"), "invalid_credentials")

    @pytest.mark.A5
    def test_a_password_is_taken_as_typed(self, api, user):
        for typed in (f" {PASSWORD}", f"{PASSWORD} ", PASSWORD.upper()):
            assert_unauthenticated(log_in(api, user.email, typed), "invalid_credentials")

    @pytest.mark.A5
    def test_unknown_wrong_and_inactive_are_answered_alike(self, api, user, inactive, hashings):
        def answer(email, password):
            hashings.clear()
            response = log_in(api, email, password)
            body = response.json()
            told_anyway = {"X-Request-ID", "RateLimit"}
            headers = {k: v for k, v in response.headers.items() if k not in told_anyway}
            return response.status_code, body | {"request_id": ""}, headers, len(hashings)

        wrong = answer(user.email, "a wrong password")

        assert wrong[0] == 401
        assert wrong[3] == 1
        assert answer("nobody@example.com", "a wrong password") == wrong
        assert answer(inactive.email, "a wrong password") == wrong
        assert answer(inactive.email, PASSWORD) == wrong

        user.set_unusable_password()
        user.save()
        assert answer(user.email, PASSWORD) == wrong

    @pytest.mark.A5
    def test_the_longest_password_works(self, api, user):
        user.set_password("x" * MAX_PASSWORD_LENGTH)
        user.save()

        assert log_in(api, user.email, "x" * MAX_PASSWORD_LENGTH).status_code == 200

    @pytest.mark.A5
    @pytest.mark.parametrize("length", [MAX_PASSWORD_LENGTH + 1, 1_000_000])
    def test_a_longer_password_is_refused_before_it_is_hashed(self, api, user, hashings, length):
        response = log_in(api, user.email, "x" * length)

        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"] == "/password"
        assert hashings == []

    @pytest.mark.E1
    @pytest.mark.parametrize("body", MALFORMED)
    def test_a_malformed_body_is_400(self, api, body):
        response = api.post("/token/", body, content_type="application/json")

        assert response.status_code == 400

    @pytest.mark.E1
    @pytest.mark.parametrize("name", ["email", "password"])
    @pytest.mark.parametrize("value", [None, "", [], {}, True, ["ada@example.com"], "\x00"])
    def test_a_value_of_the_wrong_form_is_400(self, api, user, name, value):
        body = {"email": user.email, "password": PASSWORD, name: value}

        assert api.post("/token/", body).status_code == 400

    @pytest.mark.parametrize("name", ["email", "password"])
    def test_a_missing_value_is_400(self, api, user, name):
        body = {"email": user.email, "password": PASSWORD}
        del body[name]
        response = api.post("/token/", body)

        assert response.status_code == 400
        assert response.json()["errors"][0]["pointer"] == f"/{name}"

    def test_a_bad_authorization_header_does_not_lock_out(self, api, user):
        api.credentials(HTTP_AUTHORIZATION="Bearer old")

        assert log_in(api, user.email, PASSWORD).status_code == 200


class TestRefresh:
    @pytest.fixture
    def pair(self, user):
        return issue_tokens(user)

    def refresh(self, api, token):
        return api.post("/token/refresh/", {"refresh": token})

    def test_goes_on_with_the_family(self, api, pair, clock):
        clock.move_to(NOW + DAY)
        response = self.refresh(api, pair["refresh"])

        assert response.status_code == 200
        before = codec().decode(pair["refresh"], "refresh")
        access = codec().decode(response.json()["access"], "access")
        refresh = codec().decode(response.json()["refresh"], "refresh")
        assert access["family"] == refresh["family"] == before["family"]
        assert len({before["jti"], access["jti"], refresh["jti"]}) == 3
        assert access["exp"] == NOW + DAY + 15 * MINUTE

    @pytest.mark.A4
    def test_does_not_prolong_the_family(self, api, pair, clock):
        clock.move_to(NOW + 30 * DAY - MINUTE)
        body = self.refresh(api, pair["refresh"]).json()

        assert codec().decode(body["refresh"], "refresh")["exp"] == NOW + 30 * DAY
        assert codec().decode(body["access"], "access")["exp"] == NOW + 30 * DAY

    @pytest.mark.A4
    def test_reads_the_claims_again(self, api, pair, user):
        user.first_name = "Augusta"
        user.save()
        body = self.refresh(api, pair["refresh"]).json()

        assert codec().decode(body["access"], "access")["first_name"] == "Augusta"
        assert codec().decode(body["refresh"], "refresh")["first_name"] == "Augusta"

    @pytest.mark.A4
    def test_a_deleted_user_is_refused(self, api, deleted):
        assert_unauthenticated(self.refresh(api, deleted["refresh"]), "token_invalid")

    @pytest.mark.A4
    def test_an_inactive_user_is_refused(self, api, pair, user):
        user.is_active = False
        user.save()

        assert_unauthenticated(self.refresh(api, pair["refresh"]), "token_invalid")

    @pytest.mark.A2
    def test_an_access_token_is_refused(self, api, pair):
        assert_unauthenticated(self.refresh(api, pair["access"]), "token_invalid")

    @pytest.mark.A1
    @pytest.mark.parametrize("seconds", [0, 5, 10, DAY])
    def test_an_ended_family_is_refused(self, api, pair, clock, seconds):
        """Within the leeway too: there is no time left for new tokens."""
        clock.move_to(NOW + 30 * DAY + seconds)

        assert_unauthenticated(self.refresh(api, pair["refresh"]), "token_expired")

    @pytest.mark.A2
    @pytest.mark.parametrize("identifier", [None, True, 1.5, [], {}, "", "x", "1\x00", 10**30, -1])
    def test_a_token_of_no_user_is_refused(self, api, pair, identifier):
        claims = codec().decode(pair["refresh"], "refresh") | {"user_id": identifier}

        assert_unauthenticated(self.refresh(api, codec().encode(claims)), "token_invalid")

    @pytest.mark.E1
    @pytest.mark.parametrize("body", MALFORMED)
    def test_a_malformed_body_is_400(self, api, body):
        response = api.post("/token/refresh/", body, content_type="application/json")

        assert response.status_code == 400

    @pytest.mark.parametrize("value", ["token", "é", "a.é.c", "." * 10_000])
    def test_garbage_is_refused(self, api, value):
        assert_unauthenticated(self.refresh(api, value), "token_invalid")


class TestVerify:
    def verify(self, api, token):
        return api.post("/token/verify/", {"token": token})

    def test_a_token_of_either_type_is_fine(self, api, user):
        for token in issue_tokens(user).values():
            response = self.verify(api, token)
            assert (response.status_code, response.json()) == (200, {})

    @pytest.mark.A1
    def test_an_expired_token_is_refused(self, api, user, clock):
        token = issue_tokens(user)["access"]
        clock.move_to(NOW + 16 * MINUTE)

        assert_unauthenticated(self.verify(api, token), "token_expired")

    @pytest.mark.A2
    def test_a_token_for_another_audience_is_refused(self, api, user):
        with override_settings(BACKSTAY={"AUDIENCE": "elsewhere"}):
            token = issue_tokens(user)["access"]

        assert_unauthenticated(self.verify(api, token), "token_invalid")

    def test_a_token_of_an_inactive_user_is_refused(self, api, user):
        token = issue_tokens(user)["access"]
        type(user).objects.update(is_active=False)

        assert_unauthenticated(self.verify(api, token), "token_invalid")

    @pytest.mark.A2
    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_a_token_that_is_not_ascii_is_refused(self, api, user, part):
        parts = issue_tokens(user)["access"].split(".")
        parts[part] += "é"

        assert_unauthenticated(self.verify(api, ".".join(parts)), "token_invalid")

    @pytest.mark.E1
    @pytest.mark.parametrize("body", MALFORMED)
    def test_a_malformed_body_is_400(self, api, body):
        response = api.post("/token/verify/", body, content_type="application/json")

        assert response.status_code == 400


@pytest.mark.A7
class TestEveryAnswer:
    """RFC 6749 section 5.1."""

    @pytest.mark.parametrize("path", ["/token/", "/token/refresh/", "/token/verify/"])
    @pytest.mark.parametrize("body", [b"{", b"{}", b'{"token": "a", "refresh": "a"}'])
    def test_an_error_is_not_stored(self, api, path, body):
        response = api.post(path, body, content_type="application/json")

        assert response.headers["Cache-Control"] == "no-store"

    def test_a_pair_is_not_stored(self, api, user):
        login = log_in(api, user.email, PASSWORD)
        refresh = api.post("/token/refresh/", {"refresh": login.json()["refresh"]})

        assert login.headers["Cache-Control"] == refresh.headers["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/token/", "/token/refresh/", "/token/verify/"])
    def test_only_post_is_allowed(self, api, path):
        response = api.get(path)

        assert response.status_code == 405
        assert response.headers["Allow"] == "POST, OPTIONS"
