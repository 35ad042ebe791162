"""Products: who reads and writes them, and how they look in each version."""

from decimal import Decimal

import pytest
from django.db import transaction

from shop.catalog.models import Product
from tests.shop.factories import OrderItemFactory, OrganizationFactory, ProductFactory
from tests.shop.problems import assert_problem, steady_headers

FIELDS = {
    "id",
    "sku",
    "name",
    "description",
    "price",
    "currency",
    "stock",
    "is_active",
    "organization",
    "created_at",
}


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


class TestListProducts:
    @pytest.fixture
    def url(self, api):
        return f"{api}/products/"

    @pytest.fixture
    def three(self, organization):
        """Cheap and old, middle, dear and new; the middle one is sold out."""
        return [
            ProductFactory.create(
                organization=organization, name=name, price=price, stock=stock, sku=f"K-{price}"
            )
            for name, price, stock in [
                ("Red lamp", Decimal(5), 9),
                ("Blue lamp", Decimal(10), 0),
                ("Red chair", Decimal(20), 9),
            ]
        ]

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "sees_hidden"),
        [
            ("anonymous", False),
            ("customer", False),
            ("other_owner", False),
            ("member", True),
            ("manager", True),
            ("owner", True),
            ("staff", True),
        ],
    )
    def test_what_is_not_on_sale_is_for_staff_and_its_sellers(
        self, client_of, url, product, hidden_product, actor, sees_hidden
    ):
        expected = [hidden_product.pk] * sees_hidden + [product.pk]
        assert ids(client_of(actor).get(url)) == expected

    def test_a_page_counts_and_links(self, anonymous, url, three):
        body = anonymous.get(url, {"page_size": 2, "page": 1}).json()

        assert body.keys() == {"count", "next", "previous", "results"}
        assert (body["count"], len(body["results"]), body["previous"]) == (3, 2, None)
        assert len(anonymous.get(body["next"]).json()["results"]) == 1

    def test_a_row_is_what_the_detail_shows(self, anonymous, url, product):
        row = anonymous.get(url).json()["results"][0]
        assert row == anonymous.get(f"{url}{product.pk}/").json()

    def test_newest_come_first(self, anonymous, url, three):
        assert ids(anonymous.get(url)) == [product.pk for product in reversed(three)]

    @pytest.mark.parametrize(
        ("ordering", "order"),
        [
            ("price", [0, 1, 2]),
            ("-price", [2, 1, 0]),
            ("created_at", [0, 1, 2]),
            ("-created_at", [2, 1, 0]),
            ("price,-created_at", [0, 1, 2]),
        ],
    )
    def test_ordering(self, anonymous, url, three, ordering, order):
        expected = [three[index].pk for index in order]
        assert ids(anonymous.get(url, {"ordering": ordering})) == expected

    @pytest.mark.parametrize(
        ("query", "found"),
        [
            ({"price_min": "10"}, {1, 2}),
            ({"price_max": "10.00"}, {0, 1}),
            ({"price_min": "6", "price_max": "19.99"}, {1}),
            ({"price_min": "-5"}, {0, 1, 2}),
            ({"in_stock": "true"}, {0, 2}),
            ({"in_stock": "false"}, {1}),
            ({"search": "lamp"}, {0, 1}),
            ({"search": "RED lamp"}, {0}),
            ({"search": "k-20"}, {2}),
            ({"search": "%"}, set()),
            ({"search": "red", "in_stock": "true", "price_max": "5"}, {0}),
        ],
    )
    def test_filters(self, anonymous, url, three, query, found):
        assert set(ids(anonymous.get(url, query))) == {three[index].pk for index in found}

    @pytest.mark.L3
    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("page", "0"),
            ("page", "-1"),
            ("page", "abc"),
            ("page", "1.0"),
            ("page", "9" * 30),
            ("page_size", "0"),
            ("page_size", "-1"),
            ("page_size", "abc"),
            ("page_size", ""),
            ("page_size", "1e2"),
            ("price_min", "abc"),
            ("price_min", "NaN"),
            ("price_max", "Infinity"),
            ("price_max", "1e999999"),
            ("in_stock", "yes"),
            ("search", "a\x00b"),
            ("search", "x" * 201),
            ("search", "x " * 11),
            ("ordering", "stock"),
            ("ordering", "organization__plan"),
            ("ordering", "-"),
        ],
    )
    def test_a_bad_value_is_400_and_named(self, anonymous, url, product, name, value):
        body = assert_problem(anonymous.get(url, {name: value}), 400, "validation_error")
        assert [error["pointer"] for error in body["errors"]] == [f"?{name}"]

    @pytest.mark.L3
    @pytest.mark.parametrize("query", [{"search": "x" * 200}, {"search": "x " * 10}])
    def test_a_search_at_its_bounds_is_fine(self, anonymous, url, query):
        assert anonymous.get(url, query).status_code == 200

    @pytest.mark.L3
    @pytest.mark.parametrize(
        ("name", "nearest"),
        [("price_mn", "price_min"), ("orderin", "ordering"), ("pagesize", "page_size")],
    )
    def test_an_unknown_parameter_is_400_and_the_nearest_is_named(
        self, anonymous, url, name, nearest
    ):
        body = assert_problem(
            anonymous.get(url, {name: "1"}),
            400,
            "validation_error",
            [(f"?{name}", "unknown_parameter")],
        )
        assert nearest in body["errors"][0]["detail"]

    @pytest.mark.L3
    @pytest.mark.parametrize("name", ["organization__plan", "sku__startswith", "id", "cursor"])
    def test_nothing_else_can_be_asked_about(self, anonymous, url, name):
        assert_problem(
            anonymous.get(url, {name: "1"}),
            400,
            "validation_error",
            [(f"?{name}", "unknown_parameter")],
        )

    @pytest.mark.L3
    def test_a_page_is_20_rows_and_at_most_100(self, anonymous, url, organization):
        Product.objects.bulk_create(
            Product(organization=organization, sku=f"B-{number}", name="Bulk", price=1)
            for number in range(101)
        )

        assert len(ids(anonymous.get(url))) == 20
        assert len(ids(anonymous.get(url, {"page_size": 100}))) == 100
        assert len(ids(anonymous.get(url, {"page_size": 1000}))) == 100

    def test_a_page_beyond_the_last_is_404(self, anonymous, url, product):
        assert_problem(anonymous.get(url, {"page": 2}), 404, "not_found")

    def test_ties_are_never_seen_twice(self, anonymous, url, organization):
        for _ in range(7):
            ProductFactory.create(organization=organization, price=1)

        seen = []
        for page in (1, 2, 3):
            query = {"ordering": "price", "page_size": 3, "page": page}
            seen += ids(anonymous.get(url, query))

        assert len(set(seen)) == len(seen) == 7


