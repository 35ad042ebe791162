"""The dashboard as each actor meets it: who sees it, who changes something, and what is told."""

import json
import logging
import time
from contextlib import suppress
from uuid import uuid4

import pytest
import time_machine
from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from backstay.auth.issuing import issue_tokens
from backstay.monitoring.dashboard import checks, sink, views
from backstay.monitoring.history import history
from backstay.outbox.models import QueuedJob
from backstay.throttling import Charge, Rate, Throttled, enforce
from backstay.throttling.keys import charges_of
from backstay.throttling.limits import peek
from backstay.versioning import usage
from tests.backstay.monitoring.records import finding, record

pytestmark = [pytest.mark.M1, pytest.mark.django_db]

READS = ["/ops/data/", "/ops/budget/?key=user:user:7"]
CHANGES = [
    ("/ops/budget/clear/", {"key": "login:address:192.0.2.1"}),
    ("/ops/jobs/retry/", {"ids": [str(uuid4())]}),
]
SAME_ORIGIN = {"HTTP_SEC_FETCH_SITE": "same-origin"}


@pytest.fixture(autouse=True)
def project(settings):
    settings.ROOT_URLCONF = "tests.backstay.monitoring.dashboard_urls"
    settings.REST_FRAMEWORK = {
        "EXCEPTION_HANDLER": "backstay.errors.exception_handler",
        "DEFAULT_THROTTLE_RATES": {"login": "2/minute", "user": "100/hour"},
    }


@pytest.fixture(autouse=True)
def noon():
    with time_machine.travel(1_780_315_200, tick=False) as clock:
        yield clock


def person(**members):
    return get_user_model().objects.create_user(f"{uuid4().hex}@shop.example", "secret", **members)


def browser(user=None):
    """One that has Django enforce its proof against CSRF, as browsers do."""
    client = Client(enforce_csrf_checks=True)
    if user is not None:
        client.force_login(user)
    return client


@pytest.fixture
def anonymous(db):
    return browser()


@pytest.fixture
def as_customer(db):
    return browser(person())


@pytest.fixture
def staff(db):
    return person(is_staff=True)


@pytest.fixture
def as_staff(staff):
    return browser(staff)


def post(client, path, body, **headers):
    return client.post(path, json.dumps(body), "application/json", **headers)


def changed(client, path, body):
    return post(client, path, body, **SAME_ORIGIN)


def problem(response):
    """Status and code, once it is known to be of the one shape."""
    assert response["Content-Type"] == "application/problem+json"
    return response.status_code, response.json()["code"]


def data(client, **query):
    response = client.get("/ops/data/", query)
    assert response.status_code == 200, response.content
    return response.json()


def guess(address="192.0.2.1", times=3):
    """Log in until the limit of 2 a minute refuses."""
    for _ in range(times):
        with suppress(Throttled):
            enforce([Charge("login", f"address:{address}", Rate(2, 60))])


def parked(name="accounts.welcome_mail"):
    return QueuedJob.objects.create(
        name=name, payload="{}", attempts=10, error="SMTPException", parked_at=timezone.now()
    )


class TestPage:
    @pytest.mark.parametrize("actor", ["anonymous", "as_customer"])
    def test_who_is_no_staff_is_shown_the_way_to_log_in(self, request, actor):
        response = request.getfixturevalue(actor).get("/ops/?window=1h")
        assert response.status_code == 302
        assert response["Location"] == "/admin/login/?next=/ops/%3Fwindow%3D1h"

    def test_staff_that_was_deactivated_is_nobody(self, as_staff, staff):
        staff.is_active = False
        staff.save()
        assert as_staff.get("/ops/").status_code == 302

    def test_staff_sees_it_and_no_cache_keeps_it(self, as_staff):
        response = as_staff.get("/ops/")
        assert response.status_code == 200
        assert "no-store" in response["Cache-Control"]

    def test_allows_nothing_but_its_own_files(self, as_staff):
        response = as_staff.get("/ops/")
        assert response["Content-Security-Policy"] == views.POLICY
        sources = {word for part in views.POLICY.split("; ") for word in part.split()[1:]}
        assert sources == {"'self'", "'none'", "data:"}
        body = response.content.decode()
        assert "style=" not in body
        assert "<style" not in body
        assert "<script>" not in body

    def test_is_only_read(self, staff):
        client = Client()
        client.force_login(staff)
        assert client.post("/ops/").status_code == 405


