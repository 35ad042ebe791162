"""GET /reports/sales/: totals by day, for staff."""

from datetime import UTC, datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shop.orders.models import Order

pytestmark = pytest.mark.django_db


@pytest.fixture
def sold(make_order, customer):
    """Order on a day of January 2024, in a state."""

    def sell(day: int, status: str, hour: int = 12) -> None:
        order = make_order(customer, status)
        moment = datetime(2024, 1, day, hour, 59, 59, tzinfo=UTC)
        Order.objects.filter(pk=order.pk).update(created_at=moment)

    return sell


@pytest.mark.P1
@pytest.mark.parametrize(
    ("actor", "status"),
    [("anonymous", 401), ("customer", 403), ("owner", 403), ("staff", 200)],
)
def test_only_staff_read_it(actor, status, api, client_of):
    assert client_of(actor).get(f"{api}/reports/sales/").status_code == status


class TestDays:
    def test_hold_what_was_paid_and_not_refunded(self, api, as_staff, sold):
        for status in ("pending", "paid", "shipped", "cancelled", "refunded"):
            sold(5, status)
        answer = as_staff.get(f"{api}/reports/sales/").json()
        assert answer["days"] == [
            {"date": "2024-01-05", "currency": "EUR", "orders": 2, "total_amount": "50.00"}
        ]

    def test_are_in_utc_and_both_ends_included(self, api, as_staff, sold):
        sold(4, "paid", hour=23)
        sold(5, "paid", hour=0)
        sold(6, "paid", hour=23)
        sold(7, "paid", hour=0)
        answer = as_staff.get(
            f"{api}/reports/sales/", {"from": "2024-01-05", "to": "2024-01-06"}
        ).json()
        assert [day["date"] for day in answer["days"]] == ["2024-01-05", "2024-01-06"]

    def test_end_with_the_newest_order_by_default(self, api, as_staff, sold):
        sold(31, "paid")
        sold(2, "paid")
        sold(1, "paid")
        answer = as_staff.get(f"{api}/reports/sales/").json()
        assert (answer["from"], answer["to"]) == ("2024-01-02", "2024-01-31")
        assert [day["date"] for day in answer["days"]] == ["2024-01-02", "2024-01-31"]

    @pytest.mark.L1
    def test_are_added_up_by_the_database(self, api, as_staff, sold):
        sold(5, "paid")
        sold(5, "shipped")
        with CaptureQueriesContext(connection) as captured:
            as_staff.get(f"{api}/reports/sales/", {"to": "2024-01-31"})
        assert len([query for query in captured if "orders_order" in query["sql"]]) == 1


@pytest.mark.L3
@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"from": "yesterday"}, "?from"),
        ({"to": "2024-13-01"}, "?to"),
        ({"to": "2024-01-01\x00"}, "?to"),
        ({"from": "2024-01-02", "to": "2024-01-01"}, "?from"),
        ({"from": "2023-01-01", "to": "2024-01-02"}, "?from"),
        ({"since": "2024-01-01"}, "?since"),
    ],
)
def test_bad_period_is_400(query, pointer, api, as_staff):
    answer = as_staff.get(f"{api}/reports/sales/", query)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (400, pointer)


@pytest.mark.parametrize("day", ["0001-01-01", "9999-12-31"])
def test_the_ends_of_time_are_days(day, api, as_staff):
    answer = as_staff.get(f"{api}/reports/sales/", {"to": day})
    assert (answer.status_code, answer.json()["days"]) == (200, [])
