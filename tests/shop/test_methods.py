"""HEAD, OPTIONS and methods that nobody knows, on every kind of endpoint."""

import pytest

from tests.shop.problems import assert_problem, steady_headers

pytestmark = pytest.mark.once

READ = ["products/", "articles/", "articles/{article}/comments/", "products/{product}/"]
OWN = ["orders/", "addresses/", "users/me/", "orders/{order}/", "addresses/{address}/"]

LIST, OBJECT = "GET, POST, HEAD, OPTIONS", "GET, PATCH, DELETE, HEAD, OPTIONS"


def allowed(template):
    return OBJECT if template.endswith(("}/", "me/")) else LIST


@pytest.fixture
def path(api, product, order, address, article):
    """Put the ids of what there is into a path."""

    def fill(template):
        found = {"product": product, "order": order, "address": address, "article": article}
        return f"{api}/" + template.format(**{name: row.pk for name, row in found.items()})

    return fill


class TestHead:
    @pytest.mark.parametrize("template", [*READ, *OWN])
    def test_it_is_a_get_without_the_body(self, as_customer, path, template):
        same = {"HTTP_X_REQUEST_ID": "same"}
        get = as_customer.get(path(template), **same)
        head = as_customer.head(path(template), **same)

        assert (head.status_code, head.content) == (200, b"")
        assert steady_headers(head) == steady_headers(get)

    @pytest.mark.A1
    @pytest.mark.parametrize("template", OWN)
    def test_anonymous_is_401(self, anonymous, path, template):
        response = anonymous.head(path(template))
        assert (response.status_code, response.content) == (401, b"")
        assert response["WWW-Authenticate"] == 'Bearer realm="api"'


class TestOptions:
    @pytest.mark.parametrize("template", [*READ, *OWN])
    def test_it_names_the_methods(self, as_customer, path, template):
        response = as_customer.options(path(template))

        assert response.status_code == 200
        assert response["Allow"] == allowed(template)

    @pytest.mark.P1
    @pytest.mark.parametrize("template", OWN)
    def test_anonymous_is_401(self, anonymous, path, template):
        assert_problem(anonymous.options(path(template)), 401, "not_authenticated")

    @pytest.mark.P2
    def test_it_shows_no_field_that_the_caller_may_not_write(self, as_customer, as_staff, path):
        def described(client):
            return client.options(path("articles/")).json()["actions"]["POST"]

        assert "internal_notes" not in described(as_customer)
        assert "internal_notes" in described(as_staff)


@pytest.mark.E2
class TestUnknownMethods:
    @pytest.mark.parametrize("template", [*READ, *OWN])
    @pytest.mark.parametrize("method", ["PUT", "TRACE", "BREW"])
    def test_it_is_405_and_the_methods_are_named(
        self, as_customer, as_owner, path, template, method
    ):
        # Who may write nothing here is told so first, whatever the method.
        client = as_owner if template.startswith("products") else as_customer
        response = client.generic(method, path(template))

        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == allowed(template)

    @pytest.mark.parametrize(
        "path",
        ["", "refresh/", "verify/", "logout/", "cookie/", "cookie/refresh/", "cookie/logout/"],
    )
    def test_tokens_take_post_only(self, anonymous, path):
        response = anonymous.get(f"/api/token/{path}")
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "POST, OPTIONS"

    @pytest.mark.P1
    def test_a_header_does_not_override_the_method(self, as_customer, order, path):
        override = {"HTTP_X_HTTP_METHOD_OVERRIDE": "DELETE"}
        assert as_customer.get(path("orders/{order}/"), **override).status_code == 200
        order.refresh_from_db()


@pytest.mark.django_db
def test_options_describe_what_a_method_takes(as_customer, api):
    described = as_customer.options(f"{api}/orders/").json()["actions"]["POST"]
    assert set(described) == {"items", "shipping_address", "note"}
