"""Who uses which version: counted exactly, over processes, and in bounded room."""

import io
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import AnonymousUser
from django.core.management import CommandError, call_command
from django.test import RequestFactory
from django.utils.functional import SimpleLazyObject
from hypothesis import given
from hypothesis import strategies as st

from backstay import store
from backstay.counters import counted
from backstay.versioning import usage
from backstay.versioning.usage import DAY_SECONDS, KEPT_DAYS, MOST_ROWS, OTHER, Counts, Usage
from shop.accounts.models import User
from shop.environment import ROOT
from tests.faulty_redis import redis_of_ones_own
from tests.shop.processes import eventually

pytestmark = [pytest.mark.V1, pytest.mark.once]

#: 2027-03-01, at noon.
NOON = 1_803_902_400.0


@pytest.fixture(autouse=True)
def alone(settings):
    """A process that shares with nobody."""
    settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": None}


@pytest.fixture
def redis(settings, monkeypatch):
    """A server that nobody else asks, given more time than in production: tests share machines."""
    monkeypatch.setattr(store, "TIMEOUT_SECONDS", 30)
    with redis_of_ones_own() as server:
        settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": server.url}
        yield server


@pytest.fixture(params=["here", "redis"])
def anywhere(request):
    """Where what is counted is kept; the rules are the same."""
    if request.param == "redis":
        request.getfixturevalue("redis")


def process() -> Counts:
    """What another process would have."""
    counts = Counts()
    counts.handing_over.enabled = False
    return counts


@pytest.mark.usefixtures("anywhere")
class TestCounts:
    def test_are_by_version_and_client(self):
        for version, client, at in (("v1", "curl", 1), ("v2", "curl", 2), ("v1", "curl", 3)):
            usage.add(version, client, NOON + at)
        for _ in range(2):
            assert usage.totals(NOON) == [
                Usage("v1", "curl", 2, NOON + 3),
                Usage("v2", "curl", 1, NOON + 2),
            ]
            usage.here.flush()

    def test_are_of_thirty_days(self):
        for day in range(KEPT_DAYS + 2):
            usage.add("v1", "curl", NOON + day * DAY_SECONDS)
            usage.here.flush()
        last = NOON + (KEPT_DAYS + 1) * DAY_SECONDS
        assert usage.totals(last) == [Usage("v1", "curl", KEPT_DAYS, last)]

    def test_of_many_invented_names_take_bounded_room(self):
        usage.add("v1", "curl", NOON)
        for number in range(5_000):
            usage.add("v1", f"scanner{number}", NOON)
            if number % 1_000 == 0:
                usage.here.flush()
        usage.here.flush()
        usage.add("v1", "curl", NOON)
        usage.here.flush()
        found = usage.totals(NOON)
        assert sum(one.count for one in found) == 5_002
        # A row for each, and one that stands for those without.
        assert len(found) <= MOST_ROWS + 1
        assert Usage("v1", "curl", 2, NOON) in found
        assert found[0].client == OTHER

    def test_of_yesterday_s_names_leave_room_for_today_s(self):
        for number in range(2 * MOST_ROWS):
            usage.add("v1", f"scanner{number}", NOON)
        usage.here.flush()
        usage.add("v1", "curl", NOON + DAY_SECONDS)
        assert Usage("v1", "curl", 1, NOON + DAY_SECONDS) in usage.totals(NOON + DAY_SECONDS)

    def test_of_threads_are_exact(self):
        with ThreadPoolExecutor(8) as pool:
            list(pool.map(lambda n: usage.add("v1", f"c{n % 3}", NOON + n), range(3_000)))
        assert sorted(one.count for one in usage.totals(NOON)) == [1_000] * 3


