"""Logging in, refreshing and verifying, as a client of the shop sees it."""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.utils import timezone

from tests.shop.factories import PASSWORD, UserFactory
from tests.shop.problems import assert_problem, steady_headers

CLAIMS = {
    "token_type",
    "jti",
    "user_id",
    "email",
    "first_name",
    "user_role",
    "org",
    "plan",
    "family",
    "iss",
    "aud",
    "iat",
    "exp",
}


def log_in(client, email, password=PASSWORD, **headers):
    return client.post("/api/token/", {"email": email, "password": password}, **headers)


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


class TestLogin:
    def test_customer_gets_an_access_and_a_refresh_token(self, anonymous, customer):
        response = log_in(anonymous, customer.email)

        assert response.status_code == 200
        assert response.json().keys() == {"access", "refresh"}
        assert response["Cache-Control"] == "no-store"

    @pytest.mark.A5
    @pytest.mark.parametrize(
        "spelling",
        ["CUSTOMER@Shop.Example", "  customer@shop.example ", "\uff43ustomer@shop.example"],
    )
    def test_the_address_may_be_spelt_in_any_way(self, anonymous, customer, spelling):
        assert log_in(anonymous, spelling).status_code == 200

    def test_tokens_hold_exactly_the_documented_claims(self, anonymous, customer):
        tokens = log_in(anonymous, customer.email).json()

        for token_type in ("access", "refresh"):
            claims = claims_of(tokens[token_type])
            assert claims.keys() == CLAIMS
            assert claims["token_type"] == token_type
            assert claims["user_id"] == customer.pk
            assert claims["email"] == "customer@shop.example"
            assert claims["first_name"] == "Customer"

    def test_access_lives_15_minutes_and_refresh_30_days(self, anonymous, customer):
        tokens = log_in(anonymous, customer.email).json()

        lives = {name: claims_of(token) for name, token in tokens.items()}
        assert lives["access"]["exp"] - lives["access"]["iat"] == 15 * 60
        assert lives["refresh"]["exp"] - lives["refresh"]["iat"] == 30 * 24 * 3600

    @pytest.mark.parametrize(
        ("actor", "role", "plan"),
        [
            ("customer", "customer", None),
            ("staff", "staff", None),
            ("owner", "owner", "pro"),
            ("manager", "manager", "pro"),
            ("member", "member", "pro"),
            ("other_owner", "owner", "free"),
        ],
    )
    def test_tokens_name_role_organization_and_plan(self, request, anonymous, actor, role, plan):
        user = request.getfixturevalue(actor)

        claims = claims_of(log_in(anonymous, user.email).json()["access"])

        organization = user.organization and user.organization.pk
        assert (claims["user_role"], claims["org"], claims["plan"]) == (role, organization, plan)

    @pytest.mark.A5
    def test_unknown_wrong_and_inactive_get_the_same_answer(
        self, anonymous, customer, other_customer
    ):
        other_customer.is_active = False
        other_customer.save()
        same = {"HTTP_X_REQUEST_ID": "login-1"}

        answers = [
            log_in(anonymous, "nobody@shop.example", **same),
            log_in(anonymous, customer.email, "wrong", **same),
            log_in(anonymous, other_customer.email, **same),
        ]

        assert_problem(answers[0], 401, "invalid_credentials")
        assert len({answer.content for answer in answers}) == 1
        assert (
            steady_headers(answers[0]) == steady_headers(answers[1]) == steady_headers(answers[2])
        )

    @pytest.mark.A5
    def test_every_outcome_costs_one_hash(self, hashes, anonymous):
        UserFactory.create(email="active@shop.example")
        UserFactory.create(email="inactive@shop.example", is_active=False)

        assert hashes(lambda: log_in(anonymous, "active@shop.example")) == 1
        assert hashes(lambda: log_in(anonymous, "active@shop.example", "wrong")) == 1
        assert hashes(lambda: log_in(anonymous, "inactive@shop.example")) == 1
        assert hashes(lambda: log_in(anonymous, "nobody@shop.example")) == 1

    @pytest.mark.A5
    def test_a_long_password_is_refused_before_it_is_hashed(self, hashes, anonymous):
        assert hashes(lambda: log_in(anonymous, "a@shop.example", "x" * 129)) == 0
        assert_problem(
            log_in(anonymous, "a@shop.example", "x" * 129),
            400,
            "validation_error",
            [("/password", "max_length")],
        )

    @pytest.mark.E2
    @pytest.mark.parametrize(
        ("body", "errors"),
        [
            ({}, [("/email", "required"), ("/password", "required")]),
            ({"email": "a@shop.example"}, [("/password", "required")]),
            ({"email": None, "password": ""}, [("/email", "null"), ("/password", "blank")]),
            ({"email": [], "password": {}}, [("/email", "invalid"), ("/password", "invalid")]),
        ],
    )
    def test_a_malformed_body_is_400(self, anonymous, body, errors):
        assert_problem(anonymous.post("/api/token/", body), 400, "validation_error", errors)

    def test_a_junk_authorization_header_is_not_looked_at(self, anonymous, customer):
        response = log_in(anonymous, customer.email, HTTP_AUTHORIZATION="Bearer junk")
        assert response.status_code == 200


