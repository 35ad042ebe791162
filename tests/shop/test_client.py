"""
A TypeScript client generated from the served documents, checked strictly and run.

Its types are made from what the running service says of itself, its calls go there, and
the two versions' orders cannot be taken for each other (``tests/client/mixed_up.ts``).
"""

import json
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from shop.environment import ROOT
from tests.shop.browser import Shop, fill, serving

NODE, NPM = shutil.which("node"), shutil.which("npm")

pytestmark = [
    pytest.mark.M3,
    pytest.mark.V1,
    pytest.mark.long,
    pytest.mark.once,
    pytest.mark.skipif(not (NODE and NPM), reason="Node is not installed"),
]

VERSIONS = ("v1", "v2")


@pytest.fixture(scope="module")
def shop(tmp_path_factory) -> Iterator[Shop]:
    database = tmp_path_factory.mktemp("client") / "db.sqlite3"
    fill(database)
    with serving(database) as served:
        yield served


@pytest.fixture(scope="module")
def client(shop: Shop, tmp_path_factory) -> Path:
    """The client's folder, with its packages and its generated types."""
    folder = tmp_path_factory.mktemp("client") / "client"
    shutil.copytree(
        ROOT / "tests" / "client", folder, ignore=shutil.ignore_patterns("node_modules", "built")
    )
    run(folder, str(NPM), "ci", "--ignore-scripts")
    for version in VERSIONS:
        with urllib.request.urlopen(f"{shop.origin}/api/schema/?version={version}") as answer:  # noqa: S310  # Our own server.
            (folder / f"{version}.json").write_bytes(answer.read())
        types = ("openapi-typescript", f"{version}.json", "--output", f"{version}.d.ts")
        run(folder, "npx", *types, "--default-non-nullable", "false")
    return folder


def run(folder: Path, *command: str) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_compiles_strictly_and_walks_both_versions(client: Path, shop: Shop) -> None:
    run(client, "npx", "tsc", "--project", ".")
    walked = json.loads(run(client, str(NODE), "built/main.js", shop.origin))

    assert walked.keys() == set(VERSIONS)
    for found in walked.values():
        assert found["total"].endswith(" EUR")
        assert found["replayed"]
        assert len(set(found["ids"])) == len(found["ids"]) == found["pages"] > 1
        assert found["ids"] == sorted(found["ids"], reverse=True)
        assert found["pointer"] == "/items/0/quantity"
        assert (found["conflict"], found["unauthenticated"]) == ("conflict", "not_authenticated")
    assert set(walked["v1"]["ids"]) < set(walked["v2"]["ids"])


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("older.total.amount", "Property 'total' does not exist"),
        ("newer.total_amount", "Property 'total_amount' does not exist"),
    ],
)
def test_fields_of_the_other_version_do_not_compile(client: Path, wrong: str, said: str) -> None:
    mixed = client / "wrong.ts"
    mixed.write_text(
        'import type { components as One } from "./v1.js";\n'
        'import type { components as Two } from "./v2.js";\n'
        'declare const older: One["schemas"]["OrderDetail"];\n'
        'declare const newer: Two["schemas"]["OrderDetail"];\n'
        f"export const total: string = {wrong};\n"
    )
    try:
        command = ("npx", "tsc", "--project", ".", "--noEmit")
        done = subprocess.run(command, cwd=client, capture_output=True, text=True, check=False)
    finally:
        mixed.unlink()

    assert done.returncode != 0
    assert "wrong.ts(5," in done.stdout
    assert said in done.stdout