class TestRedis:
    def test_adds_up_what_processes_count(self, redis):
        one, two = process(), process()
        one.add("v1", "curl", NOON + 5)
        two.add("v1", "curl", NOON)
        two.add("v1", "okhttp", NOON)
        usage.add("v1", "curl", NOON)
        assert usage.totals(NOON) == [Usage("v1", "curl", 1, NOON)]
        one.flush()
        two.flush()
        assert usage.totals(NOON) == [
            Usage("v1", "curl", 3, NOON + 5),
            Usage("v1", "okhttp", 1, NOON),
        ]

    def test_has_bounded_room_for_all_processes_together(self, redis):
        for number in range(4):
            one = process()
            for name in range(MOST_ROWS):
                one.add("v1", f"p{number}-{name}", NOON)
            one.flush()
        found = usage.totals(NOON)
        assert len(found) == MOST_ROWS + 1
        assert sum(one.count for one in found) == 4 * MOST_ROWS

    def test_forgets_by_itself(self, redis):
        usage.add("v1", "curl", NOON)
        usage.here.flush()
        lifetimes = [redis.do("TTL", name) for name in redis.do("KEYS", "*")]
        assert len(lifetimes) == 2
        assert all(KEPT_DAYS * DAY_SECONDS < one <= 31 * DAY_SECONDS for one in lifetimes)

    def test_is_told_everything_in_one_call_a_day(self, redis):
        for number in range(100):
            usage.add("v1", f"c{number}", NOON)
        usage.here.flush()
        redis.do("CONFIG", "RESETSTAT")
        usage.add("v1", "curl", NOON)
        usage.add("v2", "curl", NOON)
        usage.here.flush()
        assert redis.calls("evalsha") == 1

    @pytest.mark.F1
    def test_that_is_out_is_told_later(self, redis):
        usage.add("v1", "curl", NOON)
        redis.kill()
        failed = counted("outage", part="versions")
        usage.here.flush()
        assert counted("outage", part="versions") == failed + 1
        with pytest.raises(store.StoreUnavailable):
            usage.totals(NOON)
        usage.add("v1", "curl", NOON + 1)
        redis.start()
        usage.here.flush()
        assert usage.here.days() == {}
        assert usage.totals(NOON) == [Usage("v1", "curl", 2, NOON + 1)]

    def test_is_told_by_a_thread(self, redis, monkeypatch):
        monkeypatch.setattr(usage, "FLUSH_SECONDS", 0.01)
        counts = Counts()
        counts.add("v1", "curl", NOON)
        try:
            assert eventually(lambda: usage.totals(NOON) != [], seconds=30)
        finally:
            counts.handing_over.end()
        assert usage.totals(NOON) == [Usage("v1", "curl", 1, NOON)]

    @pytest.mark.long
    def test_is_told_once_what_was_counted_before_a_fork(self, redis):
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "REDIS_URL": redis.url}
        command = [sys.executable, "-c", COUNT_AND_FORK]
        subprocess.run(command, check=True, env=environ, cwd=ROOT, timeout=60)
        assert [(one.client, one.count) for one in usage.totals(NOON)] == [("curl", 8)]

    @pytest.mark.long
    def test_is_told_what_a_process_knew_when_it_ended(self, redis):
        environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "shop.settings", "REDIS_URL": redis.url}
        children = [
            subprocess.Popen([sys.executable, "-c", COUNT, str(times)], env=environ, cwd=ROOT)
            for times in (100, 201)
        ]
        assert [child.wait(60) for child in children] == [0, 0]
        assert [(one.client, one.count) for one in usage.totals(NOON)] == [("curl", 301)]


COUNT = f"""
import sys, django
django.setup()
from backstay.versioning import usage
for _ in range(int(sys.argv[1])):
    usage.add("v1", "curl", {NOON})
"""


COUNT_AND_FORK = f"""
import os, sys, django
django.setup()
from backstay.versioning import usage
usage.here.handing_over.seconds = 3600
for _ in range(5):
    usage.add("v1", "curl", {NOON})
child = os.fork()
for _ in range(1 if child else 2):
    usage.add("v1", "curl", {NOON})
if child:
    os.waitpid(child, 0)
"""


