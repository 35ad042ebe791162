"""Addresses: everyone's own, and part of an order's record once it is paid."""

import pytest

from shop.orders.models import Address
from tests.shop.problems import assert_problem, steady_headers

BODY = {"line1": "1 Bridge Street", "city": "Eastford", "postcode": "10000", "country": "AT"}


def ids(response):
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


class TestListAddresses:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(anonymous.get(f"{api}/addresses/"), 401, "not_authenticated")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "other_customer", "staff", "owner"])
    def test_everyone_sees_only_own(self, client_of, api, address, foreign_address, actor):
        own = {"customer": [address.pk], "other_customer": [foreign_address.pk]}
        assert ids(client_of(actor).get(f"{api}/addresses/")) == own.get(actor, [])

    @pytest.mark.L3
    def test_an_unknown_parameter_is_400(self, as_customer, api):
        assert_problem(
            as_customer.get(f"{api}/addresses/", {"user": "1"}),
            400,
            "validation_error",
            [("?user", "unknown_parameter")],
        )

    @pytest.mark.L3
    def test_a_page_is_20_rows_and_at_most_100(self, as_customer, customer, api):
        Address.objects.bulk_create(Address(user=customer, **BODY) for _ in range(101))

        assert len(ids(as_customer.get(f"{api}/addresses/"))) == 20
        assert len(ids(as_customer.get(f"{api}/addresses/", {"page_size": 1000}))) == 100


class TestCreateAddress:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(anonymous.post(f"{api}/addresses/", BODY), 401, "not_authenticated")

    def test_customer_gets_it_as_their_own(self, as_customer, customer, api):
        response = as_customer.post(f"{api}/addresses/", BODY)

        assert response.status_code == 201
        address = Address.objects.get()
        assert address.user == customer
        assert response.json() == {"id": address.pk, "line2": "", **BODY}
        assert response["Location"] == f"{api}/addresses/{address.pk}/"
        assert as_customer.get(response["Location"]).json() == response.json()

    @pytest.mark.P2
    @pytest.mark.parametrize("name", ["user", "archived_at", "created_at", "street"])
    def test_an_unknown_field_is_400(self, as_customer, api, name):
        assert_problem(
            as_customer.post(f"{api}/addresses/", {**BODY, name: 1}),
            400,
            "validation_error",
            [(f"/{name}", "unknown_field")],
        )
        assert not Address.objects.exists()

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("change", "errors"),
        [
            ({"line1": ""}, [("/line1", "blank")]),
            ({"line1": "x" * 201}, [("/line1", "max_length")]),
            ({"line1": 7}, [("/line1", "invalid_type")]),
            ({"line2": None}, [("/line2", "null")]),
            ({"city": "x" * 101}, [("/city", "max_length")]),
            ({"postcode": 10000}, [("/postcode", "invalid_type")]),
            ({"postcode": "x" * 21}, [("/postcode", "max_length")]),
            ({"country": "at"}, [("/country", "invalid")]),
            ({"country": "A"}, [("/country", "invalid")]),
            ({"country": "\xc4T"}, [("/country", "invalid")]),
        ],
    )
    def test_a_bad_value_is_400(self, as_customer, api, change, errors):
        response = as_customer.post(f"{api}/addresses/", {**BODY, **change})
        assert_problem(response, 400, "validation_error", errors)

    @pytest.mark.E2
    def test_an_empty_body_names_every_required_field(self, as_customer, api):
        assert_problem(
            as_customer.post(f"{api}/addresses/", {}),
            400,
            "validation_error",
            [(f"/{name}", "required") for name in BODY],
        )


class TestOneAddress:
    @pytest.mark.P1
    @pytest.mark.parametrize("method", ["get", "head", "patch", "delete"])
    @pytest.mark.parametrize("actor", ["other_customer", "staff"])
    def test_foreign_is_exactly_like_missing(self, client_of, address, api, actor, method):
        url = f"{api}/addresses/{address.pk}/"

        def answer():
            return getattr(client_of(actor), method)(url, HTTP_X_REQUEST_ID="same")

        foreign = answer()
        address.delete()
        missing = answer()

        assert foreign.status_code == 404
        assert foreign.content == missing.content
        assert steady_headers(foreign) == steady_headers(missing)

    @pytest.mark.E3
    def test_a_change_changes_what_it_names(self, as_customer, address, api):
        url = f"{api}/addresses/{address.pk}/"
        before = as_customer.get(url).json()

        response = as_customer.patch(url, {"line2": "Back door"})

        assert (response.status_code, response.json()) == (200, {**before, "line2": "Back door"})

    @pytest.mark.parametrize("status", ["paid", "shipped", "cancelled", "refunded"])
    def test_one_that_a_settled_order_names_cannot_change(
        self, as_customer, customer, address, make_order, api, status
    ):
        make_order(customer, status, ship_to=address)

        response = as_customer.patch(f"{api}/addresses/{address.pk}/", {"city": "Westford"})

        assert_problem(response, 409, "conflict")
        address.refresh_from_db()
        assert address.city == "Eastford"

    def test_one_that_a_pending_order_names_can(self, as_customer, address, order, api):
        response = as_customer.patch(f"{api}/addresses/{address.pk}/", {"city": "Westford"})
        assert response.status_code == 200

    def test_a_deleted_one_is_gone(self, as_customer, address, api):
        assert as_customer.delete(f"{api}/addresses/{address.pk}/").status_code == 204
        assert not Address.objects.exists()

    def test_one_that_an_order_names_is_gone_for_its_owner_only(
        self, as_customer, address, order, api
    ):
        url = f"{api}/addresses/{address.pk}/"

        assert as_customer.delete(url).status_code == 204

        assert_problem(as_customer.get(url), 404, "not_found")
        assert_problem(as_customer.delete(url), 404, "not_found")
        shown = as_customer.get(f"{api}/orders/{order.pk}/").json()
        assert shown["shipping_address"]["id"] == address.pk
