"""Real processes: what they hand over by themselves, at their end, and after a fork."""

import os
import subprocess
import sys

import pytest

from backstay.monitoring.history import history, summed
from backstay.monitoring.history.sheets import PULSE
from shop.environment import ROOT
from tests.shop.processes import eventually

pytestmark = [
    pytest.mark.M1,
    pytest.mark.long,
    pytest.mark.skipif("REDIS_URL" not in os.environ, reason="needs Redis"),
]

#: A server process: it sets Django up, counts one request, and does as it is told.
PROCESS = """
import os, sys, time
import django
django.setup()
from backstay.monitoring import Record
from backstay.monitoring.sinks import hand_over
hand_over(lambda: Record("GET", "/r/", "v1", 200, float(sys.argv[1]), 5.0))
{then}
"""
ENDS = ""
WAITS = "sys.stdin.read(); os._exit(1)  # Not in order."
FORKS = """
if os.fork() == 0:
    hand_over(lambda: Record("GET", "/r/", "v1", 200, float(sys.argv[1]), 5.0))
    sys.exit(0)
os.wait()
"""

AT = 1_780_315_200.0


def start(then):
    return subprocess.Popen(
        [sys.executable, "-c", PROCESS.format(then=then), str(AT)],
        cwd=ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings"},
        stdin=subprocess.PIPE,
    )


def known():
    history.clear()
    sheets, _ = history.read([PULSE.at(AT)])
    return summed(sheets[PULSE.at(AT)].values()).get("n", 0)


def test_a_process_hands_over_while_it_runs():
    with start(WAITS) as process:
        try:
            assert eventually(lambda: known() == 1, seconds=30)
        finally:
            process.communicate()


@pytest.mark.parametrize(("then", "requests"), [(ENDS, 1), (FORKS, 2)])
def test_what_is_left_is_handed_over_at_the_end_and_nothing_twice(then, requests):
    with start(then) as process:
        process.communicate(timeout=30)
    assert process.returncode == 0
    assert known() == requests