class TestReadProduct:
    @pytest.mark.V1
    def test_v1_is_flat(self, anonymous, product, organization):
        body = anonymous.get(f"/api/v1/products/{product.pk}/").json()

        assert body.keys() == FIELDS
        assert body.pop("created_at").endswith("Z")
        assert body == {
            "id": product.pk,
            "sku": "LAMP-1",
            "name": "Lamp",
            "description": "",
            "price": "12.50",
            "currency": "EUR",
            "stock": 50,
            "is_active": True,
            "organization": organization.pk,
        }

    @pytest.mark.V1
    def test_v2_differs_in_price_and_organization_only(self, anonymous, product, organization):
        old = anonymous.get(f"/api/v1/products/{product.pk}/").json()
        new = anonymous.get(f"/api/v2/products/{product.pk}/").json()

        assert new == {
            **old,
            "price": {"amount": "12.50", "currency": "EUR"},
            "organization": {"id": organization.pk, "name": "Seller"},
        }

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [
            ("anonymous", 404),
            ("customer", 404),
            ("other_owner", 404),
            ("member", 200),
            ("staff", 200),
        ],
    )
    def test_what_is_not_on_sale(self, client_of, api, hidden_product, actor, status):
        response = client_of(actor).get(f"{api}/products/{hidden_product.pk}/")
        assert response.status_code == status

    @pytest.mark.P1
    def test_hidden_is_exactly_like_missing(self, anonymous, api, hidden_product):
        url, same = f"{api}/products/{hidden_product.pk}/", {"HTTP_X_REQUEST_ID": "same"}
        hidden = anonymous.get(url, **same)
        hidden_product.delete()
        missing = anonymous.get(url, **same)

        assert_problem(missing, 404, "not_found")
        assert hidden.content == missing.content
        assert steady_headers(hidden) == steady_headers(missing)

    @pytest.mark.L3
    def test_a_parameter_is_400(self, anonymous, api, product):
        response = anonymous.get(f"{api}/products/{product.pk}/", {"in_stock": "true"})
        assert_problem(response, 400, "validation_error", [("?in_stock", "unknown_parameter")])


