"""GET /orders/export/: who, which rows, which formats, at what cost."""

import csv
import io
import json
import tracemalloc

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from shop.accounts.models import Organization
from shop.orders.export import neutral
from shop.orders.models import Order
from tests.shop import factories

pytestmark = pytest.mark.django_db


def body(response) -> bytes:
    assert response.streaming
    return b"".join(response.streaming_content)


def lines(response) -> list[dict]:
    return [json.loads(line) for line in body(response).splitlines()]


@pytest.fixture
def members_order(make_order, member) -> Order:
    return make_order(member, "paid", note="=HYPERLINK(1)")


@pytest.fixture
def strangers_order(make_order, customer) -> Order:
    return make_order(customer)


class TestWho:
    @pytest.mark.P3
    def test_anonymous_is_unauthenticated(self, anonymous, api):
        assert anonymous.get(f"{api}/orders/export/").status_code == 401

    @pytest.mark.P3
    @pytest.mark.parametrize("plan", ["free", "none"])
    def test_lower_plan_is_told_which_it_needs(
        self, plan, api, client_of, organization: Organization
    ):
        organization.plan = "free"
        organization.save()
        answer = client_of("owner" if plan == "free" else "customer").get(f"{api}/orders/export/")
        assert (answer.status_code, answer.json()["code"]) == (403, "plan_required")

    @pytest.mark.P3
    def test_an_upgrade_works_with_the_token_at_hand(self, api, as_owner, organization):
        organization.plan = "free"
        organization.save()
        assert as_owner.get(f"{api}/orders/export/").status_code == 403
        organization.plan = "enterprise"
        organization.save()
        assert as_owner.get(f"{api}/orders/export/").status_code == 200

    @pytest.mark.P1
    def test_a_member_gets_the_orders_of_members(
        self, api, as_owner, members_order, strangers_order
    ):
        answer = as_owner.get(f"{api}/orders/export/")
        assert [row["id"] for row in lines(answer)] == [members_order.pk]

    def test_staff_get_all(self, api, as_staff, members_order, strangers_order):
        answer = as_staff.get(f"{api}/orders/export/")
        assert {row["id"] for row in lines(answer)} == {members_order.pk, strangers_order.pk}


class TestFormats:
    def test_ndjson_lines_are_those_of_the_list(self, api, as_staff, members_order):
        answer = as_staff.get(f"{api}/orders/export/", {"format": "ndjson"})
        assert answer["Content-Type"] == "application/x-ndjson; charset=utf-8"
        assert lines(answer) == as_staff.get(f"{api}/orders/").json()["results"]

    def test_csv_is_a_table(self, api, as_staff, members_order):
        answer = as_staff.get(f"{api}/orders/export/", {"format": "csv"})
        assert answer["Content-Type"] == "text/csv; charset=utf-8"
        (row,) = csv.DictReader(io.StringIO(body(answer).decode()))
        assert row["id"] == str(members_order.pk)
        assert row["total_amount"] == "25.00"
        assert row["created_at"].endswith("Z")

    def test_csv_runs_no_formula(self, api, as_staff, members_order):
        answer = as_staff.get(f"{api}/orders/export/", {"format": "csv"})
        (row,) = csv.DictReader(io.StringIO(body(answer).decode()))
        assert row["note"] == "'=HYPERLINK(1)"

    @pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
    def test_every_start_of_a_formula_is_neutralised(self, start):
        assert neutral(f"{start}1") == f"'{start}1"

    def test_the_format_goes_before_accept(self, api, as_staff):
        answer = as_staff.get(
            f"{api}/orders/export/", {"format": "csv"}, headers={"Accept": "application/json"}
        )
        assert answer["Content-Type"].startswith("text/csv")

    def test_an_unknown_format_is_400(self, api, as_staff):
        answer = as_staff.get(f"{api}/orders/export/", {"format": "xml"})
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["pointer"] == "?format"


class TestRows:
    def test_are_filtered_as_the_list(self, api, as_staff, members_order, strangers_order):
        answer = as_staff.get(f"{api}/orders/export/", {"status": "paid"})
        assert [row["id"] for row in lines(answer)] == [members_order.pk]

    @pytest.mark.L3
    def test_an_unknown_parameter_is_400(self, api, as_staff):
        answer = as_staff.get(f"{api}/orders/export/", {"state": "paid"})
        assert answer.json()["errors"][0]["pointer"] == "?state"

    @pytest.mark.L1
    def test_take_two_queries_whatever_their_number(self, api, as_staff, make_order, customer):
        address = factories.AddressFactory(user=customer)
        for _ in range(3):
            make_order(customer, ship_to=address)
        with CaptureQueriesContext(
            connection,
        ) as captured:
            assert len(lines(as_staff.get(f"{api}/orders/export/"))) == 3
        reading = [query for query in captured if "orders_order" in query["sql"]]
        assert len(reading) == 2, "one for the rows, one for the number of their items"

    @pytest.mark.long
    def test_take_the_same_memory_whatever_their_number(self, as_staff, customer):
        address = factories.AddressFactory.create(user=customer)
        peaks = []
        for count in (2_000, 18_000):
            Order.objects.bulk_create(
                Order(customer=customer.customer, shipping_address=address, total_amount=1)
                for _ in range(count)
            )
            answer = as_staff.get("/api/v2/orders/export/")
            tracemalloc.start()
            streamed = sum(1 for _ in answer.streaming_content)
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
            assert streamed == Order.objects.count()
        assert peaks[1] < 2 * peaks[0]
