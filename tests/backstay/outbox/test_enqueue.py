"""A job is a row of the caller's transaction, and nothing else happens there."""

import pytest
from django.db import IntegrityError, transaction

from backstay import traces
from backstay.errors.request_ids import current
from backstay.outbox import InvalidPayload, wake
from backstay.outbox.models import QueuedJob
from tests.backstay.outbox.jobs import shelve
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.O3]


@pytest.fixture
def heard():
    """Whether a relay in this process was woken since it was last asked."""

    def ask() -> bool:
        was_set = wake._arrived.is_set()
        wake._arrived.clear()
        return was_set

    ask()
    return ask


class TestEnqueue:
    def test_writes_one_row_and_runs_nothing(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            job_id = shelve.enqueue(name="A")

        row = QueuedJob.objects.get()
        assert (row.pk, row.name, row.payload) == (job_id, "tests.shelve", '{"name":"A"}')
        assert not Shelf.objects.exists()

    def test_keeps_the_id_of_the_request(self):
        token = current.set("request-7")
        shelve.enqueue(name="A")
        current.reset(token)

        assert QueuedJob.objects.get().request_id == "request-7"

    @pytest.mark.M1
    def test_keeps_the_trace_of_the_request(self):
        token = traces.current.set(trace := traces.continued(""))
        shelve.enqueue(name="A")
        traces.current.reset(token)

        assert QueuedJob.objects.get().traceparent == trace.traceparent

    def test_a_refused_payload_writes_nothing(self):
        with pytest.raises(InvalidPayload):
            shelve.enqueue(name="A" * 5000)
        assert not QueuedJob.objects.exists()


@transaction.atomic
def shelve_twice(name: str) -> None:
    """Enqueue, and fail at the constraint: the shelf of this name is there."""
    shelve.enqueue(name=name)
    Shelf.objects.create(name=name)


@pytest.mark.django_db(transaction=True)
class TestTransaction:
    def test_a_rollback_takes_the_job_with_it(self, heard):
        Shelf.objects.create(name="A")

        with pytest.raises(IntegrityError):
            shelve_twice("A")

        assert not QueuedJob.objects.exists()
        assert not heard()

    def test_a_savepoint_that_rolls_back_takes_its_own(self):
        with transaction.atomic():
            shelve.enqueue(name="A")
            Shelf.objects.create(name="B")
            with pytest.raises(IntegrityError):
                shelve_twice("B")

        assert QueuedJob.objects.get().payload == '{"name":"A"}'

    def test_a_relay_in_this_process_is_woken_at_commit_not_before(self, heard):
        with transaction.atomic():
            shelve.enqueue(name="A")
            assert not heard()
        assert heard()
