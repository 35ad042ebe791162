"""Registration, and one's own account."""

import pytest

from shop.accounts.models import User
from shop.orders.models import Order
from tests.shop.factories import PASSWORD, MembershipFactory
from tests.shop.problems import assert_problem, steady_headers

DETAIL = {
    "id",
    "email",
    "created_at",
    "first_name",
    "last_name",
    "full_name",
    "is_self",
    "organization",
    "role",
    "team",
    "permissions",
}

#: One character, eighteen in compatibility form.
FOLDS_TO_EIGHTEEN = "\ufdfa"


def registration(**changes):
    return {
        "email": "new@shop.example",
        "password": "a long enough secret",
        "password_confirm": "a long enough secret",
        "first_name": "New",
        "last_name": "Customer",
        **changes,
    }


class TestRegister:
    @pytest.fixture
    def register(self, anonymous, api):
        def post(body=None, **changes):
            return anonymous.post(f"{api}/users/", body or registration(**changes))

        return post

    def test_a_new_address_is_202_and_the_account_works_at_once(self, register, anonymous):
        response = register()

        assert response.status_code == 202
        assert response.json().keys() == {"detail"}
        login = {"email": "new@shop.example", "password": "a long enough secret"}
        assert anonymous.post("/api/token/", login).status_code == 200

    def test_a_new_user_is_a_customer_and_nothing_more(self, register):
        register()

        user = User.objects.get(email="new@shop.example")
        assert (user.role, user.full_name) == ("customer", "New Customer")
        assert (user.is_staff, user.is_superuser, user.organization) == (False, False, None)
        assert not user.customer.is_blocked

    @pytest.mark.A5
    def test_a_known_address_gets_the_same_answer_and_changes_nothing(
        self, anonymous, api, customer
    ):
        def answer(email):
            body = registration(email=email)
            return anonymous.post(f"{api}/users/", body, HTTP_X_REQUEST_ID="register-1")

        new, known = answer("new@shop.example"), answer(customer.email)

        assert (new.status_code, new.content) == (known.status_code, known.content)
        assert steady_headers(new) == steady_headers(known)
        before = customer.password
        customer.refresh_from_db()
        assert (customer.password, customer.first_name) == (before, "Customer")

    @pytest.mark.A5
    def test_a_known_address_costs_the_same_hashes(self, hashes, register):
        assert [hashes(register) for _ in ("new", "known")] == [1, 1]

    @pytest.mark.A5
    @pytest.mark.parametrize(
        "spelling",
        [
            "NEW@SHOP.EXAMPLE",
            "  new@shop.example\t",
            "new@\uff53hop.example",
            "\uff4eew@shop.example",
        ],
    )
    def test_one_address_in_another_spelling_is_one_account(self, register, spelling):
        register()

        assert register(email=spelling).status_code == 202

        assert list(User.objects.values_list("email", flat=True)) == ["new@shop.example"]

    @pytest.mark.parametrize(
        "email",
        ["", "new", "new@", "@shop.example", "a b@shop.example", f"{'x' * 250}@shop.example"],
    )
    def test_what_is_no_address_is_400(self, register, email):
        body = assert_problem(register(email=email), 400, "validation_error")
        assert {error["pointer"] for error in body["errors"]} == {"/email"}

    def test_what_is_no_address_in_its_one_spelling_is_400(self, register):
        assert_problem(
            register(email="new@shop.example\uff20evil.example"),
            400,
            "validation_error",
            [("/email", "invalid")],
        )

    def test_the_length_is_bounded_in_its_one_spelling(self, register):
        email = f"new@{FOLDS_TO_EIGHTEEN * 30}.example"
        body = assert_problem(register(email=email), 400, "validation_error")
        assert {error["pointer"] for error in body["errors"]} == {"/email"}

    @pytest.mark.parametrize(
        ("password", "code"),
        [
            ("short7!", "min_length"),
            ("password", "password_too_common"),
            ("9581736240", "password_entirely_numeric"),
            ("new@shop.example", "password_too_similar"),
            ("x" * 129, "max_length"),
        ],
    )
    def test_a_bad_password_is_400(self, register, password, code):
        response = register(password=password, password_confirm=password)

        body = assert_problem(response, 400, "validation_error")
        pointed = {(error["pointer"], error["code"]) for error in body["errors"]}
        assert ("/password", code) in pointed
        assert not User.objects.exists()

    def test_a_confirmation_that_differs_is_400(self, register):
        assert_problem(
            register(password_confirm="a long enough secreT"),
            400,
            "validation_error",
            [("/password_confirm", "password_mismatch")],
        )

    def test_blanks_belong_to_the_password(self, register, anonymous):
        secret = "  a long enough secret  "
        register(password=secret, password_confirm=secret)

        login = {"email": "new@shop.example", "password": secret}
        assert anonymous.post("/api/token/", login).status_code == 200
        login["password"] = secret.strip()
        assert anonymous.post("/api/token/", login).status_code == 401

    @pytest.mark.P2
    @pytest.mark.parametrize("name", ["is_staff", "is_superuser", "is_active", "role", "id"])
    def test_an_unknown_field_is_400_and_opens_nothing(self, register, name):
        response = register(**{name: True})

        assert_problem(response, 400, "validation_error", [(f"/{name}", "unknown_field")])
        assert not User.objects.exists()

    @pytest.mark.E2
    def test_an_empty_body_names_every_required_field(self, anonymous, api):
        assert_problem(
            anonymous.post(f"{api}/users/", {}),
            400,
            "validation_error",
            [("/email", "required"), ("/password", "required"), ("/password_confirm", "required")],
        )

    def test_names_may_be_left_out(self, register):
        body = registration()
        del body["first_name"], body["last_name"]

        assert register(body).status_code == 202
        assert User.objects.get().full_name == ""


