"""
``python -m tests``: the suite on every backend, one after the other.

First on SQLite and in-process parts, then on PostgreSQL and Redis (see
``tests.services`` for where those come from). Arguments are passed on to
pytest; ``--long`` runs the tests marked ``long`` and no others. What no backend can
answer differently (``once``) runs on the first only. The summary names each backend
with its version. A backend, a browser or Node that is not to be had is "not run", which
is a failure where ``CI`` is set.
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from typing import NamedTuple, NoReturn

from tests.services import Unavailable, postgresql, rabbitmq, redis_server

PROCESSES = 2
NO_TESTS = 5


def main(arguments: list[str]) -> int:
    # Servers are stopped on the way out, so SIGTERM has to take the way out.
    signal.signal(signal.SIGTERM, leave)
    long = "--long" in arguments
    arguments = [argument for argument in arguments if argument != "--long"]
    with ExitStack() as stack:
        given = dict(os.environ)
        embedded = {
            name: value
            for name, value in given.items()
            # Dozens of processes are started; without bytecode each would compile all of it.
            if name not in {"DATABASE_URL", "REDIS_URL", "PYTHONDONTWRITEBYTECODE"}
        }
        networked, missing = dict(embedded), []
        database, store = f"SQLite {sqlite3.sqlite_version}", "in-process"
        runs = {f"{database} + {store}": embedded}
        try:
            service = stack.enter_context(postgresql(given))
            networked["DATABASE_URL"], database = service.url, service.name
        except Unavailable as unavailable:
            missing.append(f"{unavailable}")
        try:
            service = stack.enter_context(redis_server(given))
            networked["REDIS_URL"], store = service.url, service.name
        except Unavailable as unavailable:
            missing.append(f"{unavailable}")
        runs[f"{database} + {store}"] = networked
        broker = ""
        try:
            broker = rabbitmq(given).name
        except Unavailable as unavailable:
            missing.append(f"{unavailable}")
        if long and not (shutil.which("chromium") or shutil.which("chromium-browser")):
            missing.append("Chromium")
        if long and not (shutil.which("node") and shutil.which("npm")):
            missing.append("Node")
        outcomes = {}
        chosen = "long" if long else "not long"
        for backend, environ in runs.items():
            print(f"\n──── {backend}", flush=True)
            outcomes[backend] = suite(environ, arguments, chosen)
            chosen = f"{chosen} and not once"
    return summary(outcomes, missing, broker, long=long)


class Outcome(NamedTuple):
    """How one run of pytest ended; its last line counts the tests."""

    status: int
    last_line: str


def suite(environ: Mapping[str, str], arguments: list[str], chosen: str) -> Outcome:
    """Run pytest, passing on what it prints."""
    command = [sys.executable, "-m", "pytest", "-q", "-n", f"{PROCESSES}", "--dist", "worksteal"]
    command += ["-m", chosen, *arguments]
    if sys.stdout.isatty():
        command += ["--color", "yes"]
    last = ""
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as pytest:
        try:
            for line in pytest.stdout or ():
                print(line, end="", flush=True)
                last = line.strip() or last
        except KeyboardInterrupt:
            # Ctrl-C reached pytest as well, which ends in its own way.
            pytest.wait()
            raise
        except SystemExit:
            pytest.terminate()
            raise
    return Outcome(pytest.returncode, last)


def summary(outcomes: Mapping[str, Outcome], missing: list[str], broker: str, *, long: bool) -> int:
    print()
    for backend, outcome in outcomes.items():
        print(f"{backend}: {outcome.last_line}")
    if missing:
        print(f"not run: {', '.join(missing)}")
    print(f"backends: {'; '.join(filter(None, [*outcomes, broker]))}")
    fine = {0, NO_TESTS} if long else {0}
    failed = any(outcome.status not in fine for outcome in outcomes.values())
    return 1 if failed or (missing and os.environ.get("CI")) else 0


def leave(*_: object) -> NoReturn:
    sys.exit(128 + signal.SIGTERM)


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(128 + signal.SIGINT)
