"""
Which requests that a browser authenticated by itself are taken for meant.

The project around them is the shop: its endpoints, its order of authentication classes.
A refused request leaves the database as it was, and costs nobody a place in a limit.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
from django.test import Client

from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from shop.accounts.models import User
from shop.orders.models import Address
from tests.shop.factories import PASSWORD, AddressFactory, StaffFactory, UserFactory
from tests.shop.problems import assert_problem

pytestmark = [
    pytest.mark.A7,
    pytest.mark.once,
    pytest.mark.django_db,
    pytest.mark.usefixtures("clock"),
]

OWN, FOREIGN, TRUSTED = "http://testserver", "https://evil.example", "https://app.shop.example"

#: In the browser's cookie, whoever makes the request; only our pages can read it there.
TOKEN = "a" * 32

PROOFS = {
    "own Origin": {"Origin": OWN},
    "trusted Origin": {"Origin": TRUSTED},
    "trusted Origin of another site": {"Origin": TRUSTED, "Sec-Fetch-Site": "cross-site"},
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
    "token": {"X-CSRFToken": TOKEN},
}

NO_PROOFS = {
    "nothing": {},
    "foreign Origin": {"Origin": FOREIGN},
    "foreign Origin and token": {"Origin": FOREIGN, "X-CSRFToken": TOKEN},
    "foreign Origin and same-origin": {"Origin": FOREIGN, "Sec-Fetch-Site": "same-origin"},
    "Origin: null": {"Origin": "null"},
    "Origin: null and token": {"Origin": "null", "X-CSRFToken": TOKEN},
    "empty Origin": {"Origin": ""},
    "malformed Origin": {"Origin": "http://["},
    "own Origin by https": {"Origin": "https://testserver"},
    "own Origin on another port": {"Origin": f"{OWN}:8001"},
    "own Origin as a prefix": {"Origin": f"{OWN}.evil.example"},
    "below the trusted Origin": {"Origin": "https://deep.app.shop.example"},
    "same-site": {"Sec-Fetch-Site": "same-site"},
    "cross-site": {"Sec-Fetch-Site": "cross-site"},
    "none": {"Sec-Fetch-Site": "none"},
    "wrong token": {"X-CSRFToken": "b" * 32},
    "malformed token": {"X-CSRFToken": "ü"},
    "empty token": {"X-CSRFToken": ""},
    "own Referer alone": {"Referer": f"{OWN}/example/"},
    "Authorization: Junk": {"Authorization": "Junk x"},
    "Authorization: Basic": {"Authorization": "Basic YTpi"},
    "empty Authorization": {"Authorization": ""},
    "foreign Origin and Authorization": {"Origin": FOREIGN, "Authorization": "Junk x"},
}

#: By https, where Django asks a token for the page it comes from too.
SECURE_PROOFS = {
    "own Origin": {"Origin": "https://testserver"},
    "same-origin": {"Sec-Fetch-Site": "same-origin"},
    "token and own Referer": {"X-CSRFToken": TOKEN, "Referer": "https://testserver/example/"},
    "token and trusted Referer": {"X-CSRFToken": TOKEN, "Referer": f"{TRUSTED}/"},
}
SECURE_NO_PROOFS = {
    "token without Referer": {"X-CSRFToken": TOKEN},
    "token and foreign Referer": {"X-CSRFToken": TOKEN, "Referer": f"{FOREIGN}/"},
    "token and Referer by http": {"X-CSRFToken": TOKEN, "Referer": f"{OWN}/example/"},
    "own Origin by http": {"Origin": OWN},
    "own Referer alone": {"Referer": "https://testserver/example/"},
}


@dataclass(frozen=True, slots=True)
class Action:
    """A request that changes something; ``{…}`` in its path is what belongs to the user."""

    method: str
    path: str
    body: dict[str, Any] | None = None

    def __call__(self, browser: Client, *, own: dict[str, Any], **extra: Any) -> Any:
        content = b"" if self.body is None else json.dumps(self.body).encode()
        extra = {"content_type": "application/json", **extra}
        return browser.generic(self.method, self.path.format(**own), content, **extra)


COOKIE_ENDPOINTS = {
    "log in": Action(
        "POST", "/api/token/cookie/", {"email": "ada@shop.example", "password": PASSWORD}
    ),
    "refresh": Action("POST", "/api/token/cookie/refresh/"),
    "log out": Action("POST", "/api/token/cookie/logout/"),
}
WRITES = {
    "create": Action(
        "POST",
        "/api/v1/addresses/",
        {"line1": "2 Bridge Street", "city": "Eastford", "postcode": "10000", "country": "AT"},
    ),
    "change": Action("PATCH", "/api/v1/addresses/{address}/", {"city": "Westford"}),
    "delete": Action("DELETE", "/api/v2/addresses/{address}/"),
    "rename": Action("PATCH", "/partners/v1/users/me/", {"first_name": "Eve"}),
    "log out everywhere": Action("POST", "/api/token/logout-all/"),
    "end a session": Action("DELETE", "/api/token/sessions/{family}/"),
}

ALL = {**COOKIE_ENDPOINTS, **WRITES}
ACTIONS = [pytest.param(action, id=name) for name, action in ALL.items()]
BY_SESSION = {name: WRITES[name] for name in ("create", "change", "delete")}


#: One of each kind of view: what a kind makes of the headers is no matter of what it does.
USUAL = ("log in", "change")


def crossed(actions: dict[str, Action], table: dict[str, dict[str, str]]) -> Any:
    """Each action with each row; for long only where neither is among the usual."""
    rows = [
        pytest.param(
            action,
            headers,
            id=f"{name}-{said}",
            marks=[] if name in USUAL or said == next(iter(table)) else pytest.mark.long,
        )
        for name, action in actions.items()
        for said, headers in table.items()
    ]
    return pytest.mark.parametrize(("action", "headers"), rows)


@pytest.fixture(autouse=True)
def project(settings):
    settings.CSRF_TRUSTED_ORIGINS = [TRUSTED]


@pytest.fixture
def user():
    return UserFactory.create(email="ada@shop.example")


@pytest.fixture
def browser(user) -> Client:
    """Logged in by cookies; its requests come from whichever page the headers name."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    pair = issue_tokens(user)
    browser.cookies["__Host-access"] = pair["access"]
    browser.cookies["__Secure-refresh"] = pair["refresh"]
    browser.cookies["csrftoken"] = TOKEN
    return browser