class TestCreateProduct:
    V1 = {"sku": "NEW-1", "name": "New", "price": "3.10", "stock": 7}
    V2 = {**V1, "price": {"amount": "3.10", "currency": "USD"}}

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status", "code"),
        [
            ("anonymous", 401, "not_authenticated"),
            ("customer", 403, "permission_denied"),
            ("member", 403, "permission_denied"),
            ("staff", 403, "permission_denied"),
        ],
    )
    def test_others_may_not(self, client_of, actor, status, code):
        assert_problem(client_of(actor).post("/api/v1/products/", self.V1), status, code)
        assert not Product.objects.exists()

    @pytest.mark.parametrize("actor", ["owner", "manager"])
    def test_sellers_may_and_sell_it_themselves(self, client_of, organization, actor):
        response = client_of(actor).post("/api/v1/products/", self.V1)

        assert response.status_code == 201
        assert Product.objects.get().organization == organization

    @pytest.mark.V1
    @pytest.mark.parametrize(
        ("version", "body", "currency"),
        [
            ("v1", V1, "EUR"),
            ("v1", {**V1, "currency": "USD"}, "USD"),
            ("v1", {**V1, "price": 3.1}, "EUR"),
            ("v2", V2, "USD"),
            ("v2", {**V1, "price": {"amount": "3.10"}}, "EUR"),
            ("v2", {**V1, "price": {"amount": 3.1}}, "EUR"),
        ],
    )
    def test_each_version_takes_its_own_body(self, as_owner, version, body, currency):
        assert as_owner.post(f"/api/{version}/products/", body).status_code == 201

        product = Product.objects.get()
        assert (product.price, product.currency) == (Decimal("3.10"), currency)
        assert (product.stock, product.is_active) == (7, True)

    @pytest.mark.parametrize(("version", "body"), [("v1", V1), ("v2", V2)])
    def test_the_location_shows_what_was_answered(self, as_owner, version, body):
        response = as_owner.post(f"/api/{version}/products/", body)

        url = response["Location"]
        assert url == f"/api/{version}/products/{Product.objects.get().pk}/"
        assert as_owner.get(url).json() == response.json()

    @pytest.mark.P2
    def test_read_only_fields_are_ignored(self, as_owner, api, organization):
        rival = OrganizationFactory.create()
        body = {**(self.V1 if api.endswith("v1") else self.V2), "organization": rival.pk}
        response = as_owner.post(
            f"{api}/products/", {**body, "id": 999, "created_at": "2000-01-01T00:00:00Z"}
        )

        assert response.status_code == 201
        product = Product.objects.get()
        assert product.organization == organization
        assert product.pk != 999
        assert product.created_at.year > 2000

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("change", "errors"),
        [
            ({"price": "-0.01"}, [("/price", "min_value")]),
            ({"price": "1.234"}, [("/price", "max_decimal_places")]),
            ({"price": "1234567.00"}, [("/price", "max_digits")]),
            ({"price": "NaN"}, [("/price", "invalid")]),
            ({"price": None}, [("/price", "null")]),
            ({"price": True}, [("/price", "invalid_type")]),
            ({"price": {"amount": "1"}}, [("/price", "invalid_type")]),
            ({"currency": "eur"}, [("/currency", "invalid")]),
            ({"currency": "EURO"}, [("/currency", "invalid"), ("/currency", "max_length")]),
            ({"currency": None}, [("/currency", "null")]),
            ({"stock": -1}, [("/stock", "min_value")]),
            ({"stock": 1_000_001}, [("/stock", "max_value")]),
            ({"stock": "7"}, [("/stock", "invalid_type")]),
            ({"is_active": 1}, [("/is_active", "invalid_type")]),
            ({"sku": ""}, [("/sku", "blank")]),
            ({"sku": "x" * 41}, [("/sku", "max_length")]),
            ({"name": 7}, [("/name", "invalid_type")]),
            ({"colour": "red"}, [("/colour", "unknown_field")]),
            ({"amount": "1"}, [("/amount", "unknown_field")]),
        ],
    )
    def test_errors_of_v1_point_at_its_own_names(self, as_owner, change, errors):
        response = as_owner.post("/api/v1/products/", {**self.V1, **change})
        assert_problem(response, 400, "validation_error", errors)
        assert not Product.objects.exists()

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("price", "errors"),
        [
            ({"amount": "-0.01"}, [("/price/amount", "min_value")]),
            ({"currency": "EUR"}, [("/price/amount", "required")]),
            (
                {"amount": "x", "currency": "eur"},
                [("/price/amount", "invalid"), ("/price/currency", "invalid")],
            ),
            ({"amount": "1", "value": 1}, [("/price/value", "unknown_field")]),
            ("3.10", [("/price", "invalid")]),
            ([], [("/price", "invalid")]),
            (None, [("/price", "null")]),
        ],
    )
    def test_errors_of_v2_point_into_the_price(self, as_owner, price, errors):
        response = as_owner.post("/api/v2/products/", {**self.V1, "price": price})
        assert_problem(response, 400, "validation_error", errors)

    @pytest.mark.E2
    def test_an_empty_body_names_every_required_field(self, as_owner, api):
        assert_problem(
            as_owner.post(f"{api}/products/", {}),
            400,
            "validation_error",
            [("/sku", "required"), ("/name", "required"), ("/price", "required")],
        )

    @pytest.mark.E2
    def test_a_taken_sku_is_409_and_named(self, as_owner, product, version):
        body = {**(self.V1 if version == "v1" else self.V2), "sku": product.sku}

        with transaction.atomic():
            response = as_owner.post(f"/api/{version}/products/", body)

        assert_problem(response, 409, "conflict", [("/sku", "unique")])
        assert Product.objects.get() == product

    def test_another_seller_may_use_the_same_sku(self, as_other_owner, product):
        response = as_other_owner.post("/api/v1/products/", {**self.V1, "sku": product.sku})
        assert response.status_code == 201

    def test_an_id_is_never_used_again(self, as_owner):
        first = as_owner.post("/api/v1/products/", self.V1).json()["id"]
        as_owner.delete(f"/api/v1/products/{first}/")
        assert as_owner.post("/api/v1/products/", self.V1).json()["id"] > first


