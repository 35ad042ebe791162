"""DRF's own tests come out the same when its lists are read through plans."""

import os
import re
import subprocess
import sys
import tarfile
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest
import rest_framework

pytestmark = [pytest.mark.L1, pytest.mark.long, pytest.mark.once]

HERE = Path(__file__).parent


@pytest.fixture
def suite(tmp_path):
    """The tests of the DRF that is installed, from its source distribution."""
    drf = f"djangorestframework=={rest_framework.VERSION}"
    pip(tmp_path, "download", "--no-deps", "--no-binary", ":all:", drf)
    # Its conftest imports it, for a database of its own choice.
    pip(tmp_path, "install", "--no-deps", "--target", "needed", "dj-database-url")
    (archive,) = tmp_path.glob("*.tar.gz")
    with tarfile.open(archive) as sources:
        sources.extractall(tmp_path, filter="data")
    return archive.with_name(archive.name.removesuffix(".tar.gz"))


def pip(folder, *arguments):
    command = [sys.executable, "-m", "pip", arguments[0], "--quiet", *arguments[1:]]
    ran = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    if ran.returncode:
        reason = f"not run: pip cannot fetch DRF's tests: {ran.stderr.strip()[-300:]}"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)


def run(suite, name, *plugins):
    """The outcome of each test, and what pytest printed."""
    report = suite / f"{name}.xml"
    ours = ("DJANGO_", "PYTEST_", "DATABASE_URL")
    environ = {name: one for name, one in os.environ.items() if not name.startswith(ours)}
    environ["PYTHONPATH"] = os.pathsep.join((str(HERE), str(suite.parent / "needed")))
    command = [*(sys.executable, "-m", "pytest", "-q", "tests", "--junitxml", str(report))]
    command += ["-p", "no:randomly", "-p", "no:xdist", "-p", "no:cacheprovider", *plugins]
    ran = subprocess.run(
        command, cwd=suite, env=environ, capture_output=True, text=True, check=False
    )
    assert report.exists(), ran.stdout[-3000:] + ran.stderr[-3000:]
    outcomes = {}
    for case in ET.parse(report).iter("testcase"):  # noqa: S314  # Of our own making.
        worse = [child.tag for child in case if child.tag in {"failure", "error", "skipped"}]
        outcomes[case.get("classname"), case.get("name")] = worse or ["passed"]
    return outcomes, ran.stdout


def test_come_out_the_same_through_plans(suite):
    alone, _ = run(suite, "alone")
    planned, printed = run(suite, "planned", "-p", "drf_plugin")
    (by_plans,) = re.findall(r"^lists: (\d+) by a plan", printed, re.MULTILINE)
    different = {name: one for name, one in planned.items() if alone.get(name) != one}
    assert different == {}, printed[-5000:]
    assert planned.keys() == alone.keys()
    assert sum(one == ["passed"] for one in alone.values()) > 1000
    assert int(by_plans) > 100
