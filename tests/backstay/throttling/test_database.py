"""The limiter that counts in the database: what it asks of it, and what it leaves there."""

import pytest
from django.core.checks import run_checks
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext, modify_settings
from rest_framework.test import APIClient

from backstay.throttling import enforce
from tests.backstay.throttling.conftest import DATABASE_APP
from tests.backstay.throttling.limiters import InDatabaseLimiter, accepts, charge_of

HOUR = 3_600
DAY = 86_400

#: How Django logs the limits of a transaction.
FRAME = ("BEGIN", "COMMIT", "ROLLBACK")


def statements(call):
    """What *call* sends to the database, transactions left out."""
    with CaptureQueriesContext(connection) as context:
        call()
    texts = [query["sql"].strip() for query in context.captured_queries]
    return [text for text in texts if not text.startswith(FRAME)]


@pytest.fixture
def limiter(committed_database, clock):
    return InDatabaseLimiter(clock)


@pytest.mark.T1
class TestStatements:
    @pytest.fixture
    def charges(self):
        return [charge_of(2, HOUR, bucket=name) for name in "abc"] + [
            charge_of(9, HOUR, smooth=True)
        ]

    def test_of_a_caller_who_is_known_are_two(self, limiter, charges):
        charges = charges[:3]
        limiter.decide(charges)
        assert len(statements(lambda: limiter.decide(charges))) == 2

    def test_of_one_who_is_new_or_partly_new_are_three(self, limiter, charges):
        assert len(statements(lambda: limiter.decide(charges[:2]))) == 3
        assert len(statements(lambda: limiter.decide(charges))) == 3

    def test_of_a_refusal_are_one(self, limiter, charges):
        limiter.decide(charges)
        assert not accepts(limiter, *charges)
        assert len(statements(lambda: limiter.decide(charges))) == 1

    def test_of_a_look_is_one_without_a_transaction(self, limiter, charges):
        limiter.decide(charges)
        with CaptureQueriesContext(connection) as context:
            limiter.decide(charges, peek=True)
        assert len(context.captured_queries) == 1

    def test_are_one_transaction_that_is_the_limiters_own(self, limiter, charges):
        limiter.decide(charges)
        with CaptureQueriesContext(connection) as context:
            limiter.decide(charges)
        sent = [query["sql"].split()[0] for query in context.captured_queries]
        assert (sent[0], sent[-1]) == ("BEGIN", "ROLLBACK")


@pytest.mark.T2
class TestRefusal:
    def test_leaves_no_row_and_changes_none(self, limiter):
        full = charge_of(1, rule="full")
        limiter.decide([full])
        before = list(limiter.rows.values_list())
        assert not accepts(limiter, full, charge_of(5, rule="new"))
        assert list(limiter.rows.values_list()) == before


@pytest.mark.T5
class TestRows:
    def test_that_have_emptied_go_as_others_come(self, limiter, clock):
        for number in range(30):
            limiter.decide([charge_of(5, bucket=f"early {number}")])
        clock.advance(180)
        for number in range(15):
            limiter.decide([charge_of(5, bucket=f"late {number}")])
        assert limiter.rows.count() == 15

    def test_that_count_something_stay(self, limiter, clock):
        long_lived = [charge_of(1, DAY), charge_of(1, DAY, smooth=True)]
        limiter.decide(long_lived)
        clock.advance(HOUR * 23)
        for number in range(20):
            limiter.decide([charge_of(5, bucket=f"{number}")])
            clock.advance(121)
        assert [decision.allowed for decision in limiter.decide(long_lived)] == [False, False]

    def test_of_the_request_at_hand_are_not_removed_by_it(self, limiter, clock):
        old = charge_of(5, bucket="old")
        limiter.decide([old])
        clock.advance(HOUR)
        assert limiter.decide([old, charge_of(5, bucket="new")])[0].remaining == 4
        assert limiter.decide([old])[0].remaining == 3

    def test_are_indexed_by_an_end_that_moves_once_in_a_window(self, limiter, clock):
        ends = set()
        for _ in range(120):
            limiter.decide([charge_of(1_000, HOUR)])
            ends.add(limiter.rows.get().expires_at_seconds)
            clock.advance(60)
        assert len(ends) == 2

    @pytest.mark.M1
    def test_say_nothing_of_whose_they_are(self, limiter):
        limiter.decide([charge_of(5, rule="login", bucket="account:ada@shop.example")])
        assert b"ada" not in repr(limiter.rows.values_list().get()).encode()


@pytest.mark.A6
class TestTransaction:
    """Of the request: it may be rolled back, by a wrong password for one."""

    def test_that_surrounds_the_limiter_is_refused_so_it_can_give_nothing_back(self, limiter):
        with pytest.raises(RuntimeError, match="durable"), transaction.atomic():
            limiter.decide([charge_of(5)])
        assert not limiter.rows.exists()


@pytest.mark.T1
class TestChoice:
    """What counts for a project without Redis."""

    def test_is_the_database_where_its_app_is_installed(self, committed_database):
        client = APIClient()
        body = {"email": "ada@shop.example"}
        responses = [client.post("/login/", body) for _ in range(6)]
        assert [response.status_code for response in responses] == [200] * 5 + [429]
        assert InDatabaseLimiter(None).rows.count() == 2

    def test_is_this_process_where_it_is_not(self, limiter):
        with modify_settings(INSTALLED_APPS={"remove": DATABASE_APP}):
            enforce([charge_of(5)])
        assert not limiter.rows.exists()


@pytest.mark.T1
def test_the_time_is_the_servers_on_postgresql(committed_database, monkeypatch):
    if connection.vendor != "postgresql":
        pytest.skip("SQLite has no server")
    monkeypatch.setattr("time.time", lambda: 0.0)
    limiter = InDatabaseLimiter(None)
    limiter.decide([charge_of(5)])
    assert limiter.rows.get().expires_at_seconds > 1_700_000_000


@pytest.mark.T1
def test_a_window_is_kept_in_a_kilobyte(limiter, clock):
    charge = charge_of(1_000_000)
    for _ in range(70):
        limiter.decide([charge])
        clock.advance(1)
    assert 900 < len(limiter.rows.get().state) < 1_000


class TestChecks:
    def found(self):
        ids = {str(message.id) for message in run_checks()}
        return {name for name in ids if name in {"backstay.E011", "backstay.E012"}}

    def test_find_nothing_wrong_with_the_usual(self, database):
        assert self.found() == set()

    def test_find_with_e011_a_database_that_has_no_limiter(self, database, monkeypatch):
        monkeypatch.setattr(connection, "vendor", "oracle")
        assert "backstay.E011" in self.found()

    def test_find_with_e012_requests_that_are_transactions(self, database, monkeypatch):
        monkeypatch.setitem(connection.settings_dict, "ATOMIC_REQUESTS", True)
        assert self.found() == {"backstay.E012"}


def test_the_migration_makes_the_table_of_the_model(database):
    call_command("makemigrations", "backstay_throttling", check=True, dry_run=True, verbosity=0)
