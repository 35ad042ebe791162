"""
A served shop that is traded in at random, while its processes are killed at random.

``Market`` runs the server and a worker as real processes on the test's database and
kills them with SIGKILL; ``Trader`` is one customer and one member of staff, who repeat
whatever got no answer under the same ``Idempotency-Key``.
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

from django.db import connection

from shop.environment import ROOT
from tests.services import free_port
from tests.shop.processes import eventually
from tests.shop.served import Shop

WEB_PROCESSES = 4
#: What a client may be told. Nothing here is a 5xx.
EXPECTED = {200, 201, 204, 404, 409}


def database_url() -> str:
    """The test's own database, for processes."""
    settings = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{settings['NAME']}"
    account = f"{settings['USER']}:{settings['PASSWORD']}@{settings['HOST']}:{settings['PORT']}"
    return f"postgresql://{account}/{settings['NAME']}"


class Market:
    """The shop's processes."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self.port = free_port()
        self.kills: Counter[str] = Counter()
        self._environ = {
            "PATH": os.environ["PATH"],
            "DJANGO_SETTINGS_MODULE": "tests.shop.trading_settings",
            "SECRET_KEY": os.environ["SECRET_KEY"],
            "DATABASE_URL": database_url(),
            "WEB_CONCURRENCY": f"{WEB_PROCESSES}",
            "PORT": f"{self.port}",
            "THROTTLE_RATES": '{"user": "1000000/hour"}',
            **environ,
        }
        self._server = self._start("serve")
        self._worker = self._start("worker")

    def _start(self, command: str) -> "subprocess.Popen[bytes]":
        return subprocess.Popen(
            [sys.executable, "manage.py", command],
            cwd=ROOT,
            env=self._environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill_somebody(self, choice: random.Random) -> None:
        """A web process, which the server replaces, or the worker, which we do."""
        if choice.random() < 0.3:
            self._worker.kill()
            self._worker.wait()
            self._worker = self._start("worker")
            self.kills["worker"] += 1
            return
        children = Path(f"/proc/{self._server.pid}/task/{self._server.pid}/children")
        if pids := children.read_text().split():
            with suppress(ProcessLookupError):
                os.kill(int(choice.choice(pids)), signal.SIGKILL)
                self.kills["web"] += 1

    def end(self) -> None:
        for process in (self._server, self._worker):
            process.terminate()
            process.wait(60)


@contextmanager
def market(**environ: str) -> Iterator[Market]:
    opened = Market(environ)
    try:
        assert eventually(Shop(opened.port).is_live, seconds=120)
        yield opened
    finally:
        opened.end()


class Trader:
    """Orders, pays, cancels, deletes, refunds and ships as chance has it, until told to stop."""

    def __init__(
        self, market: Market, seed: int, tokens: tuple[str, str], address: int, products: list[int]
    ) -> None:
        self.market = market
        self.choice = random.Random(seed)  # noqa: S311  # Not a secret.
        self.customer, self.staff = tokens
        self.address = address
        self.products = products
        self.placed: list[int] = []
        self.deleted: list[int] = []
        self.statuses: Counter[int] = Counter()
        self.repeated = 0

    def trade(self, over: threading.Event) -> None:
        while not over.is_set():
            if not self.placed or self.choice.random() < 0.6:
                self.order()
            else:
                self.move(self.choice.choice(self.placed[-20:]))

    def order(self) -> None:
        chosen = self.choice.sample(self.products, self.choice.randint(1, len(self.products)))
        items = [{"product": pk, "quantity": self.choice.randint(1, 3)} for pk in chosen]
        body = {"items": items, "shipping_address": self.address}
        status, told = self.ask("POST", "/api/v1/orders/", body, self.customer)
        if status == 201:
            self.placed.append(told["id"])

    def move(self, order: int) -> None:
        path = f"/api/v1/orders/{order}/"
        match self.choice.choice(["pay", "pay", "cancel", "delete", "refund", "ship"]):
            case "delete":
                if self.ask("DELETE", path, None, self.customer)[0] == 204:
                    self.deleted.append(order)
            case "pay":
                self.ask("POST", f"{path}pay/", {"method": "card"}, self.customer)
            case "cancel":
                self.ask("POST", f"{path}cancel/", {}, self.customer)
            case action:
                self.ask("POST", f"{path}{action}/", {}, self.staff)

    def ask(self, method: str, path: str, body: object, token: str) -> tuple[int, dict]:
        """Until there is an answer: all tries have one key."""
        headers = {
            "Authorization": f"Bearer {token}",
            "Content-Type": "application/json",
            "Idempotency-Key": f'"{uuid4()}"',
        }
        while True:
            client = http.client.HTTPConnection("127.0.0.1", self.market.port, timeout=60)
            try:
                with closing(client):
                    client.request(
                        method, path, None if body is None else json.dumps(body), headers
                    )
                    response = client.getresponse()
                    received = response.read()
            except (OSError, http.client.HTTPException):
                self.repeated += 1
                time.sleep(0.05)
                continue
            told = json.loads(received) if received else {}
            if told.get("code") == "idempotency_in_progress":
                time.sleep(0.05)
                continue
            self.statuses[response.status] += 1
            return response.status, told