@pytest.mark.E2
class TestAccess:
    @pytest.mark.A1
    @pytest.mark.parametrize("path", READS)
    def test_anonymous_is_401_with_a_challenge(self, anonymous, path):
        response = anonymous.get(path)
        assert problem(response) == (401, "not_authenticated")
        assert response["WWW-Authenticate"] == 'Session realm="dashboard"'

    @pytest.mark.parametrize("path", READS)
    def test_a_customer_is_403(self, as_customer, path):
        assert problem(as_customer.get(path)) == (403, "permission_denied")

    @pytest.mark.parametrize(("path", "body"), CHANGES)
    def test_nobody_else_changes_anything(self, anonymous, as_customer, path, body):
        guess()
        assert problem(changed(anonymous, path, body)) == (401, "not_authenticated")
        assert problem(changed(as_customer, path, body)) == (403, "permission_denied")
        assert not LogEntry.objects.exists()

    @pytest.mark.parametrize("path", READS)
    def test_a_token_of_staff_is_no_session(self, anonymous, staff, path):
        bearer = {"HTTP_AUTHORIZATION": f"Bearer {issue_tokens(staff)['access']}"}
        assert problem(anonymous.get(path, **bearer)) == (401, "not_authenticated")

    @pytest.mark.parametrize("path", READS)
    def test_staff_reads_and_no_cache_keeps_it(self, as_staff, path):
        response = as_staff.get(path)
        assert response.status_code == 200
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.parametrize("path", ["/ops/data/", "/ops/budget/?key=user:user:7"])
    def test_charges_no_limit(self, as_staff, staff, path):
        response = as_staff.get(path)
        assert "RateLimit" not in response
        assert [one.remaining for one in peek(charges_of(f"user:user:{staff.pk}"))] == [100]


@pytest.mark.A7
@pytest.mark.parametrize(("path", "body"), CHANGES)
class TestForgery:
    def test_without_proof_is_403(self, as_staff, path, body):
        assert problem(post(as_staff, path, body)) == (403, "csrf_failed")

    def test_of_another_origin_is_403(self, as_staff, path, body):
        foreign = {"HTTP_ORIGIN": "https://evil.example", **SAME_ORIGIN}
        assert problem(post(as_staff, path, body, **foreign)) == (403, "csrf_failed")

    def test_a_change_is_no_get(self, as_staff, path, body):
        assert problem(as_staff.get(path, body)) == (405, "method_not_allowed")