@pytest.fixture
def staff_browser() -> Client:
    """Logged in to the admin."""
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    staff = StaffFactory.create(email="staff@shop.example")
    issue_tokens(staff)
    browser.force_login(staff)
    browser.cookies["csrftoken"] = TOKEN
    return browser


@pytest.fixture
def own(user) -> Callable[[Client], dict[str, Any]]:
    """What the one who is logged in has: an address, and a session elsewhere."""

    def having(browser: Client) -> dict[str, Any]:
        session = browser.cookies.get("sessionid")
        owner = User.objects.get(email="staff@shop.example") if session else user
        issue_tokens(owner)
        address = AddressFactory.create(user=owner)
        family = Family.objects.filter(user=owner).latest("created_at")
        return {"address": address.pk, "family": family.pk}

    return having


def everything() -> list[Any]:
    """The rows that any of the actions would change."""
    return [list(model.objects.order_by("pk").values()) for model in (Family, Address, User)]


def assert_refused(action: Action, browser: Client, own: dict[str, Any], **request: Any) -> None:
    before = everything()
    response = action(browser, own=own, **request)
    assert_problem(response, 403, "csrf_failed")
    assert not response.cookies
    assert everything() == before


def assert_done(action: Action, browser: Client, own: dict[str, Any], **request: Any) -> None:
    before = everything()
    response = action(browser, own=own, **request)
    assert response.status_code < 300, response.content
    assert everything() != before


class TestByCookies:
    @crossed(ALL, PROOFS)
    def test_with_proof_it_is_done(self, browser, own, action, headers):
        assert_done(action, browser, own(browser), headers=headers)

    @crossed(ALL, NO_PROOFS)
    def test_without_it_is_refused_and_changes_nothing(self, browser, own, action, headers):
        assert_refused(action, browser, own(browser), headers=headers)

    @crossed(ALL, SECURE_PROOFS)
    def test_by_https_with_proof_it_is_done(self, browser, own, action, headers):
        assert_done(action, browser, own(browser), headers=headers, secure=True)

    @crossed(ALL, SECURE_NO_PROOFS)
    def test_by_https_without_it_is_refused(self, browser, own, action, headers):
        assert_refused(action, browser, own(browser), headers=headers, secure=True)

    @pytest.mark.parametrize("action", ACTIONS)
    def test_a_token_without_its_cookie_is_refused(self, browser, own, action):
        del browser.cookies["csrftoken"]
        assert_refused(action, browser, own(browser), headers={"X-CSRFToken": TOKEN})

    @pytest.mark.parametrize("action", ACTIONS)
    def test_refusals_charge_no_limit(self, browser, own, action, settings):
        scopes = ("login", "auth_failure", "refresh", "anon", "user", "search")
        rates = dict.fromkeys(scopes, "1/minute")
        settings.REST_FRAMEWORK = {**settings.REST_FRAMEWORK, "DEFAULT_THROTTLE_RATES": rates}
        mine = own(browser)
        for _ in range(3):
            assert_refused(action, browser, mine, headers={"Origin": FOREIGN})
        assert_done(action, browser, mine, headers={"Origin": OWN})