class TestRefresh:
    def refresh(self, client, token):
        return client.post("/api/token/refresh/", {"refresh": token})

    @pytest.fixture
    def tokens(self, anonymous, customer):
        return log_in(anonymous, customer.email).json()

    def test_a_refresh_token_gives_a_new_pair_of_the_same_family(self, anonymous, tokens):
        response = self.refresh(anonymous, tokens["refresh"])

        assert response.status_code == 200
        assert response.json().keys() == {"access", "refresh"}
        old, new = claims_of(tokens["access"]), claims_of(response.json()["access"])
        assert old["family"] == new["family"]
        assert old["jti"] != new["jti"]

    def test_claims_are_read_again(self, anonymous, tokens, customer):
        customer.is_staff = True
        customer.first_name = "Renamed"
        customer.save()

        claims = claims_of(self.refresh(anonymous, tokens["refresh"]).json()["access"])

        assert (claims["user_role"], claims["first_name"]) == ("staff", "Renamed")

    @pytest.mark.A1
    def test_an_inactive_user_is_401(self, anonymous, tokens, customer):
        customer.is_active = False
        customer.save()
        assert_problem(self.refresh(anonymous, tokens["refresh"]), 401, "token_invalid")

    def test_an_access_token_is_401(self, anonymous, tokens):
        assert_problem(self.refresh(anonymous, tokens["access"]), 401, "token_invalid")

    @pytest.mark.parametrize("token", ["junk", "a.b.c", "é"])
    def test_junk_is_401(self, anonymous, token):
        assert_problem(self.refresh(anonymous, token), 401, "token_invalid")

    def test_after_30_days_it_is_401(self, anonymous, tokens):
        with time_machine.travel(timezone.now() + timedelta(days=30, minutes=1), tick=False):
            assert_problem(self.refresh(anonymous, tokens["refresh"]), 401, "token_expired")

    def test_a_missing_token_is_400(self, anonymous):
        response = anonymous.post("/api/token/refresh/", {})
        assert_problem(response, 400, "validation_error", [("/refresh", "required")])


class TestVerify:
    def verify(self, client, token):
        return client.post("/api/token/verify/", {"token": token})

    @pytest.fixture
    def tokens(self, anonymous, customer):
        return log_in(anonymous, customer.email).json()

    @pytest.mark.parametrize("token_type", ["access", "refresh"])
    def test_a_valid_token_is_200_and_empty(self, anonymous, tokens, token_type):
        response = self.verify(anonymous, tokens[token_type])
        assert (response.status_code, response.json()) == (200, {})

    def test_an_expired_token_is_401(self, anonymous, tokens):
        with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
            assert_problem(self.verify(anonymous, tokens["access"]), 401, "token_expired")
            assert self.verify(anonymous, tokens["refresh"]).status_code == 200

    def test_a_changed_token_is_401(self, anonymous, tokens):
        head, payload, _ = tokens["access"].split(".")
        assert_problem(self.verify(anonymous, f"{head}.{payload}.AAAA"), 401, "token_invalid")

    def test_a_missing_token_is_400(self, anonymous):
        response = anonymous.post("/api/token/verify/", {})
        assert_problem(response, 400, "validation_error", [("/token", "required")])


@pytest.mark.A1
class TestBearer:
    """How a request authenticates, on a resource that needs it."""

    def get(self, client, **headers):
        return client.get("/api/v1/users/me/", **headers)

    @pytest.fixture
    def access(self, anonymous, customer):
        return log_in(anonymous, customer.email).json()["access"]

    @pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "bEaReR"])
    def test_the_scheme_is_read_in_any_case(self, anonymous, access, scheme):
        assert self.get(anonymous, HTTP_AUTHORIZATION=f"{scheme} {access}").status_code == 200

    def test_no_credential_is_401(self, anonymous):
        assert_problem(self.get(anonymous), 401, "not_authenticated")

    @pytest.mark.parametrize("value", ["Bearer", "Bearer ", "Bearer junk", "Bearer a b c"])
    def test_a_garbled_credential_is_401(self, anonymous, value):
        assert_problem(self.get(anonymous, HTTP_AUTHORIZATION=value), 401, "token_invalid")

    def test_an_expired_access_token_is_401(self, anonymous, access):
        with time_machine.travel(timezone.now() + timedelta(minutes=16), tick=False):
            response = self.get(anonymous, HTTP_AUTHORIZATION=f"Bearer {access}")
        assert_problem(response, 401, "token_expired")

    def test_a_refresh_token_is_401(self, anonymous, customer):
        refresh = log_in(anonymous, customer.email).json()["refresh"]
        response = self.get(anonymous, HTTP_AUTHORIZATION=f"Bearer {refresh}")
        assert_problem(response, 401, "token_invalid")

    def test_a_bad_token_is_401_where_anyone_may_read(self, anonymous):
        response = anonymous.get("/api/v1/products/", HTTP_AUTHORIZATION="Bearer junk")
        assert_problem(response, 401, "token_invalid")