class TestData:
    def test_has_these_members(self, as_staff):
        history.add(record(findings=(finding(),)))
        guess()
        parked()
        told = data(as_staff)
        assert told.keys() == {
            *("window", "complete", "totals", "points", "endpoints", "findings", "rules"),
            *("blocks", "jobs", "versions", "changes"),
        }
        assert told["totals"].keys() == {
            *("requests", "p50", "p95", "p99", "client_errors", "server_errors"),
            *("refused", "hit_share", "per_second"),
        }
        assert told["endpoints"][0].keys() == {
            *("method", "version", "route", "share", "total_ms", "mean_ms", "requests"),
            *("p50", "p95", "p99", "client_errors", "server_errors", "refused", "hit_share"),
            *("sql", "sql_ms", "rows", "redis", "redis_ms", "serialization_ms", "bytes"),
        }
        assert told["findings"][0].keys() == {
            *("kind", "method", "route", "version", "where", "field", "sql", "fix"),
            *("last_at", "requests", "queries", "total_ms"),
        }
        assert told["blocks"][0].keys() == {
            *("key", "limit", "window_seconds", "smooth", "remaining", "refused", "last_at"),
            *("retry_after_seconds", "reset_after_seconds"),
        }
        assert told["jobs"].keys() == {"due", "oldest_seconds", "later", "parked", "shown"}

    @pytest.mark.parametrize(
        ("window", "step", "length"), [("15m", 10, 90), ("1h", 30, 120), ("24h", 300, 288)]
    )
    def test_plots_have_a_point_for_each_step_and_the_present_is_the_last(
        self, as_staff, noon, window, step, length
    ):
        noon.shift(5)
        for _ in range(10):
            history.add(record())
        points = data(as_staff, window=window)["points"]
        lines = points.keys() - {"at", "step"}
        assert points["step"] == step
        assert {len(points[line]) for line in lines} == {length}
        assert points["requests"] == [0] * (length - 1) + [2.0]
        assert points["p50"][:-1] == [None] * (length - 1)
        assert points["p50"][-1] == pytest.approx(20, rel=0.05)

    def test_tells_endpoints_by_the_time_they_took(self, as_staff):
        for _ in range(3):
            history.add(record("/quick/", duration_ms=1, sql_count=2))
        history.add(record("/slow/", duration_ms=97, sql_count=5))
        slow, quick = data(as_staff)["endpoints"]
        assert (slow["route"], slow["share"], slow["sql"]) == ("/slow/", 0.97, 5)
        assert (quick["route"], quick["share"], quick["requests"]) == ("/quick/", 0.03, 3)

    def test_a_refusal_is_no_error(self, as_staff):
        for status, throttle in ((429, "refused"), (404, "admitted"), (500, "admitted")):
            history.add(record(status=status, throttle=throttle))
        totals = data(as_staff)["totals"]
        assert (totals["refused"], totals["client_errors"], totals["server_errors"]) == (1, 1, 1)

    def test_names_the_field_of_a_repeated_query_and_what_to_do(self, as_staff):
        history.add(record(findings=(finding(),)))
        [found] = data(as_staff)["findings"]
        assert found["field"] == "items.product.name"
        assert found["fix"] == "Add select_related('product')."

    def test_tells_which_client_speaks_which_version(self, as_staff):
        for version in ("v1", "v2", "v2"):
            usage.add(version, "curl (signed in)", time.time())
        told = data(as_staff)["versions"]
        assert [(one["version"], one["client"], one["count"]) for one in told] == [
            ("v2", "curl (signed in)", 2),
            ("v1", "curl (signed in)", 1),
        ]
        assert told[0]["last_at"] == time.time()

    def test_of_ten_thousand_routes_is_bounded(self, as_staff):
        for number in range(10_000):
            history.add(record(f"/{number}/"))
            usage.add("v2", f"c{number}", time.time())
        told = data(as_staff)
        assert len(told["endpoints"]) == 101
        assert len(told["versions"]) <= 201
        assert told["totals"]["requests"] == 10_000

    def test_is_304_where_nothing_has_changed(self, as_staff):
        history.add(record())
        etag = as_staff.get("/ops/data/")["ETag"]
        again = as_staff.get("/ops/data/", HTTP_IF_NONE_MATCH=etag)
        assert (again.status_code, again.content) == (304, b"")
        history.add(record())
        assert as_staff.get("/ops/data/", HTTP_IF_NONE_MATCH=etag).status_code == 200

    @pytest.mark.E1
    @pytest.mark.parametrize("window", ["", "2h", "15m\x00", "é", "1" * 5_000])
    def test_another_window_is_400(self, as_staff, window):
        response = as_staff.get("/ops/data/", {"window": window})
        assert problem(response) == (400, "validation_error")
        assert response.json()["errors"][0]["pointer"] == "?window"

    def test_the_pages_own_calls_are_not_in_it(self, as_staff):
        for route in ("/ops/", "/ops/data/", "/other/"):
            sink.keep(record(route))
        assert [one["route"] for one in data(as_staff)["endpoints"]] == ["/other/"]

    def test_without_the_outbox_there_are_no_jobs(self, as_staff, monkeypatch):
        found = apps.is_installed
        monkeypatch.setattr(
            apps, "is_installed", lambda name: name != "backstay.outbox" and found(name)
        )
        assert data(as_staff)["jobs"] is None


