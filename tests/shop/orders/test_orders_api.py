"""Orders: what each actor may see and do, and how they look in each version."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
import time_machine

from shop.orders.actions import Line
from shop.orders.models import Address, Order
from tests.shop.factories import AddressFactory, OrderFactory, ProductFactory
from tests.shop.problems import assert_problem, steady_headers

LIST = {"id", "status", "total_amount", "currency", "created_at", "customer", "item_count"}
DETAIL = LIST | {"note", "items", "payments", "shipping_address"}
PLACED = datetime(2026, 3, 28, 12, tzinfo=UTC)


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def walk(client, url, query, link="next"):
    """The ids of every page from *url* on."""
    response = client.get(url, query)
    seen = [ids(response)]
    while following := response.json()[link]:
        response = client.get(following)
        seen.append(ids(response))
    return seen


class TestListOrders:
    @pytest.fixture
    def url(self, api):
        return f"{api}/orders/"

    @pytest.fixture
    def history(self, customer):
        """Four orders of one customer, a day apart, the oldest first."""
        return [
            OrderFactory.create(
                customer=customer.customer,
                status=status,
                total_amount=total,
                created_at=PLACED + timedelta(days=day),
            )
            for day, (status, total) in enumerate(
                [("paid", 30), ("pending", 10), ("pending", 30), ("cancelled", 20)]
            )
        ]

    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.get(url), 401, "not_authenticated")

    @pytest.mark.P1
    def test_customer_sees_only_own(self, as_customer, url, order, foreign_order):
        assert ids(as_customer.get(url)) == [order.pk]

    @pytest.mark.P1
    def test_an_owner_sees_only_own_too(self, as_owner, url, order):
        assert ids(as_owner.get(url)) == []

    @pytest.mark.P1
    def test_staff_see_all(self, as_staff, url, order, foreign_order):
        assert ids(as_staff.get(url)) == [foreign_order.pk, order.pk]

    @pytest.mark.V1
    def test_v1_is_flat(self, as_customer, customer, order):
        (row,) = as_customer.get("/api/v1/orders/").json()["results"]

        assert row.keys() == LIST
        assert row.pop("created_at").endswith("Z")
        assert row == {
            "id": order.pk,
            "status": "pending",
            "total_amount": "25.00",
            "currency": "EUR",
            "customer": {
                "id": customer.customer.pk,
                "name": "Customer One",
                "email": "customer@shop.example",
            },
            "item_count": 1,
        }

    @pytest.mark.V1
    def test_v2_differs_in_the_total_only(self, as_customer, order):
        (old,) = as_customer.get("/api/v1/orders/").json()["results"]
        (new,) = as_customer.get("/api/v2/orders/").json()["results"]

        del old["total_amount"], old["currency"]
        assert new == {**old, "total": {"amount": "25.00", "currency": "EUR"}}

    def test_a_page_has_links_and_no_count(self, as_customer, url, order):
        assert as_customer.get(url).json().keys() == {"next", "previous", "results"}

    @pytest.mark.parametrize(
        ("ordering", "order"),
        [
            (None, [3, 2, 1, 0]),
            ("-created_at", [3, 2, 1, 0]),
            ("created_at", [0, 1, 2, 3]),
            ("total_amount", [1, 3, 0, 2]),
            ("-total_amount", [2, 0, 3, 1]),
            ("total_amount,-created_at", [1, 3, 2, 0]),
        ],
    )
    def test_ordering(self, as_customer, url, history, ordering, order):
        query = {"ordering": ordering} if ordering else {}
        assert ids(as_customer.get(url, query)) == [history[index].pk for index in order]

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"status": "pending"}, {1, 2}),
            ({"status": "refunded"}, set()),
            ({"created_after": "2026-03-30T12:00:00Z"}, {2, 3}),
            ({"created_after": "2026-03-30T14:00:00+02:00"}, {2, 3}),
            ({"created_after": "2026-03-30T12:00:01Z"}, {3}),
            ({"created_before": "2026-03-28T12:00:00Z"}, {0}),
            ({"created_before": "2026-03-28T11:59:59Z"}, set()),
            ({"customer_email": "CUSTOMER@shop"}, {0, 1, 2, 3}),
            ({"customer_email": "other"}, set()),
            ({"status": "pending", "created_before": "2026-03-29T12:00:00Z"}, {1}),
        ],
    )
    def test_filters(self, as_customer, url, history, query, found):
        assert set(ids(as_customer.get(url, query))) == {history[index].pk for index in found}

    @pytest.mark.E3
    def test_a_time_without_an_offset_is_utc(self, as_customer, url, history):
        naive = as_customer.get(url, {"created_after": "2026-03-30T12:00:00"})
        assert ids(naive) == ids(as_customer.get(url, {"created_after": "2026-03-30T12:00:00Z"}))

    def test_staff_find_orders_by_customer(
        self, as_staff, url, order, foreign_order, customer, other_customer
    ):
        by_id = {"customer_id": other_customer.customer.pk}
        assert ids(as_staff.get(url, by_id)) == [foreign_order.pk]
        assert ids(as_staff.get(url, {"customer_email": "customer@"})) == [order.pk]

    @pytest.mark.P1
    def test_a_filter_shows_a_customer_nothing_foreign(
        self, as_customer, url, order, foreign_order, other_customer
    ):
        for query in ({"customer_id": other_customer.customer.pk}, {"customer_email": "other@"}):
            assert ids(as_customer.get(url, query)) == []

    @pytest.mark.L3
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("status", "sold"),
            ("created_after", "yesterday"),
            ("created_after", "9999-12-31T23:59:59-23:59"),
            ("created_before", "0001-01-01T00:00:00+23:59"),
            ("created_before", "2026-02-30T00:00:00Z"),
            ("customer_id", "0"),
            ("customer_id", "1.5"),
            ("customer_id", "NaN"),
            ("customer_id", "9" * 40),
            ("customer_email", "a\x00b"),
            ("customer_email", "x" * 255),
            ("ordering", "status"),
            ("ordering", "customer__user__password"),
            ("page_size", "0"),
            ("page_size", "-1"),
            ("page_size", "abc"),
            ("cursor", "junk"),
            ("cursor", ""),
            ("cursor", "\x00"),
        ],
    )
    def test_a_bad_value_is_400_and_named(self, as_customer, url, order, name, value):
        body = assert_problem(as_customer.get(url, {name: value}), 400, "validation_error")
        assert [error["pointer"] for error in body["errors"]] == [f"?{name}"]

    @pytest.mark.L3
    @pytest.mark.parametrize(
        ("name", "nearest"),
        [("statsu", "status"), ("created_afte", "created_after"), ("page", "page_size")],
    )
    def test_an_unknown_parameter_is_400_and_the_nearest_is_named(
        self, as_customer, url, name, nearest
    ):
        body = assert_problem(
            as_customer.get(url, {name: "1"}),
            400,
            "validation_error",
            [(f"?{name}", "unknown_parameter")],
        )
        assert nearest in body["errors"][0]["detail"]

    @pytest.mark.L3
    def test_a_page_is_20_rows_and_at_most_100(self, as_customer, customer, address, url):
        Order.objects.bulk_create(
            Order(customer=customer.customer, shipping_address=address, total_amount=1)
            for _ in range(101)
        )

        assert len(ids(as_customer.get(url))) == 20
        assert len(ids(as_customer.get(url, {"page_size": 1000}))) == 100

    @pytest.mark.L2
    @pytest.mark.parametrize("ordering", ["-created_at", "created_at", "total_amount"])
    def test_a_walk_sees_every_tied_row_once(self, as_customer, customer, address, url, ordering):
        Order.objects.bulk_create(
            Order(
                customer=customer.customer,
                shipping_address=address,
                total_amount=number % 2,
                created_at=PLACED,
            )
            for number in range(9)
        )

        pages = walk(as_customer, url, {"ordering": ordering, "page_size": 2})

        assert [len(page) for page in pages] == [2, 2, 2, 2, 1]
        assert len({pk for page in pages for pk in page}) == 9

    @pytest.mark.L2
    def test_a_walk_loses_nothing_while_orders_come_and_go(self, as_customer, url, history):
        first = as_customer.get(url, {"page_size": 2})
        assert ids(first) == [history[3].pk, history[2].pk]
        OrderFactory.create(customer=history[0].customer, created_at=PLACED + timedelta(days=9))
        history[2].delete()

        second = as_customer.get(first.json()["next"])

        assert ids(second) == [history[1].pk, history[0].pk]
        assert second.json()["next"] is None

    @pytest.mark.L2
    def test_back_is_where_one_came_from(self, as_customer, url, history):
        first = as_customer.get(url, {"page_size": 2})
        second = as_customer.get(first.json()["next"])
        assert ids(as_customer.get(second.json()["previous"])) == ids(first)

    @pytest.mark.L2
    @pytest.mark.parametrize(
        ("path", "change"),
        [
            ("/api/v2/orders/", {}),
            ("/api/v1/addresses/", {}),
            ("/api/v1/orders/", {"ordering": "total_amount"}),
            ("/api/v1/orders/", {"status": "pending"}),
        ],
    )
    def test_a_cursor_holds_for_its_own_list_only(self, as_customer, history, path, change):
        link = as_customer.get("/api/v1/orders/", {"page_size": 1}).json()["next"]
        cursor = link.partition("cursor=")[2].partition("&")[0].replace("%3A", ":")

        response = as_customer.get(path, {"cursor": cursor, **change})

        assert_problem(response, 400, "validation_error", [("?cursor", "invalid")])

    @pytest.mark.L2
    @pytest.mark.P1
    def test_a_cursor_grants_nothing(self, as_customer, as_other_customer, url, history):
        link = as_customer.get(url, {"page_size": 1}).json()["next"]
        assert ids(as_other_customer.get(link)) == []


class TestReadOrder:
    @pytest.mark.V1
    def test_v1_shows_everything_that_belongs_to_it(self, as_customer, order, product, address):
        body = as_customer.get(f"/api/v1/orders/{order.pk}/").json()

        assert body.keys() == DETAIL
        assert (body["total_amount"], body["currency"], body["note"]) == ("25.00", "EUR", "")
        assert body["payments"] == []
        assert body["items"] == [
            {
                "id": order.items.get().pk,
                "quantity": 2,
                "unit_price": "12.50",
                "product": {"id": product.pk, "sku": "LAMP-1", "name": "Lamp", "price": "12.50"},
            }
        ]
        assert body["shipping_address"] == {
            "id": address.pk,
            "line1": "1 Bridge Street",
            "line2": "",
            "city": "Eastford",
            "postcode": "10000",
            "country": "AT",
        }

    @pytest.mark.V1
    def test_v2_differs_in_the_total_only(self, as_customer, make_order, customer):
        order = make_order(customer, "paid")
        old = as_customer.get(f"/api/v1/orders/{order.pk}/").json()
        new = as_customer.get(f"/api/v2/orders/{order.pk}/").json()

        del old["total_amount"], old["currency"]
        assert new == {**old, "total": {"amount": "25.00", "currency": "EUR"}}

    def test_a_payment_is_shown(self, as_customer, make_order, customer, api):
        order = make_order(customer, "paid")

        (payment,) = as_customer.get(f"{api}/orders/{order.pk}/").json()["payments"]

        assert payment.pop("paid_at").endswith("Z")
        assert payment == {
            "id": order.payments.get().pk,
            "amount": "25.00",
            "method": "card",
            "status": "succeeded",
        }

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 401), ("customer", 404), ("owner", 404), ("staff", 200)],
    )
    def test_a_foreign_order(self, client_of, foreign_order, api, actor, status):
        assert client_of(actor).get(f"{api}/orders/{foreign_order.pk}/").status_code == status

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("method", "path", "body"),
        [
            ("get", "", None),
            ("head", "", None),
            ("options", "", None),
            ("patch", "", {"note": "Mine."}),
            ("patch", "", {"status": "paid"}),
            ("delete", "", None),
            ("put", "", {}),
            ("post", "pay/", {"method": "card"}),
            ("post", "pay/", {}),
            ("post", "cancel/", None),
            ("post", "ship/", None),
            ("post", "refund/", None),
        ],
    )
    def test_foreign_is_exactly_like_missing(
        self, as_customer, foreign_order, api, method, path, body
    ):
        def answer():
            url = f"{api}/orders/{foreign_order.pk}/{path}"
            return getattr(as_customer, method)(url, body, HTTP_X_REQUEST_ID="same")

        foreign = answer()
        Order.objects.filter(pk=foreign_order.pk).delete()
        missing = answer()

        assert (foreign.status_code, foreign.content) == (missing.status_code, missing.content)
        assert steady_headers(foreign) == steady_headers(missing)


class TestPlaceOrder:
    @pytest.fixture
    def body(self, product, address):
        return {
            "items": [{"product": product.pk, "quantity": 2}],
            "shipping_address": address.pk,
        }

    @pytest.fixture
    def post(self, as_customer, api, body):
        def send(**changes):
            return as_customer.post(f"{api}/orders/", {**body, **changes})

        return send

    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api, body):
        assert_problem(anonymous.post(f"{api}/orders/", body), 401, "not_authenticated")

    @pytest.mark.O1
    def test_customer_orders_and_the_units_are_taken(self, post, product, customer):
        response = post(note="Ring twice.")

        assert response.status_code == 201
        order = Order.objects.get(pk=response.json()["id"])
        assert (order.customer, order.status, order.note) == (
            customer.customer,
            "pending",
            "Ring twice.",
        )
        product.refresh_from_db()
        assert product.stock == 48

    def test_the_location_shows_what_was_answered(self, post, as_customer, api):
        response = post()

        assert response["Location"] == f"{api}/orders/{response.json()['id']}/"
        assert as_customer.get(response["Location"]).json() == response.json()

    @pytest.mark.E3
    def test_the_price_is_the_catalogues(self, post, product):
        product.price = Decimal("99.99")
        product.save()

        order = Order.objects.get(pk=post().json()["id"])

        assert order.total_amount == Decimal("199.98")
        assert order.items.get().unit_price == Decimal("99.99")

    @pytest.mark.E3
    def test_a_later_price_does_not_change_the_order(self, post, as_customer, product):
        response = post()
        product.price = Decimal("99.99")
        product.save()

        body = as_customer.get(response["Location"]).json()

        assert body["items"] == [
            {
                **response.json()["items"][0],
                "product": {**response.json()["items"][0]["product"], "price": "99.99"},
            }
        ]
        assert body["items"][0]["unit_price"] == "12.50"

    @pytest.mark.E3
    @pytest.mark.P2
    @pytest.mark.parametrize(
        ("change", "pointer"),
        [
            ({"total_amount": "0.01"}, "/total_amount"),
            ({"total": {"amount": "0.01"}}, "/total"),
            ({"status": "paid"}, "/status"),
            ({"currency": "USD"}, "/currency"),
            ({"created_at": "2000-01-01T00:00:00Z"}, "/created_at"),
            ({"customer": 1}, "/customer"),
        ],
    )
    def test_a_customer_cannot_say_what_the_shop_says(self, post, change, pointer):
        assert_problem(post(**change), 400, "validation_error", [(pointer, "unknown_field")])
        assert not Order.objects.exists()

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("item", "errors"),
        [
            ({"quantity": 0}, [("/items/0/quantity", "min_value")]),
            ({"quantity": -1}, [("/items/0/quantity", "min_value")]),
            ({"quantity": 101}, [("/items/0/quantity", "max_value")]),
            ({"quantity": 10**30}, [("/items/0/quantity", "max_value")]),
            ({"quantity": "2"}, [("/items/0/quantity", "invalid_type")]),
            ({"quantity": "1e3"}, [("/items/0/quantity", "invalid_type")]),
            ({"quantity": 1.5}, [("/items/0/quantity", "invalid_type")]),
            ({"quantity": True}, [("/items/0/quantity", "invalid_type")]),
            ({"quantity": None}, [("/items/0/quantity", "null")]),
            ({"quantiy": 1}, [("/items/0/quantiy", "unknown_field")]),
            ({"unit_price": "0.01"}, [("/items/0/unit_price", "unknown_field")]),
            ({"product": 0}, [("/items/0/product", "min_value")]),
            ({"product": 1.5}, [("/items/0/product", "invalid_type")]),
            ({"product": None}, [("/items/0/product", "null")]),
            ({"product": {"id": 1}}, [("/items/0/product", "invalid_type")]),
            ({"product": 999_999}, [("/items/0/product", "does_not_exist")]),
            ({"product": 2**63 - 1}, [("/items/0/product", "does_not_exist")]),
            ({"product": 2**63}, [("/items/0/product", "max_value")]),
            ({"product": 10**40}, [("/items/0/product", "max_value")]),
        ],
    )
    def test_a_bad_line_is_400_and_nothing_is_taken(self, post, product, item, errors):
        line = {"product": product.pk, "quantity": 2, **item}

        assert_problem(post(items=[line]), 400, "validation_error", errors)

        product.refresh_from_db()
        assert product.stock == 50

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("items", "errors"),
        [
            ([], [("/items", "empty")]),
            (None, [("/items", "null")]),
            ({}, [("/items", "invalid_type")]),
            ([7], [("/items/0", "invalid")]),
            ([{}], [("/items/0/product", "required"), ("/items/0/quantity", "required")]),
            ([{"product": 1, "quantity": 1}] * 101, [("/items", "max_length")]),
        ],
    )
    def test_bad_items_are_400(self, post, items, errors):
        assert_problem(post(items=items), 400, "validation_error", errors)

    @pytest.mark.parametrize("quantity", [1, 100])
    def test_quantities_at_their_bounds_are_fine(self, post, product, quantity):
        product.stock = 100
        product.save()
        line = {"product": product.pk, "quantity": quantity}
        assert post(items=[line]).status_code == 201

    def test_a_product_twice_is_400(self, post, product):
        line = {"product": product.pk, "quantity": 1}
        assert_problem(
            post(items=[line, {**line, "quantity": 2}]),
            400,
            "validation_error",
            [("/items/1/product", "duplicate")],
        )

    @pytest.mark.P1
    def test_a_product_that_is_not_on_sale_is_like_none(self, post, product, hidden_product):
        def answer(pk):
            lines = [{"product": product.pk, "quantity": 1}, {"product": pk, "quantity": 1}]
            return assert_problem(
                post(items=lines), 400, "validation_error", [("/items/1/product", "does_not_exist")]
            )

        hidden, missing = answer(hidden_product.pk), answer(999_999)
        assert hidden["errors"] == missing["errors"]
        product.refresh_from_db()
        assert product.stock == 50

    def test_two_currencies_are_400(self, post, product, organization):
        dollars = ProductFactory.create(organization=organization, currency="USD")
        lines = [{"product": pk, "quantity": 1} for pk in (product.pk, dollars.pk)]

        assert_problem(post(items=lines), 400, "validation_error", [("/items", "mixed_currencies")])
        assert not Order.objects.exists()

    def test_a_blocked_customer_is_400(self, post, customer):
        customer.customer.is_blocked = True
        customer.customer.save()

        assert_problem(post(), 400, "customer_blocked", [])
        assert not Order.objects.exists()

    @pytest.mark.O1
    def test_too_little_stock_is_409_and_nothing_is_taken(self, post, product, organization):
        scarce = ProductFactory.create(organization=organization, stock=1)
        lines = [{"product": product.pk, "quantity": 2}, {"product": scarce.pk, "quantity": 2}]

        assert_problem(
            post(items=lines),
            409,
            "insufficient_inventory",
            [("/items/1/quantity", "insufficient_inventory")],
        )

        product.refresh_from_db()
        scarce.refresh_from_db()
        assert (product.stock, scarce.stock) == (50, 1)
        assert not Order.objects.exists()

    @pytest.mark.O1
    def test_the_last_unit_can_be_bought(self, post, product):
        product.stock = 2
        product.save()
        assert post().status_code == 201
        assert_problem(post(), 409, "insufficient_inventory")

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("value", "code"),
        [
            (None, "null"),
            ("1", "invalid_type"),
            (1.5, "invalid_type"),
            (True, "invalid_type"),
            ({}, "invalid_type"),
            (0, "does_not_exist"),
            (-1, "does_not_exist"),
            (2**63, "does_not_exist"),
            (10**40, "does_not_exist"),
        ],
    )
    def test_a_bad_address_is_400(self, post, value, code):
        errors = [("/shipping_address", code)]
        assert_problem(post(shipping_address=value), 400, "validation_error", errors)

    @pytest.mark.P1
    def test_a_foreign_address_is_exactly_like_a_missing_one(
        self, as_customer, api, body, foreign_address
    ):
        def answer():
            asked = {**body, "shipping_address": foreign_address.pk}
            return as_customer.post(f"{api}/orders/", asked, HTTP_X_REQUEST_ID="same")

        foreign = answer()
        Address.objects.filter(pk=foreign_address.pk).delete()
        missing = answer()

        assert_problem(missing, 400, "validation_error", [("/shipping_address", "does_not_exist")])
        assert foreign.content == missing.content
        assert steady_headers(foreign) == steady_headers(missing)

    def test_an_own_address_that_was_removed_is_400(self, post, as_customer, api, order, address):
        as_customer.delete(f"{api}/addresses/{address.pk}/")
        assert_problem(post(), 400, "validation_error", [("/shipping_address", "does_not_exist")])

    def test_a_note_is_bounded(self, post):
        assert post(note="x" * 1000).status_code == 201
        assert_problem(post(note="x" * 1001), 400, "validation_error", [("/note", "max_length")])

    @pytest.mark.E2
    def test_every_error_is_told_at_once(self, as_customer, api, address):
        response = as_customer.post(f"{api}/orders/", {"items": [{"quantity": 0}], "nte": ""})
        assert_problem(
            response,
            400,
            "validation_error",
            [
                ("/items/0/product", "required"),
                ("/items/0/quantity", "min_value"),
                ("/shipping_address", "required"),
                ("/nte", "unknown_field"),
            ],
        )

    def test_an_id_is_never_used_again(self, post, as_customer):
        first = post()
        assert as_customer.delete(first["Location"]).status_code == 204
        assert post().json()["id"] > first.json()["id"]

    def test_staff_order_for_a_customer(self, as_staff, api, body, customer):
        response = as_staff.post(f"{api}/orders/", {**body, "customer": customer.customer.pk})

        assert response.status_code == 201
        assert response.json()["customer"]["email"] == "customer@shop.example"
        assert Order.objects.get().customer == customer.customer

    def test_staff_order_for_themselves(self, as_staff, staff, api, body):
        own = AddressFactory.create(user=staff)
        response = as_staff.post(f"{api}/orders/", {**body, "shipping_address": own.pk})
        assert response.status_code == 201
        assert Order.objects.get().customer == staff.customer

    def test_staff_cannot_ship_to_anothers_address(
        self, as_staff, api, body, customer, foreign_address
    ):
        asked = {
            **body,
            "customer": customer.customer.pk,
            "shipping_address": foreign_address.pk,
        }
        body = assert_problem(as_staff.post(f"{api}/orders/", asked), 400, "validation_error")
        assert [error["pointer"] for error in body["errors"]] == ["/shipping_address"]

    @pytest.mark.parametrize("value", [999_999, 2**63, 0])
    def test_staff_cannot_order_for_nobody(self, as_staff, api, body, value):
        response = as_staff.post(f"{api}/orders/", {**body, "customer": value})
        assert_problem(response, 400, "validation_error", [("/customer", "does_not_exist")])


class TestChangeOrder:
    @pytest.fixture
    def url(self, api, order):
        return f"{api}/orders/{order.pk}/"

    @pytest.mark.E3
    def test_the_note_changes_alone(self, as_customer, url):
        before = as_customer.get(url).json()
        response = as_customer.patch(url, {"note": "Ring twice."})
        assert (response.status_code, response.json()) == (200, {**before, "note": "Ring twice."})

    @pytest.mark.E3
    def test_the_address_changes_alone(self, as_customer, url, customer):
        before = as_customer.get(url).json()
        new = AddressFactory.create(user=customer, line1="2 Bridge Street")

        after = as_customer.patch(url, {"shipping_address": new.pk}).json()

        assert after["shipping_address"]["line1"] == "2 Bridge Street"
        assert {**after, "shipping_address": before["shipping_address"]} == before

    def test_staff_change_it_too(self, as_staff, url):
        assert as_staff.patch(url, {"note": "Called."}).json()["note"] == "Called."

    @pytest.mark.P1
    def test_a_foreign_address_is_exactly_like_a_missing_one(
        self, as_customer, url, foreign_address
    ):
        def answer():
            body = {"shipping_address": foreign_address.pk}
            return as_customer.patch(url, body, HTTP_X_REQUEST_ID="same")

        foreign = answer()
        Address.objects.filter(pk=foreign_address.pk).delete()
        missing = answer()

        assert_problem(missing, 400, "validation_error", [("/shipping_address", "does_not_exist")])
        assert foreign.content == missing.content
        assert steady_headers(foreign) == steady_headers(missing)

    def test_staff_cannot_set_anothers_address(self, as_staff, url, foreign_address):
        response = as_staff.patch(url, {"shipping_address": foreign_address.pk})
        body = assert_problem(response, 400, "validation_error")
        assert [error["pointer"] for error in body["errors"]] == ["/shipping_address"]

    @pytest.mark.P2
    @pytest.mark.parametrize(
        "name", ["status", "total_amount", "total", "items", "customer", "created_at", "payments"]
    )
    def test_nothing_else_can_be_changed(self, as_customer, url, name):
        before = as_customer.get(url).json()
        response = as_customer.patch(url, {"note": "x", name: 1})

        assert_problem(response, 400, "validation_error", [(f"/{name}", "unknown_field")])
        assert as_customer.get(url).json() == before

    @pytest.mark.parametrize("status", ["paid", "shipped", "cancelled", "refunded"])
    @pytest.mark.parametrize("body", [{"note": "Late."}, {}])
    def test_once_it_left_pending_is_409(
        self, as_customer, make_order, customer, api, status, body
    ):
        order = make_order(customer, status)

        response = as_customer.patch(f"{api}/orders/{order.pk}/", body)

        problem = assert_problem(response, 409, "conflict")
        assert status in problem["detail"]
        order.refresh_from_db()
        assert order.note == ""


class TestDeleteOrder:
    """The owner may, within 24 hours, while nothing was paid."""

    @pytest.mark.P3
    @pytest.mark.parametrize(
        ("actor", "status"),
        [("anonymous", 401), ("other_customer", 404), ("staff", 403), ("customer", 204)],
    )
    def test_only_its_customer_may(self, client_of, api, order, actor, status):
        assert client_of(actor).delete(f"{api}/orders/{order.pk}/").status_code == status
        assert Order.objects.filter(pk=order.pk).exists() == (status != 204)

    @pytest.mark.P3
    @pytest.mark.parametrize(
        "placed",
        [
            PLACED,
            # The nights that lose and gain an hour in much of Europe and America.
            datetime(2026, 3, 28, 20, tzinfo=UTC),
            datetime(2026, 10, 24, 20, tzinfo=UTC),
            datetime(2026, 11, 1, 1, tzinfo=UTC),
        ],
    )
    @pytest.mark.parametrize(("seconds", "status"), [(-1, 204), (0, 204), (1, 403)])
    def test_the_window_is_24_hours_to_the_second(
        self, signed_in, customer, make_order, api, placed, seconds, status
    ):
        with time_machine.travel(placed, tick=False):
            order = make_order(customer)
        with time_machine.travel(placed + timedelta(hours=24, seconds=seconds), tick=False):
            response = signed_in(customer).delete(f"{api}/orders/{order.pk}/")

        assert response.status_code == status
        if status == 403:
            assert_problem(response, 403, "delete_window_closed")
        assert Order.objects.exists() == (status == 403)

    @pytest.mark.O1
    @pytest.mark.parametrize("status", ["pending", "cancelled"])
    def test_its_units_are_on_sale_again_once(
        self, as_customer, api, make_order, customer, product, status
    ):
        order = make_order(customer, status)

        assert as_customer.delete(f"{api}/orders/{order.pk}/").status_code == 204

        product.refresh_from_db()
        assert product.stock == 50

    @pytest.mark.O1
    @pytest.mark.parametrize("status", ["paid", "shipped", "refunded"])
    def test_one_that_was_paid_is_409(
        self, as_customer, api, make_order, customer, product, status
    ):
        order = make_order(customer, status)
        product.refresh_from_db()
        before = product.stock

        response = as_customer.delete(f"{api}/orders/{order.pk}/")

        assert_problem(response, 409, "conflict")
        product.refresh_from_db()
        assert product.stock == before

    def test_again_is_404(self, as_customer, api, order):
        url = f"{api}/orders/{order.pk}/"
        as_customer.delete(url)
        assert_problem(as_customer.delete(url), 404, "not_found")


class TestMoveOrder:
    """Pay and cancel by its customer, ship and refund by staff."""

    ACTORS = {"pay": "customer", "cancel": "customer", "ship": "staff", "refund": "staff"}

    def post(self, client, api, order, action):
        body = {"method": "card"} if action == "pay" else None
        return client.post(f"{api}/orders/{order.pk}/{action}/", body)

    @pytest.mark.O1
    @pytest.mark.parametrize(
        ("action", "before", "after"),
        [
            ("pay", "pending", "paid"),
            ("cancel", "pending", "cancelled"),
            ("ship", "paid", "shipped"),
            ("refund", "paid", "refunded"),
            ("refund", "shipped", "refunded"),
        ],
    )
    def test_the_ways_an_order_goes(
        self, client_of, api, make_order, customer, product, action, before, after
    ):
        order = make_order(customer, before)

        response = self.post(client_of(self.ACTORS[action]), api, order, action)

        assert response.status_code == 200
        assert response.json()["status"] == after
        shown = client_of("customer").get(f"{api}/orders/{order.pk}/").json()
        assert response.json() == shown
        product.refresh_from_db()
        assert product.stock == (50 if after in {"cancelled", "refunded"} else 48)

    @pytest.mark.O1
    @pytest.mark.parametrize(
        ("action", "status"),
        [
            *(("pay", status) for status in ("paid", "shipped", "cancelled", "refunded")),
            *(("cancel", status) for status in ("paid", "shipped", "cancelled", "refunded")),
            *(("ship", status) for status in ("pending", "shipped", "cancelled", "refunded")),
            *(("refund", status) for status in ("pending", "cancelled", "refunded")),
        ],
    )
    def test_every_other_way_is_409_and_changes_nothing(
        self, client_of, api, make_order, customer, product, action, status
    ):
        order = make_order(customer, status)
        url = f"{api}/orders/{order.pk}/"
        before = client_of("customer").get(url).json()
        product.refresh_from_db()
        stock = product.stock

        response = self.post(client_of(self.ACTORS[action]), api, order, action)

        problem = assert_problem(response, 409, "conflict")
        assert status in problem["detail"]
        assert client_of("customer").get(url).json() == before
        product.refresh_from_db()
        assert product.stock == stock

    @pytest.mark.P3
    @pytest.mark.parametrize(
        ("action", "actor", "status"),
        [
            ("pay", "anonymous", 401),
            ("pay", "other_customer", 404),
            ("pay", "staff", 403),
            ("cancel", "anonymous", 401),
            ("cancel", "other_customer", 404),
            ("cancel", "staff", 403),
            ("ship", "anonymous", 401),
            ("ship", "customer", 403),
            ("ship", "owner", 403),
            ("refund", "anonymous", 401),
            ("refund", "customer", 403),
            ("refund", "owner", 403),
        ],
    )
    @pytest.mark.parametrize("state", ["pending", "paid"])
    def test_nobody_else_may(
        self, client_of, api, make_order, customer, action, actor, status, state
    ):
        order = make_order(customer, state)

        assert self.post(client_of(actor), api, order, action).status_code == status

        order.refresh_from_db()
        assert order.status == state

    def test_the_refund_shows_in_the_payment(self, as_staff, api, make_order, customer):
        response = self.post(as_staff, api, make_order(customer, "paid"), "refund")
        assert [payment["status"] for payment in response.json()["payments"]] == ["refunded"]

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({}, [("/method", "required")]),
            ({"method": "cash"}, [("/method", "invalid_choice")]),
            ({"method": None}, [("/method", "null")]),
            ({"method": ["card"]}, [("/method", "invalid_choice")]),
            ({"method": "card", "amount": "0.01"}, [("/amount", "unknown_field")]),
        ],
    )
    def test_a_bad_payment_is_400(self, as_customer, api, order, body, errors):
        response = as_customer.post(f"{api}/orders/{order.pk}/pay/", body)
        assert_problem(response, 400, "validation_error", errors)
        order.refresh_from_db()
        assert order.status == "pending"

    @pytest.mark.parametrize("action", ["pay", "cancel", "ship", "refund"])
    def test_get_is_405(self, as_staff, api, order, action):
        response = as_staff.get(f"{api}/orders/{order.pk}/{action}/")
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "POST, OPTIONS"

    @pytest.mark.E3
    def test_the_total_that_is_paid_is_the_orders(self, as_customer, api, make_order, customer):
        lines = [Line(ProductFactory.create(price=Decimal("0.10")).pk, 3)]
        order = make_order(customer, lines=lines)

        (payment,) = self.post(as_customer, api, order, "pay").json()["payments"]

        assert payment["amount"] == "0.30"
