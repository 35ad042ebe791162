"""The page with a session, in a real browser, and pages of somebody else's that want it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop import example
from tests.shop.browser import (
    CUSTOMER,
    Attacker,
    Browser,
    Shop,
    attacking,
    chromium,
    fill,
    needs_chromium,
    serving,
)

pytestmark = [
    pytest.mark.A7,
    pytest.mark.long,
    pytest.mark.once,
    needs_chromium,
]

WRONG = "No active account matches these credentials."

LOGIN, REFRESH, LOGOUT = (f"/api/token/cookie/{name}" for name in ("", "refresh/", "logout/"))
ADDRESSES, SESSIONS = "/api/v1/addresses/", "/api/token/sessions/"

#: Each change of the refresh token in force, by whomever.
COUNT_ROTATIONS = """
CREATE TRIGGER count_rotations AFTER UPDATE OF refresh_hash ON backstay_sessions_family
WHEN OLD.refresh_hash != NEW.refresh_hash
BEGIN INSERT INTO rotations VALUES (OLD.refresh_hash); END
"""

FORM = """
<form method="post" action="{target}" enctype="{enctype}">
<input name='{name}' value='{value}'>
</form>
<script>document.forms[0].submit();</script>
"""

FETCHES = """
<script>
const types = ["text/plain", "application/x-www-form-urlencoded", "application/json"];
const calls = {calls};
const send = ([method, url, body], mode, type) => fetch(url, {{
  method, mode, credentials: "include", body, headers: {{"Content-Type": type}},
}});
Promise.allSettled(calls.flatMap((call) => [
  ...(call[0] === "POST" ? types.slice(0, 2).map((type) => send(call, "no-cors", type)) : []),
  send(call, "cors", "application/json"),
  ...(call[0] === "POST"
    ? [fetch(call[1], {{method: "POST", mode: "no-cors", credentials: "include"}})] : []),
])).then(() => {{ document.title = "done"; }});
</script>
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("example") / "db.sqlite3"
    fill(path)
    return path


@pytest.fixture
def shop(database: Path) -> Iterator[Shop]:
    """Started anew, so that no test meets the limits of another."""
    with serving(database) as shop:
        yield shop


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser) -> Browser:
    """One tab, without a past."""
    started.forget_everything()
    return started


@pytest.fixture
def visitor(browser: Browser, shop: Shop) -> Browser:
    """Somebody who has logged in on the page."""
    browser.driver.get(shop.page)
    browser.log_in()
    browser.shows(f"Logged in as {CUSTOMER}")
    return browser


@pytest.fixture
def attacker() -> Iterator[Attacker]:
    with attacking() as attacker:
        yield attacker


def live_families(shop: Shop) -> int:
    [(count,)] = shop.rows("SELECT count(*) FROM backstay_sessions_family WHERE ended_at IS NULL")
    return count


def count_rotations(shop: Shop) -> None:
    shop.write("CREATE TABLE rotations (spent)")
    shop.write(COUNT_ROTATIONS)


def rotations(shop: Shop) -> int:
    """How often a refresh token was spent since they are counted."""
    [(count,)] = shop.rows("SELECT count(*) FROM rotations")
    return count


