"""The README's walk, run as a newcomer would type it, against a service of its own."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import pytest

from shop.environment import ROOT
from tests.services import free_port
from tests.shop.processes import eventually

pytestmark = [pytest.mark.once, pytest.mark.long]

BLOCK = re.compile(r"^<!-- walk -->\n```console\n(.*?)^```", re.MULTILINE | re.DOTALL)
SEPARATOR = "--- the next command ---"


def walk() -> list[tuple[str, str]]:
    """Each command of the README's walk, with the output that is printed under it."""
    steps: list[tuple[str, str]] = []
    for block in BLOCK.findall((ROOT / "README.md").read_text(encoding="utf-8")):
        for line in block.splitlines():
            command, output = steps[-1] if steps else ("", "")
            if line.startswith("$ "):
                steps.append((line[2:], ""))
            elif line.startswith("> "):
                steps[-1] = (f"{command}\n{line[2:]}", output)
            else:
                steps[-1] = (command, f"{output}{line}\n")
    return steps


@pytest.fixture
def service(tmp_path: Path) -> Iterator[str]:
    """The service with fresh demo data, as ``make run`` starts it."""
    port = free_port()
    environment = {
        **os.environ,
        "DEBUG": "1",
        "PORT": str(port),
        "DJANGO_SETTINGS_MODULE": "shop.settings",
        "DATABASE_URL": f"sqlite:///{tmp_path / 'walk.sqlite3'}",
        "EMAIL_URL": f"file://{tmp_path / 'mail'}",
        "REDIS_URL": "",
    }
    manage = [sys.executable, "manage.py"]
    for arguments in (["migrate", "--verbosity=0"], ["demo_data"]):
        subprocess.run([*manage, *arguments], cwd=ROOT, env=environment, check=True)
    with subprocess.Popen([*manage, "serve"], cwd=ROOT, env=environment) as server:
        try:
            assert eventually(lambda: listens(port), seconds=30)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()


def listens(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/live/")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_walk_prints_what_the_readme_says(service: str, tmp_path: Path) -> None:
    steps = walk()
    script = "".join(f"echo '{SEPARATOR}'\n{command}\n" for command, _ in steps)
    run = subprocess.run(
        ["bash", "-euo", "pipefail"],
        input=script.replace("http://127.0.0.1:8000", service),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stderr == ""
    printed = run.stdout.replace(service, "http://127.0.0.1:8000").split(f"{SEPARATOR}\n")[1:]
    assert len(printed) == len(steps) > 20
    for (command, expected), actual in zip(steps, printed, strict=True):
        pattern = ".*?".join(re.escape(part) for part in expected.strip().split("…"))
        assert re.fullmatch(pattern, actual.strip()), (
            f"{command}\nprinted\n{actual}\nbut the README says\n{expected}"
        )
