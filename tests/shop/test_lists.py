"""Every list of the service: what it refuses, and how a cursor reads its index at any depth."""

import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core import signing
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backstay.pagination import MAX_PAGE_SIZE
from shop.accounts.models import Team
from shop.orders.models import Customer, Order
from tests.shop import factories

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("unlimited")]

CURSORS, NUMBERS, ADAPTIVE = "cursor", "page", "adaptive"

#: Path, who asks, and how its pages are told.
LISTS = [
    ("orders/", "staff", CURSORS),
    ("products/", "staff", NUMBERS),
    ("articles/", "staff", CURSORS),
    ("articles/{article}/comments/", "staff", CURSORS),
    ("users/", "staff", ADAPTIVE),
    ("addresses/", "customer", CURSORS),
    ("teams/", "staff", CURSORS),
    ("organizations/{organization}/members/", "owner", CURSORS),
    ("organizations/{organization}/invitations/", "owner", CURSORS),
]

SIZES = ["-1", "0", "abc", "", "1.5", "1e2", "%00", "9" * 19, "NaN"]
FOREIGN = "cD0yMDI2LTAxLTAx"  # DRF's own: ``p=2026-01-01``.
CUT = ["", "x", ":", "%00", "WyJuIl0:x", FOREIGN, "A" * 5_000]
UNKNOWN = ["owner__password=a", "user__password__startswith=a", "pk=1", "%00=1", "id__in=1"]

ABSURD = {
    "orders/": [
        "created_after=9999-12-31T23:59:59-23:59",
        "created_before=0001-01-01T00:00:00%2B23:59",
        "created_after=NaN",
        "created_after=2026-01-01T00:00:00Z%00",
        "customer_id=NaN",
        "customer_id=1e999999",
        "customer_id=%00",
        "customer_id=-1",
        "customer_id=" + "9" * 400,
        "customer_email=a%00",
        "customer_email=" + "a" * 3_000,
        "status=%00",
        "status=lost",
        "ordering=customer__user__password",
        "ordering=owner__password",
        "ordering=" + "created_at,total_amount," * 1_500,
        "ordering=%00",
    ],
    "products/": [
        "price_min=NaN",
        "price_max=1e999999",
        "price_min=Infinity",
        "price_min=%00",
        "in_stock=%00",
        "search=a%00",
        "search=" + "a%20" * 3_000,
        "search=" + "a" * 201,
        "ordering=organization__name",
        "ordering=%00",
    ],
}


@pytest.fixture
def url(api, article, organization):
    def of(template):
        return f"{api}/" + template.format(article=article.pk, organization=organization.pk)

    return of


@pytest.fixture
def refused():
    """A query is a 400 that points at its parameter, and asks the database nothing about rows."""

    def check(client, url, query):
        with CaptureQueriesContext(connection) as captured:
            response = client.get(f"{url}?{query}")
        body = response.json()
        name = query.partition("=")[0].replace("%00", "\x00")
        assert (response.status_code, body["code"]) == (400, "validation_error"), (query, body)
        assert {error["pointer"] for error in body["errors"]} == {f"?{name}"}, query
        told = json.dumps(body)
        assert not any(word in told for word in ("SELECT", "Traceback", "psycopg", "sqlite")), told
        rows = [
            one["sql"] for one in captured if " LIMIT " in one["sql"] and "21" not in one["sql"]
        ]
        assert not rows, query

    return check


@pytest.mark.L3
@pytest.mark.E1
@pytest.mark.parametrize(("template", "actor", "kind"), LISTS)
class TestEveryList:
    def test_refuses_sizes_that_are_none(self, client_of, url, refused, template, actor, kind):
        for text in SIZES:
            refused(client_of(actor), url(template), f"page_size={text}")

    def test_caps_a_size_that_is_too_large(self, client_of, url, template, actor, kind):
        answer = client_of(actor).get(f"{url(template)}?page_size=1000000000")
        assert answer.status_code == 200
        assert len(answer.json()["results"]) <= MAX_PAGE_SIZE

    def test_refuses_what_it_does_not_know(self, client_of, url, refused, template, actor, kind):
        for query in UNKNOWN:
            refused(client_of(actor), url(template), query)

    @pytest.mark.L2
    def test_refuses_places_that_are_none(self, client_of, url, refused, template, actor, kind):
        name = "page" if kind == NUMBERS else "cursor"
        for text in CUT:
            refused(client_of(actor), url(template), f"{name}={text}")
        if kind != CURSORS:
            for text in SIZES:
                refused(client_of(actor), url(template), f"page={text}")


@pytest.mark.L3
@pytest.mark.E1
@pytest.mark.parametrize("template", ABSURD)
def test_refuses_absurd_values(as_staff, url, refused, template):
    for query in ABSURD[template]:
        refused(as_staff, url(template), query)