class TestListUsers:
    @pytest.fixture
    def listed(self, client_of, api, customer, member, owner, other_owner):
        """The addresses an actor reads, over all pages."""

        def read(actor):
            client, url, found = client_of(actor), f"{api}/users/?page_size=2", []
            while url:
                body = client.get(url).json()
                found += [row["email"] for row in body["results"]]
                url = body["next"]
            return found

        return read

    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(anonymous.get(f"{api}/users/"), 401, "not_authenticated")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["member", "owner"])
    def test_members_see_the_members_of_their_organization(self, listed, actor, owner, member):
        assert listed(actor) == [owner.email, member.email]

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "other_owner"])
    def test_who_has_no_colleagues_sees_themselves(self, listed, request, actor):
        assert listed(actor) == [request.getfixturevalue(actor).email]

    def test_staff_see_everyone(self, listed):
        assert listed("staff") == list(
            User.objects.order_by("-created_at", "-id").values_list("email", flat=True)
        )

    @pytest.mark.P2
    def test_a_row_says_no_more_than_whose_it_is(self, as_member, api):
        row = as_member.get(f"{api}/users/").json()["results"][0]
        assert row.keys() == {"id", "email", "created_at"}

    @pytest.mark.L3
    def test_an_unknown_parameter_is_400(self, as_member, api):
        response = as_member.get(f"{api}/users/", {"organization": 1})
        assert_problem(response, 400, "validation_error", [("?organization", "unknown_parameter")])

    @pytest.mark.L1
    def test_the_queries_do_not_grow_with_the_rows(
        self, as_member, api, organization, django_assert_num_queries
    ):
        for _ in range(2):
            MembershipFactory.create_batch(5, organization=organization)
            with django_assert_num_queries(1):
                as_member.get(f"{api}/users/")


class TestReadUser:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api, member):
        assert_problem(anonymous.get(f"{api}/users/{member.pk}/"), 401, "not_authenticated")

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "sees"),
        [("customer", False), ("other_owner", False), ("member", True), ("staff", True)],
    )
    def test_a_foreign_user_is_like_a_missing_one(self, client_of, api, owner, actor, sees):
        response = client_of(actor).get(f"{api}/users/{owner.pk}/")
        if sees:
            assert response.json()["email"] == owner.email
            return
        missing = client_of(actor).get(f"{api}/users/{10**9}/")
        assert_problem(response, 404, "not_found")
        assert _without_ids(response) == _without_ids(missing)

    def test_a_colleague_is_shown_with_organization_and_role(
        self, as_member, owner, organization, api
    ):
        body = as_member.get(f"{api}/users/{owner.pk}/").json()

        assert body.keys() == DETAIL
        assert (body["role"], body["is_self"]) == ("owner", False)
        assert body["organization"] == {"id": organization.pk, "name": "Seller", "plan": "pro"}

    def test_oneself_is_what_me_shows(self, as_customer, customer, api):
        by_id = as_customer.get(f"{api}/users/{customer.pk}/").json()
        assert by_id == as_customer.get(f"{api}/users/me/").json()

    @pytest.mark.P2
    @pytest.mark.parametrize("method", ["put", "patch", "delete", "post"])
    def test_it_cannot_be_written(self, as_owner, member, api, method):
        response = getattr(as_owner, method)(f"{api}/users/{member.pk}/", {"first_name": "X"})
        assert_problem(response, 405, "method_not_allowed")


def _without_ids(response):
    body = response.json()
    return {name: body[name] for name in body.keys() - {"instance", "request_id"}}


