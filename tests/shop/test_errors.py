"""
One error of each kind, through the whole stack, in the one shape.

What each endpoint refuses is said where the endpoint is specified; here it is
that nothing the stack answers looks different, whoever in it answers.
"""

from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from django.utils import timezone
from rest_framework.test import APIClient

from tests.shop.failing_urls import SECRET
from tests.shop.problems import assert_in_shape, assert_problem

pytestmark = [pytest.mark.E2]

JSON = "application/json"


@pytest.fixture
def failing(settings, db):
    """A client that sees a 500 as a client does."""
    settings.ROOT_URLCONF = "tests.shop.failing_urls"
    return APIClient(raise_request_exception=False)


class TestCodes:
    """Every code of the contract that the shop can answer so far."""

    def test_parse_error(self, as_customer):
        response = as_customer.post("/api/v1/orders/", b'{"items": [', content_type=JSON)
        assert_problem(response, 400, "parse_error")

    def test_parse_error_for_another_host(self, anonymous):
        response = anonymous.get("/api/v1/products/", HTTP_HOST="evil.example")
        assert_problem(response, 400, "parse_error")
        assert b"evil" not in response.content

    def test_validation_error(self, as_customer):
        errors = [("/items", "required"), ("/shipping_address", "required")]
        assert_problem(as_customer.post("/api/v1/orders/", {}), 400, "validation_error", errors)

    @pytest.mark.parametrize("body", [[], "text", 7, None, True])
    def test_validation_error_of_the_whole_body(self, as_customer, body):
        response = as_customer.post("/api/v1/orders/", body, format="json")
        problem = assert_problem(response, 400, "validation_error")
        if body is not None:
            assert [error["pointer"] for error in problem["errors"]] == [""]

    def test_customer_blocked(self, as_customer, customer, address, product):
        customer.customer.is_blocked = True
        customer.customer.save()
        items = [{"product": product.pk, "quantity": 1}]
        body = {"items": items, "shipping_address": address.pk}
        assert_problem(as_customer.post("/api/v1/orders/", body), 400, "customer_blocked")

    def test_not_authenticated(self, anonymous):
        assert_problem(anonymous.get("/api/v1/orders/"), 401, "not_authenticated")

    def test_token_expired(self, as_customer):
        with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
            assert_problem(as_customer.get("/api/v1/orders/"), 401, "token_expired")

    def test_token_invalid(self, anonymous):
        response = anonymous.get("/api/v1/orders/", HTTP_AUTHORIZATION="Bearer junk")
        assert_problem(response, 401, "token_invalid")

    def test_invalid_credentials(self, anonymous):
        body = {"email": "nobody@shop.example", "password": "wrong"}
        assert_problem(anonymous.post("/api/token/", body), 401, "invalid_credentials")

    def test_permission_denied(self, as_customer, order):
        response = as_customer.post(f"/api/v1/orders/{order.pk}/ship/")
        assert_problem(response, 403, "permission_denied")

    def test_delete_window_closed(self, signed_in, customer, order):
        with time_machine.travel(order.created_at + timedelta(days=2), tick=False):
            response = signed_in(customer).delete(f"/api/v1/orders/{order.pk}/")
        assert_problem(response, 403, "delete_window_closed")

    def test_csrf_failed(self, settings, db):
        settings.ROOT_URLCONF = "tests.shop.failing_urls"
        client = APIClient(enforce_csrf_checks=True)
        client.cookies["sessionid"] = "anything"
        assert_problem(client.post("/fails/form/"), 403, "csrf_failed")

    def test_not_found(self, anonymous):
        assert_problem(anonymous.get("/api/v1/products/1/"), 404, "not_found")

    def test_method_not_allowed(self, as_customer):
        response = as_customer.delete("/api/v1/orders/")
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "GET, POST, HEAD, OPTIONS"

    def test_not_acceptable(self, anonymous):
        response = anonymous.get("/api/v1/products/", HTTP_ACCEPT="text/html")
        assert_problem(response, 406, "not_acceptable")

    def test_insufficient_inventory(self, as_customer, address, product):
        items = [{"product": product.pk, "quantity": 51}]
        response = as_customer.post(
            "/api/v1/orders/", {"items": items, "shipping_address": address.pk}
        )
        assert_problem(response, 409, "insufficient_inventory")

    def test_conflict(self, as_customer, make_order, customer):
        order = make_order(customer, "paid")
        assert_problem(as_customer.post(f"/api/v1/orders/{order.pk}/cancel/"), 409, "conflict")

    def test_payload_too_large(self, anonymous):
        response = anonymous.post("/api/token/", b" " * 3_000_000, content_type=JSON)
        assert_problem(response, 413, "payload_too_large")

    def test_unsupported_media_type(self, as_customer):
        response = as_customer.post("/api/v1/orders/", "<order/>", content_type="text/xml")
        assert_problem(response, 415, "unsupported_media_type")

    @pytest.mark.parametrize("path", ["mistake", "plain", "unserializable"])
    def test_internal_error_tells_nothing(self, failing, path):
        response = failing.get(f"/fails/{path}/")
        assert_problem(response, 500, "internal_error")
        assert SECRET.encode() not in response.content

    def test_service_unavailable(self, failing):
        response = failing.get("/fails/outage/")
        assert_problem(response, 503, "service_unavailable")
        assert response["Retry-After"] == "7"