class TestThePage:
    def test_a_visitor_logs_in_and_sees_orders_and_sessions(self, visitor):
        assert not visitor.find("#login").is_displayed()
        assert len(visitor.driver.find_elements("css selector", "#orders tr")) > 0
        assert "(this one)" in visitor.find("#sessions").text

    def test_reloading_keeps_the_session(self, visitor, shop):
        visitor.driver.refresh()

        visitor.shows(f"Logged in as {CUSTOMER}")
        assert live_families(shop) == 1

    def test_a_wrong_password_shows_the_services_sentence(self, browser, shop):
        browser.driver.get(shop.page)
        browser.log_in(password="wrong")

        browser.shows(WRONG)
        assert browser.find("#login").is_displayed()
        assert live_families(shop) == 0

    def test_no_script_sees_a_token(self, visitor, shop):
        script = "return [document.cookie, {...localStorage}, {...sessionStorage}]"
        assert visitor.driver.execute_script(script) == ["", {}, {}]
        assert "eyJ" not in visitor.driver.page_source

        cookies = visitor.cookies()
        assert set(cookies) == {"access", "refresh"}
        assert all(cookie["httpOnly"] for cookie in cookies.values())
        assert (cookies["access"]["sameSite"], cookies["refresh"]["sameSite"]) == ("Lax", "Strict")
        assert (cookies["access"]["path"], cookies["refresh"]["path"]) == ("/", LOGIN)

    def test_its_policy_breaks_nothing(self, visitor):
        """The console tells of the calls that asked whether there was a session, and no more."""
        visitor.driver.refresh()
        visitor.shows(f"Logged in as {CUSTOMER}")

        told = [entry for entry in visitor.console() if "status of 401" not in entry["message"]]
        assert told == []

    def test_its_policy_lets_no_other_script_run(self, visitor):
        visitor.driver.execute_script(
            "const script = document.createElement('script');"
            "script.textContent = 'document.title = \"injected\"';"
            "document.body.append(script);"
        )

        assert visitor.driver.title != "injected"
        assert any("Content Security Policy" in entry["message"] for entry in visitor.console())

    def test_logging_out_ends_the_session_and_leaves_no_cookie(self, visitor, shop):
        visitor.find("#logout").click()

        visitor.shows("Not logged in")
        assert not visitor.find("#account").is_displayed()
        assert visitor.cookies() == {}
        assert live_families(shop) == 0


class TestTwoTabs:
    def test_when_the_access_cookie_expires_both_go_on(self, visitor, shop):
        """Both load at once, and one refresh serves them both."""
        count_rotations(shop)
        first = visitor.driver.current_window_handle
        second = visitor.open_tab(shop.page)
        visitor.shows(f"Logged in as {CUSTOMER}")
        for tab in (second, first):
            visitor.driver.switch_to.window(tab)
            visitor.driver.execute_script("performance.clearResourceTimings()")
        visitor.forget("access", shop.page)
        visitor.driver.execute_script("new BroadcastChannel('session').postMessage('changed')")

        refreshes = 0
        for tab in (first, second):
            visitor.driver.switch_to.window(tab)
            visitor.until(lambda: visitor.calls(SESSIONS) == 1, "the whole page")
            visitor.shows(f"Logged in as {CUSTOMER}")
            refreshes += visitor.calls(REFRESH)

        assert refreshes == 1
        assert rotations(shop) == live_families(shop) == 1
        for tab in (first, second):
            visitor.driver.switch_to.window(tab)
            visitor.driver.refresh()
            visitor.shows(f"Logged in as {CUSTOMER}")
        assert rotations(shop) == 1

    def test_two_that_refresh_at_the_same_moment_get_the_same(self, visitor, shop):
        """A page that does not take turns loses nothing by it."""
        count_rotations(shop)
        statuses = visitor.driver.execute_async_script(
            "const [path, done] = arguments;"
            "const refresh = () => fetch(path, {method: 'POST'}).then(({status}) => status);"
            "Promise.all([refresh(), refresh(), refresh()]).then(done);",
            REFRESH,
        )

        assert statuses == [204, 204, 204]
        assert rotations(shop) == live_families(shop) == 1
        visitor.forget("access", shop.page)
        visitor.driver.refresh()
        visitor.shows(f"Logged in as {CUSTOMER}")

    def test_logging_out_in_one_logs_the_other_out(self, visitor, shop):
        first = visitor.driver.current_window_handle
        visitor.open_tab(shop.page)
        visitor.shows(f"Logged in as {CUSTOMER}")
        visitor.find("#logout").click()
        visitor.shows("Not logged in")

        visitor.driver.switch_to.window(first)
        visitor.shows("Not logged in")
        assert live_families(shop) == 0

    def test_logging_in_in_one_logs_the_other_in(self, browser, shop):
        browser.driver.get(shop.page)
        first = browser.driver.current_window_handle
        browser.open_tab(shop.page)
        browser.log_in()
        browser.shows(f"Logged in as {CUSTOMER}")

        browser.driver.switch_to.window(first)
        browser.shows(f"Logged in as {CUSTOMER}")


#: What an attacker would have done.
EFFECTS = """
SELECT 'family', id || refresh_hash || coalesce(ended_at, '') FROM backstay_sessions_family
UNION ALL SELECT 'address', id || city FROM orders_address
UNION ALL SELECT 'user', id || first_name FROM accounts_user
"""