@pytest.mark.T5
class TestLimits:
    def test_who_is_kept_out_is_shown_until_let_in_again(self, as_staff, noon):
        guess()
        [block] = data(as_staff)["blocks"]
        assert (block["key"], block["refused"]) == ("login:address:192.0.2.1", 1)
        assert 59 <= block["retry_after_seconds"] <= 61

    def test_every_rule_is_shown_with_its_rate_and_what_it_did(self, as_staff):
        guess(times=5)
        rules = {one["rule"]: one for one in data(as_staff)["rules"]}
        assert rules["login"]["rates"] == [
            {"plan": "", "limit": 2, "window_seconds": 60, "smooth": False}
        ]
        assert (rules["login"]["allowed"], rules["login"]["refused"]) == (2, 3)

    def test_lifting_lets_one_in_again_and_nobody_else(self, as_staff):
        for address in ("192.0.2.1", "192.0.2.2"):
            guess(address)
        response = changed(as_staff, "/ops/budget/clear/", {"key": "login:address:192.0.2.1"})
        assert response.json() == {"cleared": 1}
        assert [one["key"] for one in data(as_staff)["blocks"]] == ["login:address:192.0.2.2"]
        enforce([Charge("login", "address:192.0.2.1", Rate(2, 60))])
        with pytest.raises(Throttled):
            enforce([Charge("login", "address:192.0.2.2", Rate(2, 60))])

    def test_of_ipv6_what_is_shown_can_be_lifted(self, as_staff):
        guess("2001:db8::/64")
        [block] = data(as_staff)["blocks"]
        response = changed(as_staff, "/ops/budget/clear/", {"key": block["key"]})
        assert response.json() == {"cleared": 1}
        assert data(as_staff)["blocks"] == []

    def test_a_budget_is_told_and_not_charged(self, as_staff):
        for _ in range(3):
            response = as_staff.get("/ops/budget/", {"key": "login:account:ada@shop.example"})
            [budget] = response.json()["budgets"]
            assert budget["remaining"] == 2
            assert "ada" not in response.content.decode()

    @pytest.mark.E1
    @pytest.mark.parametrize(
        "key", ["", "login", "nobody:user:7", "login:", "login:address:192.0.2", "\ud800:é:\x00"]
    )
    def test_what_is_no_key_is_400(self, as_staff, key):
        if "\ud800" not in key:
            asked = as_staff.get("/ops/budget/", {"key": key})
            assert problem(asked) == (400, "validation_error")
            assert asked.json()["errors"][0]["pointer"] == "?key"
        response = changed(as_staff, "/ops/budget/clear/", {"key": key})
        assert problem(response)[0] == 400

    @pytest.mark.E1
    @pytest.mark.parametrize("body", [[], {}, {"key": 7.5}, {"key": ["a"]}, {"key": "x" * 999}])
    def test_what_is_no_body_is_400(self, as_staff, body):
        assert problem(changed(as_staff, "/ops/budget/clear/", body))[0] == 400


