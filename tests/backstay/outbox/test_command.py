"""``manage.py outbox status`` and ``retry``, as an operator uses them."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from backstay.outbox.models import QueuedJob
from backstay.outbox.relay import Outcome, Relay
from tests.backstay.outbox.conftest import NOON
from tests.backstay.outbox.jobs import shelve, shelve_and_fail
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.O3, pytest.mark.django_db]


def outbox(*arguments: str) -> list[str]:
    printed = StringIO()
    call_command("outbox", *arguments, stdout=printed)
    return printed.getvalue().splitlines()


@pytest.fixture
def parked(clock):
    """Two jobs that failed as often as allowed, of another name each."""
    for enqueue in (shelve_and_fail, shelve):
        job_id = enqueue.enqueue(name="A")
        QueuedJob.objects.filter(pk=job_id).update(
            parked_at=timezone.now(), attempts=10, error=f"builtins.{enqueue.name}"
        )
    return QueuedJob.objects.in_bulk()


class TestStatus:
    def test_of_an_empty_outbox(self, clock):
        assert outbox("status") == ["0 due, the oldest for 0 s; 0 later or being run; 0 parked"]

    def test_counts_what_waits_and_names_what_is_parked(self, clock, parked):
        shelve.enqueue(name="B")
        clock.move_to(NOON + timedelta(seconds=30))
        QueuedJob.objects.filter(pk=shelve.enqueue(name="C")).update(
            due_at=timezone.now() + timedelta(hours=1)
        )
        assert outbox("status") == [
            "1 due, the oldest for 30 s; 1 later or being run; 2 parked",
            "parked: 1 tests.shelve, builtins.tests.shelve",
            "parked: 1 tests.shelve_and_fail, builtins.tests.shelve_and_fail",
        ]


class TestRetry:
    def test_gives_all_their_tries_anew(self, parked):
        assert outbox("retry") == ["2 jobs are due again"]
        relay = Relay()
        relay.drain()
        assert relay.outcomes == {Outcome.DONE: 1, Outcome.RETRY: 1}
        assert Shelf.objects.get().name == "A"
        assert QueuedJob.objects.get().attempts == 1

    def test_only_of_a_name(self, parked):
        assert outbox("retry", "--name", "tests.shelve") == ["1 jobs are due again"]
        assert QueuedJob.objects.get(parked_at=None).name == "tests.shelve"

    def test_only_of_ids(self, parked):
        (some, _) = parked
        assert outbox("retry", str(some)) == ["1 jobs are due again"]
        assert QueuedJob.objects.get(parked_at=None).pk == some

    def test_what_is_not_parked_is_left_alone(self, clock):
        job_id = shelve.enqueue(name="A")
        QueuedJob.objects.update(attempts=3)
        assert outbox("retry", str(job_id)) == ["0 jobs are due again"]
        assert QueuedJob.objects.get().attempts == 3

    def test_what_is_no_id_is_told(self, clock):
        with pytest.raises(CommandError, match="nonsense"):
            outbox("retry", "nonsense")