class TestChangeProduct:
    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [
            ("anonymous", 401),
            ("customer", 403),
            ("member", 403),
            ("staff", 403),
            ("other_owner", 403),
            ("manager", 200),
            ("owner", 200),
        ],
    )
    def test_only_its_sellers_may(self, client_of, api, product, actor, status):
        response = client_of(actor).patch(f"{api}/products/{product.pk}/", {"name": "Changed"})

        assert response.status_code == status
        product.refresh_from_db()
        assert (product.name == "Changed") == (status == 200)

    @pytest.mark.P1
    def test_a_rival_does_not_learn_of_what_is_hidden(self, as_other_owner, api, hidden_product):
        response = as_other_owner.patch(f"{api}/products/{hidden_product.pk}/", {"name": "x"})
        assert_problem(response, 404, "not_found")

    @pytest.mark.E3
    @pytest.mark.parametrize(
        ("version", "body", "price", "currency"),
        [
            ("v1", {"price": "1.00"}, "1.00", "USD"),
            ("v1", {"currency": "GBP"}, "12.50", "GBP"),
            ("v1", {"price": "1.00", "currency": "GBP"}, "1.00", "GBP"),
            ("v1", {"name": "Lamp"}, "12.50", "USD"),
            ("v2", {"price": {"amount": "1.00"}}, "1.00", "USD"),
            ("v2", {"price": {"currency": "GBP"}}, "12.50", "GBP"),
            ("v2", {"price": {}}, "12.50", "USD"),
            ("v2", {"name": "Lamp"}, "12.50", "USD"),
        ],
    )
    def test_price_and_currency_change_alone(
        self, as_owner, product, version, body, price, currency
    ):
        product.currency = "USD"
        product.save()

        response = as_owner.patch(f"/api/{version}/products/{product.pk}/", body)

        assert response.status_code == 200
        shown = response.json()["price"]
        assert (shown if version == "v1" else shown["amount"]) == price
        product.refresh_from_db()
        assert (product.price, product.currency) == (Decimal(price), currency)

    @pytest.mark.E3
    def test_nothing_else_changes(self, as_owner, api, product):
        before = as_owner.get(f"{api}/products/{product.pk}/").json()

        after = as_owner.patch(f"{api}/products/{product.pk}/", {"stock": 3}).json()

        assert after == {**before, "stock": 3}

    @pytest.mark.P2
    def test_what_was_read_can_be_sent_back(self, as_owner, api, product):
        url = f"{api}/products/{product.pk}/"
        before = as_owner.get(url).json()
        response = as_owner.patch(url, before)
        assert (response.status_code, response.json()) == (200, before)

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("version", "body", "pointer"),
        [
            ("v1", {"price": "-1"}, "/price"),
            ("v1", {"currency": ""}, "/currency"),
            ("v2", {"price": {"amount": "-1"}}, "/price/amount"),
        ],
    )
    def test_errors_point_at_the_names_of_the_version(
        self, as_owner, product, version, body, pointer
    ):
        response = as_owner.patch(f"/api/{version}/products/{product.pk}/", body)
        problem = assert_problem(response, 400, "validation_error")
        assert [error["pointer"] for error in problem["errors"]] == [pointer]

    @pytest.mark.E2
    def test_a_taken_sku_is_409_and_named(self, as_owner, product, hidden_product, api):
        with transaction.atomic():
            response = as_owner.patch(f"{api}/products/{product.pk}/", {"sku": hidden_product.sku})
        assert_problem(response, 409, "conflict", [("/sku", "unique")])

    def test_put_is_405(self, as_owner, api, product):
        response = as_owner.put(f"{api}/products/{product.pk}/", {})
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"


class TestDeleteProduct:
    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "status"),
        [
            ("anonymous", 401),
            ("customer", 403),
            ("member", 403),
            ("staff", 403),
            ("other_owner", 403),
            ("manager", 204),
            ("owner", 204),
        ],
    )
    def test_only_its_sellers_may(self, client_of, api, product, actor, status):
        assert client_of(actor).delete(f"{api}/products/{product.pk}/").status_code == status
        assert Product.objects.exists() == (status != 204)

    @pytest.mark.E2
    def test_one_that_was_ordered_is_409_and_stays(self, as_owner, api, product):
        OrderItemFactory.create(product=product)

        assert_problem(as_owner.delete(f"{api}/products/{product.pk}/"), 409, "conflict")

        assert as_owner.get(f"{api}/products/{product.pk}/").status_code == 200

    def test_again_is_404(self, as_owner, api, product):
        url = f"{api}/products/{product.pk}/"
        as_owner.delete(url)
        assert_problem(as_owner.delete(url), 404, "not_found")