@pytest.mark.O3
class TestJobs:
    def test_what_is_parked_is_shown_with_its_error(self, as_staff):
        job = parked()
        told = data(as_staff)["jobs"]
        assert told["parked"] == 1
        assert told["shown"][0]["id"] == str(job.pk)
        assert told["shown"][0]["error"] == "SMTPException"

    def test_one_that_is_retried_is_due_with_all_its_tries(self, as_staff):
        job, other = parked(), parked()
        response = changed(as_staff, "/ops/jobs/retry/", {"ids": [str(job.pk)]})
        assert response.json() == {"retried": 1}
        job.refresh_from_db()
        other.refresh_from_db()
        assert (job.parked_at, job.attempts) == (None, 0)
        assert other.parked_at is not None

    def test_one_that_is_not_parked_is_404_and_left_alone(self, as_staff):
        job = parked()
        QueuedJob.objects.update(parked_at=None, attempts=3)
        for pk in (job.pk, uuid4()):
            response = changed(as_staff, "/ops/jobs/retry/", {"ids": [str(pk)]})
            assert problem(response) == (404, "not_found")
        job.refresh_from_db()
        assert job.attempts == 3
        assert not LogEntry.objects.exists()

    @pytest.mark.E1
    @pytest.mark.parametrize("ids", [None, [], "all", ["x"], [str(uuid4())] * 51])
    def test_what_are_no_ids_is_400(self, as_staff, ids):
        response = changed(as_staff, "/ops/jobs/retry/", {"ids": ids})
        assert problem(response) == (400, "validation_error")

    def test_no_more_than_fifty_are_shown_and_all_are_counted(self, as_staff):
        for _ in range(60):
            parked()
        told = data(as_staff)["jobs"]
        assert (told["parked"], len(told["shown"])) == (60, 50)


class TestAudit:
    def test_every_change_is_one_line_and_one_entry(self, as_staff, staff, caplog):
        guess()
        job = parked()
        with caplog.at_level(logging.INFO, logger="backstay.monitoring.dashboard"):
            changed(as_staff, "/ops/budget/clear/", {"key": "login:address:192.0.2.1"})
            changed(as_staff, "/ops/jobs/retry/", {"ids": [str(job.pk)]})
        lines = [line for line in caplog.records if line.name == "backstay.monitoring.dashboard"]
        told = [(line.action, line.target, line.user_id) for line in lines]
        expected = [
            ("lifted a block", "login:address:192.0.2.1"),
            ("retried jobs", str(job.pk)),
        ]
        assert told == [(*one, str(staff.pk)) for one in expected]
        shown = [(one["action"], one["target"], one["user"]) for one in data(as_staff)["changes"]]
        assert shown == told[::-1]

    def test_names_no_account(self, as_staff, caplog):
        with caplog.at_level(logging.INFO, logger="backstay.monitoring.dashboard"):
            changed(as_staff, "/ops/budget/clear/", {"key": "login:account:ada@shop.example"})
        assert LogEntry.objects.count() == 1
        assert "ada" not in LogEntry.objects.get().object_repr
        assert "ada" not in repr([vars(line) for line in caplog.records])

    def test_shows_the_latest_and_nothing_of_the_admin(self, as_staff, staff):
        for number in range(30):
            changed(as_staff, "/ops/budget/clear/", {"key": f"user:user:{number}"})
        LogEntry.objects.create(user=staff, object_id="7", object_repr="x", action_flag=2)
        targets = [one["target"] for one in data(as_staff)["changes"]]
        assert targets == [f"user:user:{number}" for number in range(29, 9, -1)]


@pytest.mark.F1
@pytest.mark.once
class TestOutage:
    @pytest.fixture(autouse=True)
    def no_redis(self, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": "redis://127.0.0.1:9/0"}

    def test_the_page_tells_what_this_process_knows(self, as_staff):
        history.add(record())
        told = data(as_staff)
        assert (told["complete"], told["totals"]["requests"]) == (False, 1)

    def test_a_block_that_cannot_be_lifted_is_503_and_not_audited(self, as_staff):
        response = changed(as_staff, "/ops/budget/clear/", {"key": "login:address:192.0.2.1"})
        assert problem(response) == (503, "service_unavailable")
        assert not LogEntry.objects.exists()


@pytest.mark.once
@pytest.mark.M3
def test_without_the_admin_it_is_an_error(monkeypatch):
    assert checks.check_admin() == []
    monkeypatch.setattr(apps, "is_installed", lambda _: False)
    assert [message.id for message in checks.check_admin()] == ["backstay.E040"]
