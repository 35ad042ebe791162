"""
A real browser, a real server with the example page, and a page of somebody else's.

The server is a process of its own with ``DEBUG`` on: the page and the cookies' names
depend on it. Its database is a file that the test may read, and its limits begin anew.
"""

import http.client
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

from shop.environment import ROOT
from tests.services import free_port
from tests.shop.processes import eventually

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
CHROMEDRIVER = shutil.which("chromedriver")

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None or CHROMEDRIVER is None, reason="Chromium or its driver is not installed"
)

CUSTOMER, PASSWORD = "customer1@shop.example", "backstay-demo"

#: Two tabs at once are not slowed for being behind; names of other hosts lead nowhere.
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-background-timer-throttling", "--disable-renderer-backgrounding"),
    "--disable-backgrounding-occluded-windows",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
)

WAIT_SECONDS = 20


# --- the browser ----------------------------------------------------------------


@contextmanager
def chromium(profile: Path) -> Iterator["Browser"]:
    """A browser without a past, in *profile*."""
    options = ChromeOptions()
    options.binary_location = str(CHROMIUM)
    for flag in (*_FLAGS, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    # Named, so that no driver is looked for elsewhere.
    service = Service(executable_path=str(CHROMEDRIVER), env={**os.environ, "HOME": str(profile)})
    driver = Chrome(options=options, service=service)
    driver.set_script_timeout(WAIT_SECONDS)
    try:
        yield Browser(driver)
    finally:
        driver.quit()


@dataclass(frozen=True, slots=True)
class Browser:
    """What a person does with the example page, and what a developer sees of it."""

    driver: Chrome

    def until(self, holds: Callable[[], Any], what: str) -> None:
        WebDriverWait(self.driver, WAIT_SECONDS, 0.05).until(lambda _: holds(), what)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element("css selector", selector)

    def status(self) -> str:
        return self.find("#status").text

    def shows(self, text: str) -> None:
        """Wait until the page says *text* of the session."""
        self.until(lambda: text in self.status(), f"the page to say {text!r}")

    def log_in(self, password: str = PASSWORD, email: str = CUSTOMER) -> None:
        self.until(lambda: self.find("#login").is_displayed(), "the form")
        self.find("[name=email]").send_keys(email)
        self.find("[name=password]").send_keys(password)
        self.find("#login button").click()

    def open_tab(self, url: str) -> str:
        self.driver.switch_to.new_window("tab")
        self.driver.get(url)
        return self.driver.current_window_handle

    def cookies(self) -> dict[str, dict[str, Any]]:
        """All of the profile, by name; scripts see fewer."""
        found = self.driver.execute_cdp_cmd("Network.getAllCookies", {})
        return {cookie["name"]: cookie for cookie in found["cookies"]}

    def forget(self, cookie: str, url: str) -> None:
        """Delete a cookie, as its time does."""
        self.driver.execute_cdp_cmd("Network.deleteCookies", {"name": cookie, "url": url})

    def forget_everything(self) -> None:
        """Close all tabs but one, on no page, and delete every cookie and line of the console."""
        first, *others = self.driver.window_handles
        for tab in others:
            self.driver.switch_to.window(tab)
            self.driver.close()
        self.driver.switch_to.window(first)
        self.driver.get("about:blank")
        self.driver.execute_cdp_cmd("Network.clearBrowserCookies", {})
        self.console()
        self.driver.get_log("performance")

    def calls(self, path: str) -> int:
        """How often this tab's page has asked for *path*."""
        script = "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        return sum(name.endswith(path) for name in self.driver.execute_script(script))

    def answers(self, origin: str) -> set[tuple[str, int]]:
        """Path and status of what *origin* answered since last asked, opaque to scripts or not."""
        events = [
            json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")
        ]
        answers = [
            event["params"]["response"]
            for event in events
            if event["method"] == "Network.responseReceived"
        ]
        return {
            (answer["url"].removeprefix(origin), answer["status"])
            for answer in answers
            if answer["url"].startswith(origin)
        }

    def console(self) -> list[dict[str, Any]]:
        """What the console has said since it was last asked."""
        return self.driver.get_log("browser")


# --- the server -----------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Shop:
    """A started shop, and its database."""

    port: int
    database: Path
    log: Path

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def page(self) -> str:
        return f"{self.origin}/example/"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(self.database, timeout=20)) as connection:
            return connection.execute(query, values).fetchall()

    def write(self, statement: str) -> None:
        with closing(sqlite3.connect(self.database, timeout=20)) as connection, connection:
            connection.execute(statement)

    def run(self, code: str) -> None:
        """Run *code* in ``manage.py shell``, which knows every model."""
        subprocess.run(
            [sys.executable, "manage.py", "shell", "-v0", "-c", code],
            cwd=ROOT,
            env=_environ(self.database),
            check=True,
            capture_output=True,
            timeout=60,
        )

    def answers(self) -> bool:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
            with closing(connection) as client:
                client.request("GET", "/health/live/")
                return client.getresponse().status == 200
        except OSError:
            return False


def fill(database: Path) -> None:
    """Make *database* with the demo's accounts and a few orders."""
    for command in (["migrate", "-v0"], ["demo_data", "--orders", "200", "--seed", "1"]):
        subprocess.run(
            [sys.executable, "manage.py", *command],
            cwd=ROOT,
            env=_environ(database),
            check=True,
            capture_output=True,
            timeout=120,
        )


@contextmanager
def serving(database: Path, **variables: str) -> Iterator[Shop]:
    """The shop on a copy of *database*; *variables* are of its environment."""
    directory = database.with_name(f"shop-{free_port()}")
    directory.mkdir()
    copy = Path(shutil.copy(database, directory / "db.sqlite3"))
    shop = Shop(free_port(), copy, directory / "log")
    environ = {**_environ(copy), "PORT": str(shop.port), **variables}
    with shop.log.open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "manage.py", "serve"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
        try:
            if not eventually(shop.answers, seconds=30):
                raise RuntimeError(f"The shop does not start:\n{shop.log.read_text()}")
            yield shop
        finally:
            # At once: the browser keeps connections, for which SIGTERM would wait.
            server.send_signal(signal.SIGINT)
            server.wait(timeout=40)


def _environ(database: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DEBUG": "1",
        "SECRET_KEY": "a key for tests: it protects nothing, and is long enough",
        "DATABASE_URL": f"sqlite:///{database}",
        "EMAIL_URL": f"file://{database.parent}",
    }


# --- somebody else's page ---------------------------------------------------------


class Attacker:
    """
    A site that has its visitors' browsers send requests to the shop.

    Its pages are at ``127.0.0.1`` on another port, which for cookies is the shop's own
    site, and at ``localhost``, which is another site.
    """

    def __init__(self, port: int) -> None:
        self.port = port
        self.pages: dict[str, str] = {}

    def origin(self, host: str) -> str:
        return f"http://{host}:{self.port}"

    def publish(self, path: str, body: str) -> None:
        self.pages[path] = f"<!doctype html><title>working</title><body>{body}</body>"

    @cached_property
    def handler(self) -> type[BaseHTTPRequestHandler]:
        pages = self.pages

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                content = pages.get(self.path, "").encode()
                self.send_response(200 if content else 404)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, *_: object) -> None:
                """The test's output is for the test."""

        return Handler


@contextmanager
def attacking() -> Iterator[Attacker]:
    attacker = Attacker(free_port())
    with ThreadingHTTPServer(("127.0.0.1", attacker.port), attacker.handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield attacker
        finally:
            server.shutdown()
