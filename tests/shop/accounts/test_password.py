"""A new password for oneself: this session goes on, every other ends."""

import pytest
from django.test import Client
from django.urls import reverse
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from shop.accounts.models import User
from tests.shop.factories import PASSWORD, StaffFactory
from tests.shop.problems import assert_problem

NEW = "another horse and no battery"

pytestmark = [pytest.mark.A3]


def change(client, api, **changes):
    body = {"current_password": PASSWORD, "password": NEW, "password_confirm": NEW, **changes}
    given = {name: value for name, value in body.items() if value is not ...}
    return client.post(f"{api}/users/me/password/", given)


def log_in(client, user, password):
    return client.post("/api/token/", {"email": user.email, "password": password})


def refresh(client, pair):
    return client.post("/api/token/refresh/", {"refresh": pair["refresh"]})


@pytest.fixture
def pair(customer):
    return issue_tokens(customer)


@pytest.fixture
def caller(anonymous, pair):
    anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {pair['access']}")
    return anonymous


class TestChangePassword:
    def test_is_204_and_this_session_goes_on(self, caller, pair, api):
        response = change(caller, api)
        assert (response.status_code, response.content) == (204, b"")
        assert caller.get(f"{api}/users/me/").status_code == 200
        assert refresh(caller, pair).status_code == 200

    def test_every_other_session_ends(self, caller, customer, signed_in, api):
        other, pair = signed_in(customer), issue_tokens(customer)
        change(caller, api)
        assert_problem(other.get(f"{api}/users/me/"), 401, "token_invalid")
        assert_problem(refresh(caller, pair), 401, "token_invalid")

    def test_sessions_of_others_go_on(self, caller, as_other_customer, api):
        change(caller, api)
        assert as_other_customer.get(f"{api}/users/me/").status_code == 200

    def test_the_new_one_logs_in_and_the_old_one_does_not(self, caller, customer, api):
        change(caller, api)
        assert log_in(caller, customer, NEW).status_code == 200
        assert_problem(log_in(caller, customer, PASSWORD), 401, "invalid_credentials")

    def test_blanks_belong_to_it(self, caller, customer, api):
        change(caller, api, password=f" {NEW} ", password_confirm=f" {NEW} ")
        assert log_in(caller, customer, NEW).status_code == 401
        assert log_in(caller, customer, f" {NEW} ").status_code == 200

    @pytest.mark.parametrize(
        ("changes", "errors"),
        [
            ({"current_password": "wrong"}, [("/current_password", "wrong_password")]),
            ({"current_password": f"{PASSWORD} "}, [("/current_password", "wrong_password")]),
            ({"current_password": ...}, [("/current_password", "required")]),
            ({"current_password": None}, [("/current_password", "null")]),
            ({"current_password": "x" * 129}, [("/current_password", "max_length")]),
            ({"password": ...}, [("/password", "required")]),
            ({"password_confirm": ...}, [("/password_confirm", "required")]),
            ({"password_confirm": "different"}, [("/password_confirm", "password_mismatch")]),
            ({"email": "new@shop.example"}, [("/email", "unknown_field")]),
        ],
    )
    def test_a_body_that_is_not_right_is_400_and_ends_nothing(
        self, caller, customer, signed_in, api, changes, errors
    ):
        other = signed_in(customer)
        assert_problem(change(caller, api, **changes), 400, "validation_error", errors)
        assert other.get(f"{api}/users/me/").status_code == 200
        assert log_in(caller, customer, PASSWORD).status_code == 200

    @pytest.mark.parametrize(
        "weak", ["short", "password", "1234567890123", "customer@shop.example"]
    )
    def test_a_weak_one_is_400(self, caller, api, weak):
        response = change(caller, api, password=weak, password_confirm=weak)
        body = assert_problem(response, 400, "validation_error")
        assert "/password" in {error["pointer"] for error in body["errors"]}

    @pytest.mark.A5
    def test_a_long_one_is_refused_before_it_is_hashed(self, hashes, caller, api):
        long = "x" * 129
        assert hashes(lambda: change(caller, api, current_password=long)) == 0

    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(change(anonymous, api), 401, "not_authenticated")

    @pytest.mark.parametrize("method", ["get", "put", "patch", "delete"])
    def test_nothing_else_is_allowed(self, as_customer, api, method):
        response = getattr(as_customer, method)(f"{api}/users/me/password/")
        assert_problem(response, 405, "method_not_allowed")


class TestByASession:
    """Staff in the browser: their own session goes on, and their tokens end."""

    @pytest.fixture
    def browser(self, staff):
        browser = Client(headers={"Sec-Fetch-Site": "same-origin"})
        browser.force_login(staff)
        return browser

    def test_it_goes_on(self, browser, staff, as_staff, api):
        body = {"current_password": PASSWORD, "password": NEW, "password_confirm": NEW}
        address = f"{api}/users/me/password/"
        assert browser.post(address, body, content_type="application/json").status_code == 204
        assert browser.get(f"{api}/users/me/").status_code == 200
        assert_problem(as_staff.get(f"{api}/users/me/"), 401, "token_invalid")


class TestByTheAdmin:
    @pytest.fixture
    def admin_page(self, db):
        client = Client()
        client.force_login(StaffFactory.create(is_superuser=True))
        return client

    def test_every_session_of_the_user_ends(
        self, admin_page, customer, as_customer, as_other_customer, api
    ):
        page = reverse("admin:auth_user_password_change", args=[customer.pk])
        answer = admin_page.post(page, {"password1": NEW, "password2": NEW})
        assert answer.status_code == 302
        assert User.objects.get(pk=customer.pk).check_password(NEW)
        assert_problem(as_customer.get(f"{api}/users/me/"), 401, "token_invalid")
        assert as_other_customer.get(f"{api}/users/me/").status_code == 200


@pytest.mark.A6
class TestGuessing:
    """A stolen token is no way to try passwords."""

    def test_is_bounded_as_a_login_is_and_the_owner_still_logs_in(self, as_customer, customer, api):
        body = {
            "current_password": "wrong",
            "password": "correct horse 17",
            "password_confirm": "correct horse 17",
        }
        statuses = [
            as_customer.post(f"{api}/users/me/password/", body).status_code for _ in range(7)
        ]
        assert statuses == [400] * 5 + [429] * 2
        right = {**body, "current_password": PASSWORD}
        assert as_customer.post(f"{api}/users/me/password/", right).status_code == 429
        login = {"email": customer.email, "password": PASSWORD}
        assert APIClient().post("/api/token/", login).status_code == 200