@pytest.mark.once
class TestDebug:
    """The technical pages of DEBUG take the same shape."""

    @pytest.fixture(autouse=True)
    def debug(self, settings):
        settings.DEBUG = True

    def test_unknown_path(self, anonymous):
        assert_problem(anonymous.get("/nowhere/"), 404, "not_found")

    def test_bad_host(self, anonymous):
        response = anonymous.get("/api/v1/products/", HTTP_HOST="evil.example")
        assert_problem(response, 400, "parse_error")

    def test_mistake(self, failing):
        response = failing.get("/fails/plain/")
        assert_problem(response, 500, "internal_error")
        assert SECRET.encode() not in response.content


class TestNotFound:
    @pytest.mark.V1
    @pytest.mark.once
    @pytest.mark.parametrize("version", ["v0", "v3", "v11", "V1", "1", "v1.0", "token2"])
    @pytest.mark.parametrize("path", ["products/", "orders/", "users/me/"])
    def test_an_unknown_version(self, anonymous, version, path):
        assert_problem(anonymous.get(f"/api/{version}/{path}"), 404, "not_found")

    @pytest.mark.once
    @pytest.mark.parametrize(
        "path",
        [
            "/nowhere/",
            "/api/",
            "/api/v1/",
            "/api/v1/nowhere/",
            "/api/v1/products/abc/",
            "/api/v1/products/1.5/",
            "/api/v1/products/-1/",
            "/api/v1/products/%00/",
            "/api/v1/products/1/nothing/",
            "/api/v1/orders.json",
        ],
    )
    def test_an_unknown_path(self, anonymous, path):
        assert_problem(anonymous.get(path), 404, "not_found")

    @pytest.mark.E1
    @pytest.mark.parametrize("pk", [0, 2**31, 2**63, 10**30, "9" * 300])
    @pytest.mark.parametrize("resource", ["products", "addresses", "orders", "articles"])
    def test_an_id_that_no_row_has(self, client_of, api, resource, pk):
        client = client_of("owner" if resource == "products" else "staff")
        for method in ("get", "head", "patch", "delete"):
            response = getattr(client, method)(f"{api}/{resource}/{pk}/")
            assert response.status_code == 404, method

    @pytest.mark.E1
    @pytest.mark.parametrize("pk", [2**63, 10**30])
    def test_a_comment_of_an_article_that_no_row_has(self, as_staff, article, api, pk):
        for path in (f"{pk}/comments/", f"{pk}/comments/1/", f"{article.pk}/comments/{pk}/"):
            assert_problem(as_staff.get(f"{api}/articles/{path}"), 404, "not_found")

    @pytest.mark.E1
    @pytest.mark.parametrize("action", ["pay", "cancel", "ship", "refund"])
    def test_an_action_on_an_id_that_no_row_has(self, as_staff, api, action):
        assert_problem(as_staff.post(f"{api}/orders/{2**63}/{action}/"), 404, "not_found")


