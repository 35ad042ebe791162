"""Cookie mode: what the cookies are, what they do, and when they are taken away."""

from http.cookies import Morsel
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from django.core.exceptions import ImproperlyConfigured
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from backstay.auth.cookies import MAX_COOKIE_BYTES
from backstay.auth.sessions.models import Family
from backstay.auth.tokens import codec
from shop.accounts.models import Membership, User
from tests.backstay.auth.jwks import NOW, jwks, rsa_jwk
from tests.shop.factories import PASSWORD, MembershipFactory, UserFactory
from tests.shop.problems import assert_problem

pytestmark = [
    pytest.mark.A7,
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("clock"),
]

MINUTE = 60
DAY = 24 * 60 * MINUTE

LOGIN, REFRESH, LOGOUT = (f"/api/token/cookie/{name}" for name in ("", "refresh/", "logout/"))
ME = "/api/v1/users/me/"

ACCESS, REFRESH_COOKIE = "__Host-access", "__Secure-refresh"

GARBLED = {
    "empty": "",
    "a word": "token",
    "dots": "..",
    "not ASCII": "tökén.ä.ö",
    "quoted": '"a.b.c"',
    "oversized": "a" * 100_000,
    "oversized in form": f"{'a' * 9_000}.b.c",
}


@pytest.fixture(autouse=True)
def project():
    """The shop itself."""


@pytest.fixture
def user() -> User:
    return UserFactory.create(email="ada@shop.example")


@pytest.fixture
def browser() -> APIClient:
    """On a page of ours, and it says so."""
    return APIClient(enforce_csrf_checks=True, HTTP_SEC_FETCH_SITE="same-origin")


@pytest.fixture
def pair(browser, user):
    """The tokens that the browser has."""
    tokens = issue_tokens(user)
    browser.cookies[ACCESS] = tokens["access"]
    browser.cookies[REFRESH_COOKIE] = tokens["refresh"]
    return tokens


@pytest.fixture
def family(pair) -> Family:
    return Family.objects.get()


def log_in(browser: APIClient, email: str = "ada@shop.example", password: str = PASSWORD) -> Any:
    body = {"email": email, "password": password}
    return browser.post(LOGIN, body)


def attributes(morsel: Morsel) -> dict[str, Any]:
    """The attributes that are sent, but for the time."""
    return {
        name: value
        for name, value in morsel.items()
        if value and name not in {"expires", "comment"}
    }


def assert_no_token(response: Any) -> None:
    """A token, or a part of one, is nowhere but in the cookies."""
    assert b"eyJ" not in response.content
    assert not any("eyJ" in value for value in response.headers.values())


def assert_taken_away(response: Any, prefixed: bool = True) -> None:
    """Both, each by the name, path and ``Secure`` that it was set with."""
    secure = {"secure": True} if prefixed else {}
    shared = {**secure, "httponly": True}
    names = (ACCESS, REFRESH_COOKIE) if prefixed else ("access", "refresh")
    assert set(response.cookies) == set(names)
    access, refresh = (response.cookies[name] for name in names)
    assert access.value == refresh.value == ""
    for morsel in (access, refresh):
        assert morsel["max-age"] == 0
        assert morsel["expires"] == "Thu, 01 Jan 1970 00:00:00 GMT"
    assert attributes(access) == {**shared, "path": "/", "samesite": "Lax"}
    assert attributes(refresh) == {**shared, "path": LOGIN, "samesite": "Strict"}