class TestByStaffSession:
    @crossed(BY_SESSION, PROOFS)
    def test_with_proof_it_is_done(self, staff_browser, own, action, headers):
        assert_done(action, staff_browser, own(staff_browser), headers=headers)

    @crossed(BY_SESSION, NO_PROOFS)
    def test_without_it_is_refused_and_changes_nothing(self, staff_browser, own, action, headers):
        assert_refused(action, staff_browser, own(staff_browser), headers=headers)


class TestWhatAFormCanSend:
    """A foreign page's form: no header of its own choice, a body of three types."""

    @pytest.mark.parametrize("action", ACTIONS)
    @pytest.mark.parametrize(
        ("content_type", "field"),
        [
            ("application/x-www-form-urlencoded", "csrfmiddlewaretoken={}"),
            ("text/plain", '{{"csrfmiddlewaretoken": "{}"}}'),
            ("application/json", '{{"csrfmiddlewaretoken": "{}"}}'),
        ],
    )
    def test_a_token_in_the_body_is_no_proof(self, browser, own, action, content_type, field):
        path = action.path.format(**own(browser))
        before = everything()
        response = browser.generic(
            action.method, path, field.format(TOKEN), content_type=content_type
        )

        assert_problem(response, 403, "csrf_failed")
        assert everything() == before


class TestWhatNeedsNoProof:
    @pytest.mark.parametrize("method", ["GET", "HEAD", "OPTIONS"])
    @pytest.mark.parametrize("origin", [None, OWN, FOREIGN, "null"])
    @pytest.mark.parametrize("actor", ["browser", "staff_browser"])
    def test_reading(self, request, actor, method, origin):
        headers = {"Origin": origin} if origin else {}
        reader = request.getfixturevalue(actor)

        response = reader.generic(method, "/api/v1/addresses/", headers=headers)

        assert response.status_code == 200
        assert "Access-Control-Allow-Origin" not in response.headers

    @pytest.mark.parametrize("action", [pytest.param(WRITES[name], id=name) for name in WRITES])
    def test_a_bearer_token_which_no_browser_sends_by_itself(self, browser, own, action):
        bearer = f"Bearer {browser.cookies['__Host-access'].value}"

        assert_done(
            action, browser, own(browser), headers={"Authorization": bearer, "Origin": FOREIGN}
        )

    def test_a_write_without_a_cookie_is_asked_for_a_credential(self, own, user):
        anonymous = Client(enforce_csrf_checks=True)

        response = WRITES["change"](anonymous, own=own(anonymous), headers={"Origin": FOREIGN})

        assert_problem(response, 401, "not_authenticated")


@pytest.mark.A1
class TestBadCredentials:
    """The proof is asked for first: a foreign page learns and charges nothing."""

    @pytest.mark.parametrize("action", [pytest.param(WRITES[name], id=name) for name in WRITES])
    @pytest.mark.parametrize("header", ["Bearer", "bearer x", "Bearer a.b.c"])
    def test_a_garbled_bearer_token_does_not_fall_back_to_the_cookie(
        self, browser, own, action, header
    ):
        mine = own(browser)
        before = everything()
        response = action(browser, own=mine, headers={"Authorization": header, "Origin": OWN})

        assert_problem(response, 401, "token_invalid")
        assert everything() == before

    @pytest.mark.parametrize("name", COOKIE_ENDPOINTS)
    @pytest.mark.parametrize("header", ["Bearer", "Bearer a.b.c"])
    def test_nor_does_it_count_as_proof(self, browser, own, name, header):
        headers = {"Authorization": header, "Origin": FOREIGN}

        assert_refused(COOKIE_ENDPOINTS[name], browser, own(browser), headers=headers)

    def test_a_garbled_cookie_without_proof_is_csrf_failed(self, browser, own):
        browser.cookies["__Host-access"] = "garbled"

        assert_refused(WRITES["change"], browser, own(browser), headers={"Origin": FOREIGN})

    def test_a_garbled_cookie_with_proof_is_401(self, browser, own):
        browser.cookies["__Host-access"] = "garbled"
        response = WRITES["change"](browser, own=own(browser), headers={"Origin": OWN})

        assert_problem(response, 401, "token_invalid")
        assert response.headers["WWW-Authenticate"] == 'Bearer realm="api"'
