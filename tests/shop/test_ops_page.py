"""The dashboard in a real browser, over a served shop: what staff see, find, lift and retry."""

import base64
import http.client
import json
import os
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest
from selenium.webdriver.common.keys import Keys

from shop.environment import ROOT
from tests.shop.browser import (
    CUSTOMER,
    PASSWORD,
    Browser,
    Shop,
    chromium,
    fill,
    needs_chromium,
    serving,
)
from tests.shop.pictures import with_palette

pytestmark = [
    pytest.mark.M1,
    pytest.mark.long,
    pytest.mark.once,
    needs_chromium,
]

STAFF = "staff@shop.example"
PICTURES = ROOT / "docs" / "images"
MAX_PICTURE_BYTES = 200_000

PARK = """
from django.utils import timezone
from backstay.outbox.models import QueuedJob
QueuedJob.objects.create(
    id="{id}", name="accounts.welcome_mail", payload='{{"user_id": {user}}}', attempts=10,
    error="smtplib.SMTPServerDisconnected", raised_in="send_welcome_mail, send",
    parked_at=timezone.now(),
)
"""


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("ops") / "db.sqlite3"
    fill(path)
    return path


@pytest.fixture
def shop(database: Path) -> Iterator[Shop]:
    with serving(database, DJANGO_SETTINGS_MODULE="tests.shop.ops_settings") as shop:
        yield shop


@pytest.fixture
def busy_shop(database: Path) -> Iterator[Shop]:
    """One that had an hour of traffic."""
    settings = "tests.shop.ops_settings"
    with serving(database, DJANGO_SETTINGS_MODULE=settings, PAST="1") as shop:
        yield shop


@pytest.fixture(scope="module")
def started(tmp_path_factory) -> Iterator[Browser]:
    with chromium(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(started: Browser) -> Iterator[Browser]:
    """
    One tab, without a past; nothing on the page was forbidden or failed by the end.

    Ask for it after the shop, which has to be there until then.
    """
    started.forget_everything()
    resize(started, 1280, 900)
    yield started
    assert [line for line in started.console() if "favicon.ico" not in line["message"]] == []


def resize(browser: Browser, width: int, height: int, scheme: str = "light") -> None:
    command = browser.driver.execute_cdp_cmd
    size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
    command("Emulation.setDeviceMetricsOverride", size)
    command("Emulation.setScrollbarsHidden", {"hidden": True})
    feature = {"name": "prefers-color-scheme", "value": scheme}
    command("Emulation.setEmulatedMedia", {"features": [feature]})


def sign_in(browser: Browser, shop: Shop, page: str = "/ops/") -> None:
    browser.driver.get(shop.origin + page)
    assert "/admin/login/" in browser.driver.current_url
    browser.find("[name=username]").send_keys(STAFF)
    browser.find("[name=password]").send_keys(PASSWORD + Keys.ENTER)
    browser.until(lambda: text(browser, "#state") == "Live", "the page to be live")


def text(browser: Browser, selector: str) -> str:
    return browser.driver.execute_script(
        "return document.querySelector(arguments[0])?.textContent.trim() ?? ''", selector
    )


def texts(browser: Browser, selector: str) -> list[str]:
    return browser.driver.execute_script(
        "return [...document.querySelectorAll(arguments[0])].map((node) => node.textContent)",
        selector,
    )


def requests_shown(browser: Browser) -> int:
    """The number in "1,234 in 15m"."""
    return int(text(browser, ".plot .quiet").split()[0].replace(",", "") or 0)


def ask(shop: Shop, method: str, path: str, body: object = None) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=10)
    with closing(connection) as client:
        headers = {"Content-Type": "application/json"}
        client.request(method, path, None if body is None else json.dumps(body), headers)
        response = client.getresponse()
        response.read()
        return response.status


def log_in(shop: Shop, email: str = CUSTOMER, password: str = PASSWORD) -> int:
    return ask(shop, "POST", "/api/token/", {"email": email, "password": password})


def be_kept_out(shop: Shop) -> None:
    """Guess until the limit of the address refuses, each time for another account."""
    for number in range(10):
        if log_in(shop, f"nobody{number}@shop.example", "wrong") == 429:
            return
    raise AssertionError("Nobody is kept out.")


def park(shop: Shop) -> str:
    [(user,)] = shop.rows("SELECT id FROM accounts_user WHERE email = ?", CUSTOMER)
    job = uuid4().hex
    shop.run(PARK.format(id=job, user=user))
    return job


def active(browser: Browser) -> str:
    return browser.driver.execute_script("return document.activeElement.textContent.trim()")


def press(browser: Browser, *keys: str) -> None:
    for key in keys:
        browser.driver.switch_to.active_element.send_keys(key)