class TestLogin:
    def test_it_sets_two_cookies_bound_to_this_host(self, browser, user):
        response = log_in(browser)

        assert set(response.cookies) == {ACCESS, REFRESH_COOKIE}
        assert attributes(response.cookies[ACCESS]) == {
            "path": "/",
            "secure": True,
            "httponly": True,
            "samesite": "Lax",
            "max-age": 15 * MINUTE,
        }
        assert attributes(response.cookies[REFRESH_COOKIE]) == {
            "path": "/api/token/cookie/",
            "secure": True,
            "httponly": True,
            "samesite": "Strict",
            "max-age": 30 * DAY,
        }

    def test_with_debug_they_have_no_prefix_and_work_over_http(self, browser, user, settings):
        settings.DEBUG = True
        response = log_in(browser)

        assert set(response.cookies) == {"access", "refresh"}
        assert attributes(response.cookies["access"]) == {
            "path": "/",
            "httponly": True,
            "samesite": "Lax",
            "max-age": 15 * MINUTE,
        }
        assert attributes(response.cookies["refresh"]) == {
            "path": "/api/token/cookie/",
            "httponly": True,
            "samesite": "Strict",
            "max-age": 30 * DAY,
        }

    def test_they_hold_the_tokens_of_one_new_session(self, browser, user):
        response = log_in(browser)

        access = codec().decode(response.cookies[ACCESS].value, "access")
        refresh = codec().decode(response.cookies[REFRESH_COOKIE].value, "refresh")
        assert access["user_id"] == refresh["user_id"] == user.pk
        assert access["family"] == refresh["family"] == str(Family.objects.get().pk)

    def test_the_answer_is_empty_and_not_stored(self, browser, user):
        response = log_in(browser)

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Cache-Control"] == "no-store"
        assert_no_token(response)

    def test_a_wrong_password_sets_none(self, browser, user):
        response = log_in(browser, password="wrong")

        assert_problem(response, 401, "invalid_credentials")
        assert not response.cookies
        assert response.headers["Cache-Control"] == "no-store"
        assert not Family.objects.exists()

    @pytest.mark.parametrize("body", [{"remember": True}, {"access": "x"}])
    def test_a_field_of_another_name_is_refused(self, browser, user, body):
        body = {"email": user.email, "password": PASSWORD, **body}
        response = browser.post(LOGIN, body)

        assert_problem(response, 400, "validation_error")
        assert not response.cookies

    def test_it_replaces_a_session_that_is_no_use(self, browser, user):
        browser.cookies[ACCESS] = browser.cookies[REFRESH_COOKIE] = "garbled"

        assert log_in(browser).status_code == 204
        assert browser.get(ME).status_code == 200


class TestSize:
    """RFC 6265bis section 5.6: every browser keeps a cookie of 4,096 bytes."""

    @pytest.fixture
    def longest(self) -> User:
        """Each column full of what takes the most room in a token."""
        user = UserFactory.create(
            email=f"{'ü' * 240}@shop.example"[:254], first_name="\x01" * 100, last_name="\x01" * 100
        )
        MembershipFactory.create(
            user=user, organization__plan="enterprise", role=Membership.Role.MANAGER
        )
        return user

    @pytest.fixture
    def longest_signature(self, settings, tmp_path) -> None:
        """RS256 with 4,096 bits: 683 characters, where HS256 has 43."""
        path = tmp_path / "keys.json"
        path.write_text(jwks(rsa_jwk(rsa.generate_private_key(65537, 4096), kid="k" * 64)))
        settings.BACKSTAY = {**settings.BACKSTAY, "AUTH_KEYS": str(path)}

    def test_the_longest_names_fit(self, browser, longest):
        response = log_in(browser, longest.email)

        assert response.status_code == 204
        for morsel in response.cookies.values():
            assert len(morsel.OutputString().encode()) <= MAX_COOKIE_BYTES == 4_096

    def test_so_they_do_with_the_longest_signature(self, browser, longest, longest_signature):
        response = log_in(browser, longest.email)

        assert response.status_code == 204
        for morsel in response.cookies.values():
            assert len(morsel.OutputString().encode()) <= MAX_COOKIE_BYTES

    def test_claims_that_do_not_fit_are_an_error_which_names_the_setting(
        self, browser, user, settings
    ):
        settings.BACKSTAY = {
            **settings.BACKSTAY,
            "TOKEN_CLAIMS": "tests.backstay.auth.test_cookies.garrulous_claims",
        }

        with pytest.raises(ImproperlyConfigured, match="TOKEN_CLAIMS"):
            log_in(browser)


def garrulous_claims(_: User) -> dict[str, Any]:
    return {"story": "x" * 3_000}