@pytest.mark.L2
class TestForeignCursor:
    @pytest.fixture
    def cursor(self, as_staff):
        """That of a page of articles in version 2."""
        factories.ArticleFactory.create_batch(2)
        link = as_staff.get("/api/v2/articles/?page_size=1").json()["next"]
        return link.partition("cursor=")[2].partition("&")[0]

    def test_holds_where_it_was_made(self, as_staff, cursor):
        assert as_staff.get(f"/api/v2/articles/?cursor={cursor}").status_code == 200

    @pytest.mark.parametrize(
        "path",
        ["/api/v1/articles/", "/mobile/articles/", "/partners/v2/articles/", "/api/v2/orders/"],
    )
    def test_is_refused_in_another_version_mount_or_list(self, as_staff, refused, cursor, path):
        refused(as_staff, path, f"cursor={cursor}")

    def test_is_refused_where_its_signature_is_of_another_version_of_cursors(
        self, as_staff, refused
    ):
        """The same key and the same place, but not made by what reads it."""
        for salt in ("backstay.pagination.cursor.0", "backstay.pagination.cursor.1", ""):
            signer = signing.Signer(salt=salt) if salt else signing.Signer()
            old = signer.sign_object(["n", "2026-01-01T00:00:00+00:00", "1"])
            refused(as_staff, "/api/v2/articles/", f"cursor={old}")


@pytest.mark.L2
@pytest.mark.L1
@pytest.mark.long
class TestPlanOfACursorPage:
    """Deep in 3,000 orders: an index from the place on, and no row more than are shown."""

    @pytest.fixture
    def plan(self, as_staff, customer):
        address = factories.AddressFactory.create(user=customer)
        buyer = Customer.objects.get(user=customer)
        began = datetime(2026, 1, 1, tzinfo=UTC)
        Order.objects.bulk_create(
            Order(
                customer=buyer,
                shipping_address=address,
                status="paid" if number % 15 else "pending",
                total_amount=number % 500,
                # Ten of each minute, so that most tie.
                created_at=began + timedelta(minutes=number // 10),
            )
            for number in range(3_000)
        )
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")

        def explain(query=""):
            link = as_staff.get(f"/api/v2/orders/?page_size=10&{query}").json()["next"]
            for _ in range(15):
                link = as_staff.get(link).json()["next"]
            with CaptureQueriesContext(connection) as captured:
                assert len(as_staff.get(link).json()["results"]) == 10
            (sql,) = (one["sql"] for one in captured if "LIMIT 11" in one["sql"])
            with connection.cursor() as cursor:
                if connection.vendor == "sqlite":
                    cursor.execute(f"EXPLAIN QUERY PLAN {sql}")
                    return [row[3] for row in cursor.fetchall()]
                cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}")
                [[plan]] = cursor.fetchall()
            return list(nodes(plan[0]["Plan"]))

        return explain

    @pytest.mark.parametrize(
        ("query", "index"),
        [
            ("", "orders_order_newest"),
            ("ordering=created_at", "orders_order_newest"),
            ("ordering=-total_amount", "orders_order_total"),
            ("status=pending", "orders_order_status"),
        ],
    )
    def test_is_a_range_of_the_index(self, plan, query, index):
        steps = plan(query)

        if connection.vendor == "sqlite":
            assert steps[0].startswith("SEARCH orders_order USING"), steps
            assert index in steps[0]
            assert not any("TEMP B-TREE" in step for step in steps), steps
            return
        (scan,) = (node for node in steps if node.get("Index Name") == index)
        assert "ROW(" in scan["Index Cond"]
        assert scan["Actual Rows"] == 11
        assert not any(node.get("Rows Removed by Filter") for node in steps), steps
        assert not any("Sort" in node["Node Type"] for node in steps), steps


def nodes(plan):
    """Each step of PostgreSQL's plan."""
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


@pytest.mark.L3
class TestUsers:
    def test_a_few_are_numbered(self, as_owner, organization):
        factories.MembershipFactory.create_batch(4, organization=organization)
        body = as_owner.get("/api/v2/users/?page_size=2").json()

        assert (body["count"], body["count_is"]) == (5, "exact")
        assert body["next"].endswith("/users/?page=2&page_size=2")

    @pytest.mark.C2
    @pytest.mark.django_db(transaction=True)
    def test_a_kept_answer_has_the_number_of_now(self, as_owner, organization):
        path, counts = "/api/v2/users/?page_size=2", []
        for _ in range(3):
            factories.MembershipFactory.create_batch(2, organization=organization)
            counts += [as_owner.get(path).json()["count"], as_owner.get(path).json()["count"]]

        assert counts == [3, 3, 5, 5, 7, 7]

    @pytest.mark.P1
    def test_their_number_is_that_of_the_callers_own_organization(
        self, as_owner, as_other_owner, organization
    ):
        factories.MembershipFactory.create_batch(4, organization=organization)

        counts = [
            client.get("/api/v2/users/?page_size=1").json()["count"]
            for client in (as_owner, as_other_owner, as_owner)
        ]
        assert counts == [5, 1, 5]


@pytest.mark.L3
def test_teams_are_in_the_order_of_their_names(as_staff, organization):
    for name in ("B", "A", "C"):
        Team.objects.create(organization=organization, name=name)

    rows = as_staff.get("/api/v2/teams/").json()["results"]
    assert [row["name"] for row in rows] == ["A", "B", "C"]