def tab_to(browser: Browser, words: str) -> None:
    """Press Tab until the focus, which is seen everywhere, is on what says *words*."""
    script = """
        const {outlineStyle, outlineWidth} = getComputedStyle(document.activeElement);
        return outlineStyle !== "none" && parseFloat(outlineWidth) >= 2;
    """
    for _ in range(80):
        press(browser, Keys.TAB)
        if active(browser) == words:
            assert browser.driver.execute_script(script), f"no focus is seen on {words!r}"
            return
    raise AssertionError(f"The keyboard does not reach {words!r}.")


class TestWhatStaffSee:
    def test_numbers_move_under_load(self, shop, browser):
        sign_in(browser, shop)
        before = requests_shown(browser)
        for _ in range(40):
            assert ask(shop, "GET", "/api/v2/products/") == 200

        browser.until(lambda: requests_shown(browser) >= before + 40, "the requests to be counted")
        assert "/api/{version}/products/" in texts(browser, "#endpoints .route")
        assert browser.find(".plot .line.requests").get_attribute("d").startswith("M")

    def test_a_moment_between_silent_ones_is_seen(self, shop, browser):
        sign_in(browser, shop)

        width, way = browser.driver.execute_async_script("""
            const [done] = arguments;
            const script = document.querySelector("script[type=module]").src;
            import(new URL("plot.js", script)).then(({ Plot }) => {
              const plot = new Plot({
                title: "Latency", unit: "", series: [{ name: "p50", label: "", kind: "line" }],
                scale: String, headline: () => ({ value: "", aside: "" }),
              });
              document.querySelector(".plots").append(plot.element);
              plot.show({ at: 0, step: 10, p50: [1, 1, null, 5, null] }, {});
              const lines = [...plot.element.querySelectorAll(".line")];
              done([getComputedStyle(lines.at(-1)).strokeWidth, lines.at(-1).getAttribute("d")]);
            });
        """)

        assert (width, way.count("M")) == ("4px", 1)

    def test_a_query_for_each_row_is_named_by_its_field(self, shop, browser):
        sign_in(browser, shop)
        assert ask(shop, "GET", "/api/v2/careless/") == 200

        browser.until(lambda: texts(browser, "#findings .field") != [], "the finding")
        assert "buyer" in text(browser, "#findings .field")
        assert "N+1" in texts(browser, "#findings .kind")
        assert "/careless/" in text(browser, "#findings .route")
        # The statement that took longest is told: that of the customer, or of its user.
        assert "select_related('customer" in text(browser, "#findings .fix")

    def test_nothing_is_asked_while_paused_and_again_afterwards(self, shop, browser):
        sign_in(browser, shop)
        browser.find("#pause").click()
        browser.until(lambda: text(browser, "#state") == "Paused", "the page to pause")
        before = browser.driver.execute_async_script(CALLS_AFTER_MS, 100)
        assert browser.driver.execute_async_script(CALLS_AFTER_MS, 3_000) == before

        browser.find("#pause").click()
        browser.until(lambda: calls(browser) > before, "the page to ask again")

    def test_nothing_is_asked_in_a_hidden_tab(self, shop, browser):
        sign_in(browser, shop)
        browser.driver.execute_script(HIDE)
        before = browser.driver.execute_async_script(CALLS_AFTER_MS, 2_500)
        assert browser.driver.execute_async_script(CALLS_AFTER_MS, 3_000) == before

    def test_a_script_in_the_page_is_not_run(self, shop, browser):
        sign_in(browser, shop)
        browser.driver.execute_script(INJECT)
        assert browser.driver.execute_script("return window.injected") is None
        assert any("Content Security Policy" in line["message"] for line in browser.console())


CALLS_AFTER_MS = """
const [wait, done] = arguments;
setTimeout(() => done(performance.getEntriesByType("resource")
  .filter(({name}) => name.includes("/ops/data/")).length), wait);
"""

HIDE = """
Object.defineProperty(document, "hidden", {get: () => true});
document.dispatchEvent(new Event("visibilitychange"));
"""

INJECT = """
const script = document.createElement("script");
script.textContent = "window.injected = true";
document.body.append(script);
"""


def calls(browser: Browser) -> int:
    return browser.driver.execute_async_script(CALLS_AFTER_MS, 0)