class TestAccess:
    def test_the_cookie_is_a_credential(self, browser, user, pair):
        assert browser.get(ME).json()["email"] == user.email

    def test_it_is_the_session_that_the_list_calls_current(self, browser, user, pair, family):
        issue_tokens(user)
        sessions = browser.get("/api/token/sessions/").json()["results"]

        assert [row["id"] for row in sessions if row["current"]] == [str(family.pk)]

    @pytest.mark.A1
    @pytest.mark.parametrize("path", [ME, "/api/v2/products/", "/api/token/sessions/"])
    @pytest.mark.parametrize("value", GARBLED.values(), ids=GARBLED)
    def test_a_garbled_one_is_401_with_a_challenge(self, browser, path, value):
        """On what anyone may read too, like a garbled bearer token."""
        browser.cookies[ACCESS] = value
        response = browser.get(path)

        assert_problem(response, 401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    @pytest.mark.A1
    def test_bytes_that_are_no_text_are_401(self, browser):
        response = browser.get(ME, HTTP_COOKIE=f"{ACCESS}=\xff\xfe.\x80.a")

        assert_problem(response, 401, "token_invalid")

    @pytest.mark.A1
    def test_an_expired_one_says_so(self, browser, pair, clock):
        clock.move_to(NOW + 16 * MINUTE)

        assert_problem(browser.get(ME), 401, "token_expired")

    @pytest.mark.A2
    def test_a_refresh_token_is_no_access_token(self, browser, pair):
        browser.cookies[ACCESS] = pair["refresh"]

        assert_problem(browser.get(ME), 401, "token_invalid")

    @pytest.mark.A3
    def test_of_an_ended_session_it_is_refused(self, browser, user, pair):
        other = APIClient(HTTP_SEC_FETCH_SITE="same-origin")
        other.cookies[REFRESH_COOKIE] = pair["refresh"]
        other.post(LOGOUT)

        assert_problem(browser.get(ME), 401, "token_invalid")

    @pytest.mark.parametrize("name", ["access", "__host-access", "__Secure-access", REFRESH_COOKIE])
    def test_under_another_name_it_is_not_looked_at(self, browser, pair, name):
        """A neighbouring host can plant a cookie without the prefix."""
        browser.cookies[name] = pair["access"]
        del browser.cookies[ACCESS]

        assert_problem(browser.get(ME), 401, "not_authenticated")

    def test_a_bearer_token_goes_first(self, browser, pair):
        other = UserFactory.create()
        bearer = f"Bearer {issue_tokens(other)['access']}"

        response = browser.get(ME, headers={"Authorization": bearer})

        assert response.json()["email"] == other.email


class TestRefresh:
    def test_it_exchanges_both(self, browser, pair, family, clock):
        clock.shift(MINUTE)
        response = browser.post(REFRESH)

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Cache-Control"] == "no-store"
        assert_no_token(response)
        access, refresh = (response.cookies[name] for name in (ACCESS, REFRESH_COOKIE))
        assert {access.value, refresh.value}.isdisjoint(pair.values())
        assert codec().decode(access.value, "access")["family"] == str(family.pk)
        assert codec().decode(refresh.value, "refresh")["family"] == str(family.pk)
        assert (access["max-age"], refresh["max-age"]) == (15 * MINUTE, 30 * DAY - MINUTE)

    def test_they_are_set_as_at_login(self, browser, user):
        login = log_in(browser)
        response = browser.post(REFRESH)

        assert {name: attributes(morsel) for name, morsel in response.cookies.items()} == {
            name: attributes(morsel) for name, morsel in login.cookies.items()
        }

    def test_the_access_cookie_does_not_outlive_its_session(self, browser, pair, clock):
        clock.move_to(NOW + 30 * DAY - MINUTE)
        response = browser.post(REFRESH)

        assert {morsel["max-age"] for morsel in response.cookies.values()} == {MINUTE}

    @pytest.mark.A4
    def test_two_tabs_get_the_same(self, browser, pair):
        successors = set()
        for _ in range(2):
            browser.cookies[REFRESH_COOKIE] = pair["refresh"]
            successors.add(browser.post(REFRESH).cookies[REFRESH_COOKIE].value)

        assert len(successors) == 1
        assert successors.isdisjoint(pair.values())

    @pytest.mark.A1
    @pytest.mark.parametrize("value", GARBLED.values(), ids=GARBLED)
    def test_a_garbled_one_is_401_and_taken_away(self, browser, value):
        browser.cookies[REFRESH_COOKIE] = value
        response = browser.post(REFRESH)

        assert_problem(response, 401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
        assert response.headers["Cache-Control"] == "no-store"
        assert_taken_away(response)

    @pytest.mark.A1
    def test_bytes_that_are_no_text_are_taken_away(self, browser):
        response = browser.post(REFRESH, HTTP_COOKIE=f"{REFRESH_COOKIE}=\xff\xfe.\x80.a")

        assert_problem(response, 401, "token_invalid")
        assert_taken_away(response)

    @pytest.mark.A2
    def test_an_access_token_is_taken_away(self, browser, pair):
        browser.cookies[REFRESH_COOKIE] = pair["access"]
        response = browser.post(REFRESH)

        assert_problem(response, 401, "token_invalid")
        assert_taken_away(response)

    def test_an_expired_one_is_taken_away(self, browser, pair, clock):
        clock.move_to(NOW + 30 * DAY + 1)
        response = browser.post(REFRESH)

        assert_problem(response, 401, "token_expired")
        assert_taken_away(response)

    @pytest.mark.A4
    def test_a_spent_one_ends_the_session_and_is_taken_away(self, browser, pair, family, clock):
        browser.post(REFRESH)
        clock.shift(MINUTE)
        browser.cookies[REFRESH_COOKIE] = pair["refresh"]
        response = browser.post(REFRESH)

        assert_problem(response, 401, "token_invalid")
        assert_taken_away(response)
        family.refresh_from_db()
        assert family.ended_for == Family.End.REUSE

    def test_with_debug_it_is_taken_away_by_its_name_there(self, browser, settings):
        settings.DEBUG = True
        browser.cookies["refresh"] = "garbled"
        response = browser.post(REFRESH)

        assert_problem(response, 401, "token_invalid")
        assert_taken_away(response, prefixed=False)

    @pytest.mark.A1
    def test_without_one_it_is_401(self, browser, pair):
        del browser.cookies[REFRESH_COOKIE]
        response = browser.post(REFRESH)

        assert_problem(response, 401, "not_authenticated")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'

    def test_a_foreign_page_cannot_have_the_cookies_taken_away(self, browser):
        browser.cookies[REFRESH_COOKIE] = "garbled"
        response = browser.post(REFRESH, headers={"Sec-Fetch-Site": "cross-site"})

        assert_problem(response, 403, "csrf_failed")
        assert not response.cookies

    def test_a_token_in_the_body_is_refused_and_not_spent(self, browser, pair, family):
        body = {"refresh": pair["refresh"]}
        response = browser.post(REFRESH, body)

        assert_problem(response, 400, "validation_error", [("/refresh", "unknown_field")])
        assert not response.cookies
        assert Family.objects.get().refresh_hash == family.refresh_hash


class TestLogout:
    def test_it_ends_the_session_and_takes_the_cookies_away(self, browser, pair, family):
        response = browser.post(LOGOUT)

        assert (response.status_code, response.content) == (204, b"")
        assert response.headers["Cache-Control"] == "no-store"
        assert_taken_away(response)
        family.refresh_from_db()
        assert family.ended_for == Family.End.LOGOUT

    def test_the_users_other_sessions_live_on(self, browser, user, pair):
        issue_tokens(user)
        browser.post(LOGOUT)

        assert Family.objects.live().count() == 1

    def test_twice_is_as_once(self, browser, pair, family):
        for _ in range(2):
            browser.cookies[REFRESH_COOKIE] = pair["refresh"]
            response = browser.post(LOGOUT)
            assert response.status_code == 204
            assert_taken_away(response)

    def test_a_spent_cookie_ends_it_too(self, browser, pair, family):
        browser.post(REFRESH)
        browser.cookies[REFRESH_COOKIE] = pair["refresh"]
        browser.post(LOGOUT)

        family.refresh_from_db()
        assert family.ended_at is not None

    @pytest.mark.parametrize("value", GARBLED.values(), ids=GARBLED)
    def test_garbled_cookies_are_taken_away(self, browser, value):
        browser.cookies[ACCESS] = browser.cookies[REFRESH_COOKIE] = value
        response = browser.post(LOGOUT)

        assert response.status_code == 204
        assert_taken_away(response)

    def test_an_expired_cookie_is_taken_away(self, browser, pair, clock):
        clock.move_to(NOW + 31 * DAY)
        response = browser.post(LOGOUT)

        assert response.status_code == 204
        assert_taken_away(response)

    def test_the_access_cookie_alone_ends_it_too(self, browser, pair, family):
        del browser.cookies[REFRESH_COOKIE]
        browser.post(LOGOUT)

        family.refresh_from_db()
        assert family.ended_for == Family.End.LOGOUT

    def test_without_a_session_it_is_done_already(self, browser):
        assert browser.post(LOGOUT).status_code == 204

    def test_with_debug_they_are_taken_away_by_their_names_there(self, browser, settings):
        settings.DEBUG = True

        assert_taken_away(browser.post(LOGOUT), prefixed=False)

    def test_a_body_is_refused(self, browser, pair, family):
        body = {"refresh": pair["refresh"]}
        response = browser.post(LOGOUT, body)

        assert_problem(response, 400, "validation_error", [("/refresh", "unknown_field")])
        family.refresh_from_db()
        assert family.ended_at is None


@pytest.mark.parametrize("path", [LOGIN, REFRESH, LOGOUT])
class TestEveryEndpoint:
    @pytest.mark.E1
    @pytest.mark.parametrize("body", [b"{", b"[]", b"5", b'"x"', b"\xff", b"[" * 9_999])
    def test_a_malformed_body_is_400(self, browser, pair, path, body):
        response = browser.post(path, body, content_type="application/json")

        assert response.status_code == 400
        assert response.headers["Cache-Control"] == "no-store"
        assert not response.cookies

    def test_only_post_is_allowed(self, browser, path):
        response = browser.get(path)

        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "POST, OPTIONS"
