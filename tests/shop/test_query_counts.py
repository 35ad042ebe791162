"""What each read costs: a number, and the same one for any number of rows."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backstay import store
from shop.accounts.models import Invitation
from shop.orders.actions import Line
from tests.quiet import trust_denylist
from tests.shop.factories import (
    ArticleFactory,
    CommentFactory,
    MembershipFactory,
    ProductFactory,
    TeamFactory,
)

pytestmark = [pytest.mark.A3, pytest.mark.L1]

#: Queries of a list by path and actor. Who it is costs none: a token says it. A list by
#: page numbers costs one for the number of all, what is under an article or an
#: organization one for that, and a count of what belongs to the rows one for all of them.
LISTS = [
    ("products/", "anonymous", 2),
    ("products/", "customer", 2),
    ("products/", "owner", 2),
    ("products/", "staff", 2),
    ("products/?search=product&in_stock=true&ordering=price", "anonymous", 2),
    ("orders/", "customer", 2),
    ("orders/", "staff", 2),
    ("orders/?status=pending&customer_email=shop&ordering=-total_amount", "staff", 2),
    ("addresses/", "customer", 1),
    ("articles/", "anonymous", 2),
    ("articles/", "customer", 2),
    ("articles/", "staff", 2),
    ("articles/{article}/comments/", "anonymous", 2),
    ("articles/{article}/comments/", "customer", 2),
    ("users/", "owner", 1),
    ("users/", "staff", 1),
    ("organizations/{organization}/members/", "owner", 2),
    ("organizations/{organization}/invitations/", "owner", 2),
    ("teams/", "owner", 1),
]

#: An order costs one more for its items and one for its payments, an article one for the
#: number of its comments, and one's own account two for the permissions of the user and of
#: their groups.
OBJECTS = [
    ("products/{product}/", "anonymous", 1),
    ("products/{product}/", "owner", 1),
    ("orders/{order}/", "customer", 3),
    ("orders/{order}/", "staff", 3),
    ("addresses/{address}/", "customer", 1),
    ("articles/{article}/", "anonymous", 2),
    ("articles/{article}/", "staff", 2),
    ("users/me/", "customer", 3),
]


@pytest.fixture(autouse=True)
def patient_store(monkeypatch):
    """A late answer of Redis is none, and the database is asked about the session instead."""
    monkeypatch.setattr(store, "TIMEOUT_SECONDS", 30)
    store._store_of.cache_clear()
    trust_denylist()
    yield
    store._store_of.cache_clear()


@pytest.fixture
def queries():
    def run(client, path):
        if client._credentials:
            # A Redis that does not know the script may have been restarted: the database is asked.
            client.get(path)
        with CaptureQueriesContext(connection) as captured:
            response = client.get(path)
        assert response.status_code == 200, response.content
        return [query["sql"] for query in captured], response

    return run


@pytest.fixture
def grow(customer, article, make_order, address, organization):
    """Add rows of every kind, by others and by the customer, with something below each."""

    def add(number):
        for index in range(number):
            products = ProductFactory.create_batch(2, organization=organization)
            lines = [Line(product.pk, 1) for product in products]
            make_order(customer, "paid" if index % 2 else "pending", lines=lines)
            CommentFactory.create(article=ArticleFactory.create())
            CommentFactory.create(article=article)
            membership = MembershipFactory.create(organization=organization)
            membership.team = TeamFactory.create(organization=organization)
            membership.save()
            Invitation.objects.create(
                organization=organization,
                email=f"{membership.pk}@shop.example",
                invited_by=membership.user,
                token_hash=f"{membership.pk}",
            )

    return add


class TestLists:
    @pytest.mark.parametrize(("template", "actor", "expected"), LISTS)
    def test_the_number_does_not_grow_with_the_rows(
        self, client_of, api, queries, grow, article, organization, template, actor, expected
    ):
        path = f"{api}/" + template.format(article=article.pk, organization=organization.pk)
        client = client_of(actor)
        grow(2)
        few, shorter = queries(client, path)
        grow(10)
        many, longer = queries(client, path)

        assert len(longer.json()["results"]) > len(shorter.json()["results"])
        assert (len(few), len(many)) == (expected, expected), many

    @pytest.mark.L2
    @pytest.mark.parametrize(("template", "actor"), [("orders/", "staff"), ("articles/", "staff")])
    def test_a_cursor_page_is_neither_counted_nor_skipped_to(
        self, client_of, api, queries, grow, template, actor
    ):
        grow(4)
        client = client_of(actor)
        first = client.get(f"{api}/{template}?page_size=2").json()

        executed, _ = queries(client, first["next"])

        rows = executed[-1]
        assert "OFFSET" not in rows
        assert not any(sql.startswith("SELECT COUNT") for sql in executed)


class TestObjects:
    @pytest.mark.parametrize(("template", "actor", "expected"), OBJECTS)
    def test_the_number_does_not_grow_with_what_belongs_to_it(
        self,
        client_of,
        api,
        queries,
        grow,
        product,
        order,
        address,
        article,
        template,
        actor,
        expected,
    ):
        found = {"product": product, "order": order, "address": address, "article": article}
        path = f"{api}/" + template.format(**{name: row.pk for name, row in found.items()})
        grow(3)
        executed, _ = queries(client_of(actor), path)
        assert len(executed) == expected, executed

    def test_an_order_of_many_lines_costs_what_one_of_one_does(
        self, as_customer, customer, make_order, api, queries, order
    ):
        lines = [Line(product.pk, 1) for product in ProductFactory.create_batch(20)]
        large = make_order(customer, lines=lines)

        short, _ = queries(as_customer, f"{api}/orders/{order.pk}/")
        long, _ = queries(as_customer, f"{api}/orders/{large.pk}/")

        assert len(short) == len(long)
