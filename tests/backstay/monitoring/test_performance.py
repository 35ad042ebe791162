"""``track_performance`` tells the time and queries of one function, however it ends."""

import asyncio

import pytest

from backstay.monitoring import track_performance
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.M1, pytest.mark.django_db]


@track_performance
def look(name: str) -> bool:
    """Look for a shelf."""
    return Shelf.objects.filter(name=name).exists()


@track_performance
def fail() -> None:
    raise LookupError("ada@shop.example")


@track_performance
async def later() -> str:
    await asyncio.sleep(0)
    return "done"


def line(caplog):
    (found,) = [vars(one) for one in caplog.records if one.name == "backstay.performance"]
    return found


@pytest.fixture(autouse=True)
def informed(caplog):
    caplog.set_level("INFO")


class TestTrackPerformance:
    def test_it_tells_time_and_queries(self, caplog, client):
        client.get("/slow/")  # Whoever has the middleware has measured cursors.

        assert look("poems") is False
        told = line(caplog)
        assert (told["event"], told["outcome"], told["sql_count"]) == ("performance", "ok", 1)
        assert told["function"] == f"{__name__}.look"
        assert told["duration_ms"] > 0

    def test_what_is_raised_goes_on_and_is_named_without_its_message(self, caplog):
        with pytest.raises(LookupError):
            fail()

        assert line(caplog)["outcome"] == "LookupError"
        assert "ada" not in caplog.text

    def test_a_coroutine_is_measured_to_its_end(self, caplog):
        assert asyncio.run(later()) == "done"
        assert line(caplog)["outcome"] == "ok"

    @pytest.mark.once
    def test_the_function_stays_itself(self):
        assert (look.__name__, look.__doc__) == ("look", "Look for a shelf.")
        assert asyncio.iscoroutinefunction(later)