@pytest.mark.E1
@pytest.mark.once
class TestBodies:
    """What is no JSON, or no JSON for everyone, is refused before any field is looked at."""

    @pytest.mark.parametrize(
        "body",
        [
            b"{",
            b'{"email": }',
            b"\x00",
            b"\xff\xfe{\x00}\x00",
            b"\xef\xbb\xbf{}",
            b'{"email": "a", "email": "b"}',
            b'{"email": "\\u0000"}',
            b'{"email": "\\ud800"}',
            b'{"email": NaN}',
            b'{"email": 1e400}',
            b'{"email": ' + b"9" * 5000 + b"}",
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b"[" * 100_000 + b"]" * 100_000,
        ],
    )
    @pytest.mark.parametrize("path", ["/api/token/", "/api/v1/users/", "/api/v2/users/"])
    def test_it_is_400(self, anonymous, path, body):
        response = anonymous.post(path, body, content_type=JSON)
        assert_problem(response, 400, "parse_error")

    @pytest.mark.parametrize("charset", ["utf-16", "utf-7", "latin-1", "rot13"])
    def test_another_charset_is_400(self, anonymous, charset):
        response = anonymous.post("/api/token/", b"{}", content_type=f"{JSON}; charset={charset}")
        assert_problem(response, 400, "parse_error")

    @pytest.mark.parametrize("length", ["-1", "abc", "1e3", "9" * 5000])
    def test_a_wrong_length_is_refused(self, anonymous, length):
        response = anonymous.post("/api/token/", b"{}", content_type=JSON, CONTENT_LENGTH=length)
        assert response.status_code in {400, 413}
        assert_in_shape(response)

    def test_a_body_shorter_than_its_length_is_400(self, anonymous):
        cut = {"wsgi.input": BytesIO(b"{}"), "CONTENT_LENGTH": "10"}
        response = anonymous.generic("POST", "/api/token/", b"", JSON, **cut)
        assert_problem(response, 400, "parse_error")

    @pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "text/plain", "x", ""])
    def test_another_type_is_415(self, anonymous, kind):
        response = anonymous.generic("POST", "/api/token/", b"{}", kind)
        assert_problem(response, 415, "unsupported_media_type")


@pytest.mark.once
class TestTypes:
    @pytest.mark.parametrize(
        "code", ["validation_error", "not_found", "conflict", "insufficient_inventory"]
    )
    def test_the_type_of_a_problem_leads_to_its_page(self, anonymous, code):
        response = anonymous.get(f"/errors/{code}")
        assert response.status_code == 200
        assert code in response.content.decode()


@pytest.mark.once
class TestRequestId:
    def test_a_good_one_is_kept(self, anonymous):
        response = anonymous.get("/api/v1/products/1/", HTTP_X_REQUEST_ID="trace-7.A_b")
        assert assert_in_shape(response)["request_id"] == "trace-7.A_b"

    def test_answers_that_are_no_errors_carry_it(self, anonymous):
        response = anonymous.get("/api/v1/products/", HTTP_X_REQUEST_ID="trace-7")
        assert response["X-Request-ID"] == "trace-7"

    @pytest.mark.parametrize(
        "value", ["", " ", "a b", "a\r\nSet-Cookie: x=1", "x" * 65, "<script>", "é", "a\x00"]
    )
    def test_a_bad_one_is_replaced(self, anonymous, value):
        response = anonymous.get("/api/v1/products/1/", HTTP_X_REQUEST_ID=value)
        request_id = assert_in_shape(response)["request_id"]
        assert request_id != value
        assert len(request_id) == 32

    def test_each_request_has_its_own(self, anonymous):
        first, second = (anonymous.get("/api/v1/products/") for _ in range(2))
        assert first["X-Request-ID"] != second["X-Request-ID"]