class TestReadMe:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(anonymous.get(f"{api}/users/me/"), 401, "not_authenticated")

    def test_customer_sees_themselves(self, as_customer, customer, api):
        body = as_customer.get(f"{api}/users/me/").json()

        assert body.keys() == DETAIL
        assert body["created_at"].endswith("Z")
        assert {name: body[name] for name in DETAIL - {"created_at"}} == {
            "id": customer.pk,
            "email": "customer@shop.example",
            "first_name": "Customer",
            "last_name": "One",
            "full_name": "Customer One",
            "is_self": True,
            "organization": None,
            "role": "customer",
            "team": None,
            "permissions": [],
        }

    def test_a_member_sees_organization_and_team(self, as_member, member, organization, api):
        team = organization.teams.create(name="Support")
        member.membership.team = team
        member.membership.save()

        body = as_member.get(f"{api}/users/me/").json()

        assert body["role"] == "member"
        assert body["organization"] == {"id": organization.pk, "name": "Seller", "plan": "pro"}
        assert body["team"] == {"id": team.pk, "name": "Support"}

    def test_staff_have_the_role_staff(self, as_staff, api):
        assert as_staff.get(f"{api}/users/me/").json()["role"] == "staff"


class TestChangeMe:
    def test_the_names_change_and_the_answer_shows_them(self, as_customer, api):
        response = as_customer.patch(f"{api}/users/me/", {"last_name": "Two"})

        assert response.status_code == 200
        assert response.json()["full_name"] == "Customer Two"
        assert response.json() == as_customer.get(f"{api}/users/me/").json()

    @pytest.mark.P2
    def test_what_is_read_only_is_ignored(self, as_customer, customer, organization, api):
        before = as_customer.get(f"{api}/users/me/").json()

        response = as_customer.patch(
            f"{api}/users/me/",
            {
                **before,
                "id": 999,
                "email": "new@shop.example",
                "role": "staff",
                "organization": organization.pk,
                "permissions": ["accounts.add_user"],
                "created_at": "2000-01-01T00:00:00Z",
            },
        )

        assert (response.status_code, response.json()) == (200, before)

    @pytest.mark.P2
    @pytest.mark.parametrize("name", ["is_staff", "is_superuser", "is_active", "password", "plan"])
    def test_an_unknown_field_is_400_and_nothing_changes(self, as_customer, customer, api, name):
        response = as_customer.patch(f"{api}/users/me/", {"first_name": "Changed", name: True})

        assert_problem(response, 400, "validation_error", [(f"/{name}", "unknown_field")])
        customer.refresh_from_db()
        assert customer.first_name == "Customer"

    @pytest.mark.parametrize(
        ("value", "code"), [("x" * 101, "max_length"), (None, "null"), (7, "invalid_type")]
    )
    def test_a_bad_name_is_400(self, as_customer, api, value, code):
        response = as_customer.patch(f"{api}/users/me/", {"first_name": value})
        assert_problem(response, 400, "validation_error", [("/first_name", code)])

    def test_put_is_405(self, as_customer, api):
        response = as_customer.put(f"{api}/users/me/", {})
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "GET, PATCH, DELETE, HEAD, OPTIONS"


class TestDeleteMe:
    def test_anonymous_is_401(self, anonymous, api):
        assert_problem(anonymous.delete(f"{api}/users/me/"), 401, "not_authenticated")

    def test_the_account_is_anonymised_and_what_it_did_stays(
        self, as_customer, customer, order, article, api
    ):
        assert as_customer.delete(f"{api}/users/me/").status_code == 204

        customer.refresh_from_db()
        assert customer.email.endswith("@invalid.example")
        assert (customer.full_name, customer.is_active) == ("", False)
        assert not customer.addresses.filter(archived_at=None).exists()
        assert Order.objects.get() == order
        article.refresh_from_db()
        assert article.author == customer

    @pytest.mark.A1
    def test_its_token_is_dead_and_nobody_logs_in(self, as_customer, anonymous, api):
        as_customer.delete(f"{api}/users/me/")

        assert_problem(as_customer.get(f"{api}/users/me/"), 401, "token_invalid")
        login = {"email": "customer@shop.example", "password": PASSWORD}
        assert_problem(anonymous.post("/api/token/", login), 401, "invalid_credentials")

    def test_the_address_is_free_again(self, as_customer, anonymous, customer, api):
        as_customer.delete(f"{api}/users/me/")

        anonymous.post(f"{api}/users/", registration(email="customer@shop.example"))

        assert User.objects.get(email="customer@shop.example").pk > customer.pk

    @pytest.mark.P3
    def test_the_last_owner_of_others_is_409(self, as_owner, owner, member, api):
        assert_problem(as_owner.delete(f"{api}/users/me/"), 409, "conflict")
        owner.refresh_from_db()
        assert owner.is_active

    @pytest.mark.P3
    def test_one_of_two_owners_may_leave_and_the_other_then_not(
        self, as_owner, organization, member, signed_in, api
    ):
        second = signed_in(MembershipFactory.create(organization=organization, role="owner").user)

        assert as_owner.delete(f"{api}/users/me/").status_code == 204
        assert_problem(second.delete(f"{api}/users/me/"), 409, "conflict")

    def test_an_owner_alone_may_leave(self, as_owner, api):
        assert as_owner.delete(f"{api}/users/me/").status_code == 204