class TestClient:
    @pytest.mark.parametrize(
        ("agent", "label"),
        [
            ("okhttp/4.12.0", "okhttp"),
            ("python-requests/2.32 extra", "python-requests"),
            ("Mozilla/5.0 (X11; Linux x86_64)", "Mozilla"),
            ("", "unnamed"),
            (" curl/8", "unnamed"),
            ("(none)", "unnamed"),
            ("<script>", "unnamed"),
            ("ü/1", "unnamed"),
            ("curl\nv2", "curl"),
            ("a" * 8_000, "a" * 32),
            ("ada@shop.example", "unnamed"),
            ("4929739104127397", "unnamed"),
            ("4929 7391 0412 7397", "unnamed"),
            ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOjF9.c2lnbmF0dXJl", "unnamed"),
            (f"eyJ{'a' * 300}.eyJzdWIiOjF9.c2lnbmF0dXJl", "unnamed"),
            ("curl/8 ada@shop.example", "curl"),
        ],
    )
    def test_is_the_first_product(self, agent, label):
        request = RequestFactory().get("/", HTTP_USER_AGENT=agent)
        assert usage.client_of(request) == label

    def test_without_a_header_has_no_name(self):
        assert usage.client_of(RequestFactory().get("/")) == "unnamed"

    @pytest.mark.E1
    @given(st.text(st.characters(max_codepoint=255)))
    def test_is_always_a_short_word(self, agent):
        request = RequestFactory().get("/", HTTP_USER_AGENT=agent)
        assert re.fullmatch(r"[A-Za-z0-9._+-]{1,32}", usage.client_of(request))

    def test_tells_who_is_signed_in(self):
        request = RequestFactory().get("/", HTTP_USER_AGENT="curl/8")
        for user, label in ((AnonymousUser(), "curl"), (User(), "curl (signed in)")):
            request.user = user
            assert usage.client_of(request) == label

    def test_reads_no_session_for_it(self):
        request = RequestFactory().get("/", HTTP_USER_AGENT="curl/8")
        lazy: Any = SimpleLazyObject(partial(pytest.fail, "the session was read"))
        request.user = lazy
        assert usage.client_of(request) == "curl"


def versions(*arguments: str) -> list[str]:
    out = io.StringIO()
    call_command("versions", *arguments, stdout=out, skip_checks=True)
    return out.getvalue().splitlines()


class TestCommand:
    @pytest.fixture(autouse=True)
    def today(self):
        with time_machine.travel(NOON, tick=False):
            yield

    def test_tells_status_dates_and_clients(self, redis, settings):
        ends = {"deprecated": "2027-01-01", "sunset": "2027-07-01", "link": "https://a.example/"}
        settings.BACKSTAY = {**settings.BACKSTAY, "VERSION_POLICIES": {"v1": ends}}
        for number in range(12):
            usage.add("v1", f"c{number:02}", NOON - number * 60)
        usage.add("v1", "c11", NOON)
        first, *others = versions("--clients", "2")
        assert first == (
            "v1: deprecated, deprecated 2027-01-01T00:00:00Z, sunset 2027-07-01T00:00:00Z, "
            "https://a.example/"
        )
        assert others == [
            "  13 requests in 30 days",
            "          2  c11, last 2027-03-01T12:00Z",
            "          1  c00, last 2027-03-01T12:00Z",
            "  and 10 clients more",
            "v2: current, the default",
            "  0 requests in 30 days",
        ]
        assert len(versions()) == 2 + 10 + 1 + 2

    def test_without_redis_tells_that_it_knows_nobody(self):
        assert versions()[-1] == (
            "Each server process counts for itself; set BACKSTAY['REDIS_URL']."
        )

    def test_while_redis_is_out_says_so(self, redis):
        redis.kill()
        with pytest.raises(CommandError, match="Redis does not answer"):
            versions()
