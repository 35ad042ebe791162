"""Jobs by the clock: once a period, whatever the number of workers. Time is frozen."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured

from backstay.outbox import Every, job, registry
from backstay.outbox.models import QueuedJob, Schedule
from backstay.outbox.relay import Relay
from backstay.outbox.schedule import Timetable
from tests.backstay.outbox import processes
from tests.backstay.outbox.conftest import NOON
from tests.forks import FORKS

pytestmark = [pytest.mark.O3, pytest.mark.django_db]

DAILY = Every(timedelta(days=1), timedelta(hours=3))


@pytest.fixture
def only(monkeypatch):
    """No jobs but these."""

    def keep(**periods: Every) -> None:
        monkeypatch.setattr(registry, "_jobs", {})
        for name, every in periods.items():
            # One function for each: a name belongs to one place.
            def run(*, moment: str) -> None: ...

            run.__qualname__ = name
            job(f"tests.{name}", every=every)(run)

    return keep


def enqueued() -> Counter[str]:
    return Counter(QueuedJob.objects.values_list("name", flat=True))


class TestPeriods:
    @pytest.mark.parametrize(
        ("now", "begin"),
        [
            ("2026-06-01T02:59:59", "2026-05-31T03:00:00"),
            ("2026-06-01T03:00:00", "2026-06-01T03:00:00"),
            ("2026-06-02T02:59:59", "2026-06-01T03:00:00"),
        ],
    )
    def test_begin_at_the_offset(self, now, begin):
        number = DAILY.number(datetime.fromisoformat(now).replace(tzinfo=UTC))
        assert DAILY.begin(number) == datetime.fromisoformat(begin).replace(tzinfo=UTC)

    @pytest.mark.parametrize("seconds", [0, -1])
    def test_a_period_has_a_length(self, seconds):
        with pytest.raises(ImproperlyConfigured, match="interval"):
            Every(timedelta(seconds=seconds))

    def test_a_job_on_a_schedule_takes_the_moment_alone(self):
        with pytest.raises(ImproperlyConfigured, match="moment"):

            @job("tests.wrong", every=DAILY)
            def wrong(*, other: int) -> None: ...


class TestTimetable:
    def test_enqueues_once_a_period_for_the_period(self, only):
        only(daily=DAILY)
        for _ in range(3):
            Timetable().enqueue_due(NOON)
        assert QueuedJob.objects.get().payload == '{"moment":"2026-06-01T03:00:00+00:00"}'

        Timetable().enqueue_due(NOON + timedelta(days=1))
        assert enqueued() == {"tests.daily": 2}

    def test_what_was_missed_runs_once(self, only):
        only(daily=DAILY)
        Timetable().enqueue_due(NOON)
        QueuedJob.objects.all().delete()
        Timetable().enqueue_due(NOON + timedelta(days=9))
        assert enqueued() == {"tests.daily": 1}

    def test_a_clock_that_goes_back_enqueues_nothing(self, only):
        only(daily=DAILY)
        Timetable().enqueue_due(NOON)
        Timetable().enqueue_due(NOON - timedelta(days=1))
        assert enqueued() == {"tests.daily": 1}

    def test_asks_the_database_once_a_period(self, only, django_assert_num_queries):
        only(daily=DAILY, hourly=Every(timedelta(hours=1)))
        timetable = Timetable()
        timetable.enqueue_due(NOON)
        with django_assert_num_queries(0):
            timetable.enqueue_due(NOON + timedelta(minutes=59))
        timetable.enqueue_due(NOON + timedelta(minutes=60))
        assert enqueued() == {"tests.daily": 1, "tests.hourly": 2}

    def test_a_period_whose_job_could_not_be_written_comes_again(self, only, monkeypatch):
        only(daily=DAILY)
        with monkeypatch.context() as broken:
            broken.setattr(registry.Job, "enqueue", lambda *_, **__: 1 / 0)
            with pytest.raises(ZeroDivisionError):
                Timetable().enqueue_due(NOON)
        assert not Schedule.objects.filter(period__gte=0).exists()
        Timetable().enqueue_due(NOON)
        assert enqueued() == {"tests.daily": 1}

    def test_draining_enqueues_nothing(self, only):
        only(daily=DAILY)
        Relay().drain()
        assert not Schedule.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_many_workers_that_start_at_once_enqueue_once(start_process):
    """Fails where the row is read and then written."""
    start = FORKS.Barrier(4)
    workers = [start_process(processes.enqueue_scheduled, start) for _ in range(4)]
    for worker in workers:
        worker.join(60)
    assert [worker.exitcode for worker in workers] == [0] * 4
    assert set(enqueued().values()) == {1}
