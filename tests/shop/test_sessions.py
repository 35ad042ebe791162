"""Staff in the browser call the API by their session, and only they do."""

import pytest
from django.test import Client

pytestmark = [pytest.mark.A1, pytest.mark.django_db]


@pytest.fixture
def browser():
    return Client(enforce_csrf_checks=True)


class TestSession:
    def test_staff_read_by_it(self, browser, staff):
        browser.force_login(staff)
        assert browser.get("/api/v1/users/me/").json()["email"] == staff.email

    def test_staff_write_with_a_csrf_token(self, browser, staff):
        browser.force_login(staff)
        browser.get("/admin/")
        token = browser.cookies["csrftoken"].value
        answer = browser.patch(
            "/api/v1/users/me/",
            {"first_name": "New"},
            content_type="application/json",
            headers={"X-CSRFToken": token},
        )
        assert answer.json()["first_name"] == "New"

    @pytest.mark.A7
    @pytest.mark.parametrize("headers", [{}, {"X-CSRFToken": "x" * 64}, {"X-CSRFToken": ""}])
    def test_staff_without_one_change_nothing(self, browser, staff, headers):
        browser.force_login(staff)
        answer = browser.patch(
            "/api/v1/users/me/",
            {"first_name": "New"},
            content_type="application/json",
            headers=headers,
        )
        assert (answer.status_code, answer.json()["code"]) == (403, "csrf_failed")
        staff.refresh_from_db()
        assert staff.first_name != "New"

    def test_others_are_anonymous(self, browser, customer):
        browser.force_login(customer)
        answer = browser.get("/api/v1/users/me/")
        assert (answer.status_code, answer.has_header("WWW-Authenticate")) == (401, True)

    def test_a_stale_cookie_is_anonymous(self, browser):
        browser.cookies["sessionid"] = "gone"
        assert browser.get("/api/v1/users/me/").status_code == 401
        assert browser.get("/api/v1/products/").status_code == 200

    def test_a_bearer_token_goes_first(self, browser, staff, customer, signed_in):
        browser.force_login(staff)
        token = signed_in(customer)._credentials["HTTP_AUTHORIZATION"]
        answer = browser.get("/api/v1/users/me/", headers={"Authorization": token})
        assert answer.json()["email"] == customer.email

    def test_is_not_read_without_its_cookie(self, as_customer, django_assert_max_num_queries):
        with django_assert_max_num_queries(3) as captured:
            as_customer.get("/api/v1/addresses/")
        assert not [query for query in captured if "django_session" in query["sql"]]
