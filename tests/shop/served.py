"""The shop's real server beside a Redis that can be broken, as its clients see it."""

import http.client
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple

from shop.environment import ROOT
from tests.faulty_redis import RedisServer
from tests.services import free_port
from tests.shop.processes import eventually

PASSWORD = "backstay-demo"
ME = "/api/v1/users/me/"


class Answer(NamedTuple):
    status: int
    body: dict
    headers: Mapping[str, str]


class Shop:
    """A served shop, as its clients see it."""

    def __init__(self, port: int) -> None:
        self.port = port

    def answer(self, method: str, path: str, body: object = None, token: str = "") -> Answer:
        """By a new connection each time."""
        headers = {"Content-Type": "application/json"}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection) as client:
            client.request(method, path, None if body is None else json.dumps(body), headers)
            with client.getresponse() as response:
                received = response.read()
                told = json.loads(received) if received else {}
                return Answer(response.status, told, dict(response.getheaders()))

    def ask(self, method: str, path: str, body: object = None, token: str = "") -> tuple[int, dict]:
        """Status and body."""
        return self.answer(method, path, body, token)[:2]

    def log_in(self, number: int = 1) -> str:
        """An access token of a demo customer."""
        login = {"email": f"customer{number}@shop.example", "password": PASSWORD}
        status, body = self.ask("POST", "/api/token/", login)
        assert status == 200, body
        return body["access"]

    def read(self, token: str) -> int:
        return self.ask("GET", ME, token=token)[0]

    def is_live(self) -> bool:
        try:
            return self.ask("GET", "/health/live/")[0] == 200
        except OSError:
            return False


def demo_database(directory: Path) -> Path:
    """The demo data, which clients read and whose users log in."""
    path = directory / "db.sqlite3"
    for command in (["migrate"], ["demo_data", "--orders", "20", "--seed", "1"]):
        subprocess.run(
            [sys.executable, "manage.py", *command, "--verbosity", "0"],
            cwd=ROOT,
            env=environment(path),
            check=True,
            stdout=subprocess.DEVNULL,
        )
    return path


def environment(database: Path, **variables: str) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "DEBUG": "1",
        "DATABASE_URL": f"sqlite:///{database}",
        **variables,
    }


@contextmanager
def served(
    database: Path, redis: RedisServer, *, workers: int, rates: Mapping[str, str]
) -> Iterator[Shop]:
    port = free_port()
    variables = {
        "PORT": f"{port}",
        "WEB_CONCURRENCY": f"{workers}",
        "REDIS_URL": redis.url,
        "THROTTLE_RATES": json.dumps(rates),
    }
    process = subprocess.Popen(
        [sys.executable, "manage.py", "serve"],
        cwd=ROOT,
        env=environment(database, **variables),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    shop = Shop(port)
    try:
        assert eventually(shop.is_live, seconds=120)
        yield shop
    finally:
        process.terminate()
        process.wait(35)


@contextmanager
def stopped(redis: RedisServer) -> Iterator[None]:
    redis.pause()
    try:
        yield
    finally:
        redis.resume()