BODIES = {
    LOGIN: {"email": "customer2@shop.example", "password": "backstay-demo"},
    REFRESH: None,
    LOGOUT: None,
    ADDRESSES: {"line1": "1 Evil Street", "city": "Evilton", "postcode": "1", "country": "AT"},
}


#: The access cookie does not go along from another site, so there the caller is unknown.
REFUSED = {
    **{(host, path): 403 for host in ("127.0.0.1", "localhost") for path in BODIES},
    ("localhost", ADDRESSES): 401,
}


def form(target: str, body: dict[str, str] | None, enctype: str) -> str:
    """As text/plain the name and the value of its field are one line: JSON, with a "=" in it."""
    name, value = json.dumps(body or {"y": ""})[:-1] + ', "x": "', '"}'
    return FORM.format(target=target, enctype=enctype, name=name, value=value)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
class TestSomebodyElsesPage:
    """On another port of the shop's host, where the cookies go along; and on another site."""

    def test_its_forms_do_nothing(self, visitor, shop, attacker, host):
        before, cookies = shop.rows(EFFECTS), visitor.cookies()
        for target, body in BODIES.items():
            for enctype in ("application/x-www-form-urlencoded", "text/plain"):
                attacker.publish("/", form(shop.origin + target, body, enctype))
                visitor.driver.get(attacker.origin(host))
                self.assert_refused(visitor, shop.origin + target, REFUSED[host, target])
        self.assert_nothing_happened(visitor, shop, before, cookies)

    def assert_refused(self, visitor: Browser, target: str, status: int) -> None:
        visitor.until(lambda: visitor.driver.current_url == target, "the answer")
        shown = f'"status":{status}'
        visitor.until(lambda: shown in visitor.driver.page_source.replace(" ", ""), shown)

    def test_its_scripts_do_nothing(self, visitor, shop, attacker, host):
        before, cookies = shop.rows(EFFECTS), visitor.cookies()
        attacker.publish("/", self.scripts(shop))
        visitor.answers(shop.origin)
        visitor.driver.get(attacker.origin(host))

        visitor.until(lambda: visitor.driver.title == "done", "its calls to end")
        answered = visitor.answers(shop.origin)
        assert answered >= {(path, REFUSED[host, path]) for path in BODIES}
        assert {status for _, status in answered} <= {200, 401, 403}
        self.assert_nothing_happened(visitor, shop, before, cookies)

    def scripts(self, shop: Shop) -> str:
        [(address,)] = shop.rows(
            "SELECT orders_address.id FROM orders_address JOIN accounts_user"
            " ON user_id = accounts_user.id WHERE email = ? LIMIT 1",
            CUSTOMER,
        )
        calls = [["POST", shop.origin + path, json.dumps(body)] for path, body in BODIES.items()]
        calls.append(["PATCH", f"{shop.origin}{ADDRESSES}{address}/", '{"city": "Evilton"}'])
        calls.append(["PATCH", f"{shop.origin}/api/v1/users/me/", '{"first_name": "Eve"}'])
        return FETCHES.format(calls=json.dumps(calls))

    def assert_nothing_happened(self, visitor, shop, before, cookies) -> None:
        assert shop.rows(EFFECTS) == before
        assert visitor.cookies() == cookies
        visitor.driver.get(shop.page)
        visitor.shows(f"Logged in as {CUSTOMER}")


def test_the_page_of_a_trusted_origin_logs_out(browser, database, attacker):
    """So it is for their origin, and for nothing else, that the others are refused."""
    trusted = attacker.origin("127.0.0.1")
    with serving(database, CSRF_TRUSTED_ORIGINS=trusted) as shop:
        browser.driver.get(shop.page)
        browser.log_in()
        browser.shows(f"Logged in as {CUSTOMER}")
        attacker.publish(
            "/", FETCHES.format(calls=json.dumps([["POST", shop.origin + LOGOUT, ""]]))
        )
        browser.driver.get(trusted)
        browser.until(lambda: browser.driver.title == "done", "its calls to end")

        assert live_families(shop) == 0
        assert browser.cookies() == {}


def test_the_policy_allows_its_own_host_only():
    sources = {word for part in example.POLICY.split("; ") for word in part.split()[1:]}
    assert sources == {"'self'", "'none'"}
