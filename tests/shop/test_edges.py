"""What lies between the routes: other methods, other spellings, other people's headers."""

import re
from urllib.parse import quote

import pytest
from django.conf import settings
from django.test import override_settings

from tests.shop.problems import assert_problem
from tests.shop.test_schema import fetched

pytestmark = [pytest.mark.django_db, pytest.mark.E2]


def every_path(version):
    return sorted(fetched(version)["paths"])


@pytest.mark.E1
class TestOptions:
    @pytest.mark.parametrize("actor", ["anonymous", "owner", "staff"])
    def test_are_never_a_5xx(self, actor, version, client_of):
        client = client_of(actor)
        paths = [re.sub(r"\{[^}]+\}", "1", path) for path in every_path(version)]
        found = {path: client.options(path).status_code for path in paths}
        assert {path: status for path, status in found.items() if status >= 500} == {}

    @pytest.mark.parametrize("path", ["/api/docs/", "/api/docs/redoc/"])
    def test_of_a_page_are_405(self, path, anonymous):
        assert_problem(anonymous.options(path), 405, "method_not_allowed")

    def test_of_the_export_are_json(self, as_staff, api):
        answer = as_staff.options(f"{api}/orders/export/")
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/json")


@pytest.mark.once
class TestMissingSlash:
    @pytest.mark.parametrize("debug", [True, False])
    @pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
    def test_a_write_is_404(self, method, debug, as_owner):
        with override_settings(DEBUG=debug):
            assert_problem(getattr(as_owner, method)("/api/v1/products", {}), 404, "not_found")

    def test_a_read_is_redirected(self, anonymous):
        answer = anonymous.get("/api/v1/products?page=2")
        assert (answer.status_code, answer["Location"]) == (301, "/api/v1/products/?page=2")


@pytest.mark.T4
@pytest.mark.once
class TestForwardedProto:
    @override_settings(
        BACKSTAY={**settings.BACKSTAY, "TRUSTED_PROXIES": ["10.0.0.0/8", "fd00::/8"]}
    )
    @pytest.mark.parametrize(
        ("peer", "scheme"),
        [("10.1.2.3", "https"), ("fd00::1", "https"), ("127.0.0.1", "http"), ("", "http")],
    )
    def test_is_believed_from_a_trusted_proxy_alone(self, peer, scheme, anonymous, product):
        answer = anonymous.get(
            "/api/v1/articles/", REMOTE_ADDR=peer, headers={"X-Forwarded-Proto": "https"}
        )
        assert answer.wsgi_request.scheme == scheme
        assert answer.has_header("Strict-Transport-Security") == (scheme == "https")

    def test_is_believed_from_nobody_by_default(self, anonymous):
        answer = anonymous.get("/api/v1/articles/", headers={"X-Forwarded-Proto": "https"})
        assert answer.wsgi_request.scheme == "http"


@pytest.mark.P2
class TestNobodyReads:
    @pytest.mark.parametrize("path", ["token/", "token/refresh/", "token/verify/", "token/logout/"])
    def test_a_field_of_a_token_request_is_400(self, path, anonymous):
        answer = anonymous.post(f"/api/{path}", {"remember": True})
        assert_problem(answer, 400, "validation_error")
        assert answer.json()["errors"] == [
            {"pointer": "/remember", "code": "unknown_field", "detail": "There is no such field."}
        ]

    @pytest.mark.parametrize("body", [{"reason": "late"}, [1], "x"])
    def test_a_body_of_cancel_is_400(self, body, as_customer, make_order, customer, api):
        order = make_order(customer)
        answer = as_customer.post(f"{api}/orders/{order.pk}/cancel/", body)
        assert_problem(answer, 400, "validation_error")
        order.refresh_from_db()
        assert order.status == "pending"

    def test_a_broken_body_of_cancel_is_400(self, as_customer, make_order, customer, api):
        path = f"{api}/orders/{make_order(customer).pk}/cancel/"
        answer = as_customer.post(path, "{{{", content_type="application/json")
        assert_problem(answer, 400, "parse_error")

    @pytest.mark.L3
    @pytest.mark.parametrize("path", ["users/me/", "users/", "addresses/"])
    def test_a_parameter_is_400_whatever_the_method(self, path, as_customer, api):
        for method in ("get", "post", "patch"):
            answer = getattr(as_customer, method)(f"{api}/{path}?zzz=1", {})
            assert answer.status_code in {400, 405}


@pytest.mark.E1
@pytest.mark.parametrize("price", ["1e2", "1_000", "\u0665", " 5 ", "+5", ".5", "5."])
def test_a_price_is_a_plain_number(price, as_owner, product):
    answer = as_owner.patch(f"/api/v1/products/{product.pk}/", {"price": price})
    assert_problem(answer, 400, "validation_error")
    assert answer.json()["errors"][0]["pointer"] == "/price"


@pytest.mark.P3
def test_staff_who_own_an_organization_run_it(as_staff, staff, organization):
    from tests.shop import factories

    factories.MembershipFactory.create(user=staff, organization=organization, role="owner")
    answer = as_staff.patch(f"/api/v1/organizations/{organization.pk}/", {"name": "Renamed"})
    assert (answer.status_code, answer.json()["name"]) == (200, "Renamed")
    assert as_staff.get("/api/v1/users/me/").json()["role"] == "staff"


@pytest.mark.L3
@pytest.mark.parametrize("number", ["1_000", "1e3", "\u0661", "0x1", "+1", ".5"])
@pytest.mark.parametrize("parameter", ["products/?price_min", "orders/?customer_id"])
def test_a_number_in_a_filter_is_a_plain_one(parameter, number, as_staff, api):
    answer = as_staff.get(f"{api}/{parameter}={quote(number)}")
    assert_problem(answer, 400, "validation_error")
