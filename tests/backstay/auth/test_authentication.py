"""What an ``Authorization`` header does to a request."""

import base64

import pytest

from backstay.auth import issue_tokens
from tests.backstay.auth.conftest import PASSWORD, assert_unauthenticated
from tests.backstay.auth.jwks import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.A1]

MINUTE = 60

GARBAGE = {
    "nothing": "Bearer",
    "only blanks": "Bearer    ",
    "a word": "Bearer token",
    "two words": "Bearer to ken",
    "three dots": "Bearer ...",
    "commas": "Bearer a,b",
    "quotes": 'Bearer "token"',
    "not ASCII": "Bearer tökén",
    "NUL": "Bearer \x00",
    "100 KB": "Bearer " + "a" * 100_000,
}


@pytest.fixture
def access(user, clock):
    return issue_tokens(user)["access"]


class TestPrivateView:
    def test_anonymous_is_asked_for_a_token(self, api):
        response = api.get("/private/")

        assert_unauthenticated(response, "not_authenticated")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_user_is_known_by_their_token(self, api, user, access):
        response = api.get("/private/", headers={"Authorization": f"Bearer {access}"})

        assert response.status_code == 200
        assert response.json()["user"] == user.pk
        assert response.json()["claims"]["first_name"] == "Ada"

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
    def test_the_scheme_is_case_insensitive(self, api, access, scheme):
        """RFC 9110 section 11.1."""
        response = api.get("/private/", headers={"Authorization": f"{scheme} {access}"})

        assert response.status_code == 200

    @pytest.mark.parametrize("form", ["Bearer  {}", "Bearer {} ", "Bearer   {}\t"])
    def test_blanks_around_the_token_do_not_matter(self, api, access, form):
        response = api.get("/private/", headers={"Authorization": form.format(access)})

        assert response.status_code == 200

    @pytest.mark.parametrize("header", GARBAGE.values(), ids=GARBAGE)
    def test_garbage_is_refused(self, api, header):
        response = api.get("/private/", headers={"Authorization": header})

        assert_unauthenticated(response, "token_invalid")

    @pytest.mark.parametrize("header", ["Basic YTpi", "Digest x", "Token abc", "Bearer2 abc", ""])
    def test_another_scheme_is_no_credential_here(self, api, header):
        response = api.get("/private/", headers={"Authorization": header})

        assert_unauthenticated(response, "not_authenticated")

    def test_an_expired_token_says_so(self, api, access, clock):
        clock.move_to(NOW + 16 * MINUTE)
        response = api.get("/private/", headers={"Authorization": f"Bearer {access}"})

        assert_unauthenticated(response, "token_expired")

    @pytest.mark.A2
    def test_a_refresh_token_is_no_access_token(self, api, user, clock):
        refresh = issue_tokens(user)["refresh"]
        response = api.get("/private/", headers={"Authorization": f"Bearer {refresh}"})

        assert_unauthenticated(response, "token_invalid")

    def test_a_deactivated_user_is_refused(self, api, user, access):
        user.is_active = False
        user.save()
        response = api.get("/private/", headers={"Authorization": f"Bearer {access}"})

        assert_unauthenticated(response, "token_invalid")

    def test_a_deleted_user_is_refused(self, api, deleted):
        response = api.get("/private/", headers={"Authorization": f"Bearer {deleted['access']}"})

        assert_unauthenticated(response, "token_invalid")

    @pytest.mark.A3
    def test_a_good_token_costs_no_query(self, api, access, django_assert_num_queries):
        api.get("/private/", headers={"Authorization": f"Bearer {access}"})
        with django_assert_num_queries(0):
            api.get("/private/", headers={"Authorization": f"Bearer {access}"})


class TestPublicView:
    def test_anonymous_is_let_in(self, api):
        assert api.get("/public/").json() == {"user": None, "claims": None}

    def test_user_is_known(self, api, user, access):
        response = api.get("/public/", headers={"Authorization": f"Bearer {access}"})

        assert response.json()["user"] == user.pk

    @pytest.mark.parametrize("header", GARBAGE.values(), ids=GARBAGE)
    def test_a_bad_token_is_refused_here_too(self, api, header):
        response = api.get("/public/", headers={"Authorization": header})

        assert_unauthenticated(response, "token_invalid")

    def test_an_expired_token_is_refused_here_too(self, api, access, clock):
        clock.move_to(NOW + 16 * MINUTE)
        response = api.get("/public/", headers={"Authorization": f"Bearer {access}"})

        assert_unauthenticated(response, "token_expired")


class TestViewWithAnotherClassBehind:
    def test_another_scheme_is_passed_on(self, api, user):
        credentials = base64.b64encode(f"{user.email}:{PASSWORD}".encode()).decode()
        response = api.get("/either/", headers={"Authorization": f"Basic {credentials}"})

        assert response.json()["user"] == user.pk

    def test_a_bad_token_is_not(self, api):
        response = api.get("/either/", headers={"Authorization": "Bearer token"})

        assert_unauthenticated(response, "token_invalid")
