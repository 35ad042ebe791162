"""The documents' pages in a real browser: they load, show the routes, and ask no other host."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")

pytestmark = [
    pytest.mark.M3,
    pytest.mark.long,
    pytest.mark.once,
    pytest.mark.skipif(CHROMIUM is None, reason="Chromium is not installed"),
]


@pytest.mark.parametrize(
    ("page", "shown"),
    [
        ("/api/docs/", ["/api/v2/orders/{id}/pay/", "Select a definition"]),
        ("/api/docs/redoc/", ["/api/v1/orders/{id}/pay/"]),
    ],
)
def test_it_shows_the_routes(page, shown, live_server, tmp_path: Path):
    dom = render(live_server.url + page, tmp_path)
    assert [text for text in shown if text not in dom] == []


def render(url: str, profile: Path) -> str:
    """The page as it stands once its scripts have run; names of other hosts lead nowhere."""
    flags = (
        *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
        *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost",
        f"--user-data-dir={profile}",
        "--virtual-time-budget=30000",
        "--dump-dom",
    )
    run = subprocess.run(
        [str(CHROMIUM), *flags, url],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        env={**os.environ, "HOME": str(profile)},
    )
    return run.stdout