class TestWhatStaffDo:
    @pytest.mark.T5
    def test_a_block_is_lifted(self, shop, browser):
        sign_in(browser, shop)
        be_kept_out(shop)
        assert log_in(shop) == 429
        browser.until(lambda: texts(browser, "#limits .blocks code") != [], "the block")
        assert text(browser, "#limits .blocks code") == "login:address:127.0.0.1"

        browser.find("#limits .blocks button").click()
        browser.until(lambda: texts(browser, "#limits .blocks code") == [], "nobody to be kept out")
        assert log_in(shop) == 200
        browser.until(
            lambda: "login:address:127.0.0.1" in texts(browser, "#changes code"), "the change"
        )
        assert f"{STAFF} lifted a block" in text(browser, "#changes .main")

    @pytest.mark.T5
    def test_a_budget_is_looked_up_by_its_key(self, shop, browser):
        sign_in(browser, shop)
        assert log_in(shop, "ada@shop.example", "wrong") == 401
        browser.find("#budget input").send_keys("login:account:ada@shop.example" + Keys.ENTER)
        browser.until(lambda: texts(browser, "#limits .budgets .quiet") != [], "the budget")
        assert text(browser, "#limits .budgets .quiet").startswith("4 left of 5 / minute")
        assert "ada" not in text(browser, "#limits .budgets")

    @pytest.mark.O3
    def test_a_parked_job_is_retried_and_done(self, shop, browser):
        job = park(shop)
        sign_in(browser, shop)
        browser.until(lambda: texts(browser, "#jobs .parked strong") != [], "the job")
        assert "SMTPServerDisconnected" in text(browser, "#jobs .error")

        browser.find("#jobs .parked button").click()
        browser.until(lambda: texts(browser, "#jobs .parked strong") == [], "no job to be parked")
        query = "SELECT count(*) FROM backstay_outbox_queuedjob WHERE id = ?"
        browser.until(lambda: shop.rows(query, job) == [(0,)], "the job to be done")
        assert any(
            "Welcome to the shop" in mail.read_text() for mail in shop.database.parent.glob("*.eml")
        )

    def test_everything_is_reached_by_the_keyboard(self, shop, browser):
        sign_in(browser, shop)
        be_kept_out(shop)
        browser.until(lambda: texts(browser, "#limits .blocks code") != [], "the block")
        browser.driver.refresh()
        browser.until(lambda: texts(browser, "#limits .blocks code") != [], "the block again")

        press(browser, Keys.TAB)
        assert active(browser) == "Skip to the numbers"
        tab_to(browser, "1h")
        press(browser, Keys.ENTER)
        browser.until(lambda: "in 1h" in text(browser, ".plot .quiet"), "the hour")
        tab_to(browser, "Changes")
        press(browser, Keys.TAB, Keys.ARROW_LEFT, Keys.ARROW_LEFT)
        assert text(browser, "#said").startswith("Throughput: ")
        tab_to(browser, "Requests")
        press(browser, Keys.SPACE)
        assert browser.find("#endpoints [aria-sort=descending]").text.startswith("Requests")
        tab_to(browser, "Lift")
        press(browser, Keys.ENTER)
        browser.until(lambda: texts(browser, "#limits .blocks code") == [], "nobody to be kept out")

    def test_the_focus_stays_where_it_is_while_numbers_change(self, shop, browser):
        sign_in(browser, shop)
        park(shop)
        browser.until(lambda: texts(browser, "#jobs .parked strong") != [], "the job")
        tab_to(browser, "Retry")
        before = requests_shown(browser)
        ask(shop, "GET", "/api/v2/products/")
        browser.until(lambda: requests_shown(browser) > before, "the request to be counted")
        assert active(browser) == "Retry"


class TestHowItLooks:
    """``WRITE=1`` keeps the pictures for the guide."""

    @pytest.mark.parametrize(
        ("name", "width", "height", "scheme"),
        [
            ("dashboard-light", 1280, 900, "light"),
            ("dashboard-dark", 1280, 900, "dark"),
            ("dashboard-phone", 360, 900, "light"),
            ("dashboard-below", 1280, 900, "light"),
        ],
    )
    def test_it_fits(self, busy_shop, browser, name, width, height, scheme):
        shop = busy_shop
        resize(browser, width, height, scheme)
        park(shop)
        ask(shop, "GET", "/api/v2/careless/")
        be_kept_out(shop)
        sign_in(browser, shop, "/ops/?window=1h")
        browser.until(lambda: texts(browser, "#limits .blocks code") != [], "the block")
        script = "return [document.documentElement.scrollWidth, innerWidth]"
        assert browser.driver.execute_script(script) == [width, width]

        picture = picture_of(browser, "#findings" if name.endswith("below") else None)
        assert len(picture) < MAX_PICTURE_BYTES
        if os.environ.get("WRITE"):
            PICTURES.mkdir(exist_ok=True)
            (PICTURES / f"{name}.png").write_bytes(picture)


def picture_of(browser: Browser, begins: str | None) -> bytes:
    """What is seen, from the element *begins* on; all that is below it, as far as it goes."""
    options: dict[str, object] = {"captureBeyondViewport": begins is not None}
    if begins:
        script = """
            const top = document.querySelector(arguments[0]).getBoundingClientRect().top + scrollY;
            return [top - 14, document.documentElement.scrollHeight - top + 14, innerWidth];
        """
        y, height, width = browser.driver.execute_script(script, begins)
        options["clip"] = {"x": 0, "y": y, "width": width, "height": height, "scale": 1}
    shot = browser.driver.execute_cdp_cmd("Page.captureScreenshot", options)
    return with_palette(base64.b64decode(shot["data"]))
