"""An organization: who reads it, who changes its name and plan, who may leave it."""

import logging

import pytest

from shop.accounts.models import Membership, Organization
from tests.shop.factories import MembershipFactory
from tests.shop.problems import assert_problem

MISSING = 10**9


@pytest.fixture
def url(api, organization):
    return f"{api}/organizations/{organization.pk}/"


class TestReadOrganization:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.get(url), 401, "not_authenticated")

    @pytest.mark.parametrize("actor", ["member", "manager", "owner", "staff"])
    def test_members_and_staff_see_it(self, client_of, actor, url, organization):
        body = client_of(actor).get(url).json()

        assert body.keys() == {"id", "name", "plan", "created_at"}
        assert (body["id"], body["name"], body["plan"]) == (organization.pk, "Seller", "pro")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "other_owner"])
    @pytest.mark.parametrize("method", ["GET", "HEAD", "PATCH"])
    def test_a_foreign_one_is_like_a_missing_one(
        self, client_of, actor, method, url, api, assert_foreign_is_missing
    ):
        missing = f"{api}/organizations/{MISSING}/"
        if method == "HEAD":
            assert client_of(actor).head(url).status_code == 404
        else:
            assert_foreign_is_missing(client_of(actor), method, url, missing, {"plan": "free"})

    @pytest.mark.P1
    def test_there_is_no_list_of_them(self, as_staff, api):
        assert_problem(as_staff.get(f"{api}/organizations/"), 404, "not_found")


class TestChangeOrganization:
    def test_an_owner_changes_name_and_plan(self, as_owner, url):
        response = as_owner.patch(url, {"name": "Sellers", "plan": "enterprise"})

        assert response.status_code == 200
        assert (response.json()["name"], response.json()["plan"]) == ("Sellers", "enterprise")
        assert response.json() == as_owner.get(url).json()

    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["member", "manager", "staff"])
    def test_others_who_see_it_are_403(self, client_of, actor, url, organization):
        response = client_of(actor).patch(url, {"plan": "enterprise"})

        assert_problem(response, 403, "permission_denied")
        organization.refresh_from_db()
        assert organization.plan == "pro"

    @pytest.mark.P3
    def test_a_former_owner_is_403_with_the_same_token(self, as_owner, owner, url):
        as_owner.get(url)
        owner.membership.role = "member"
        owner.membership.save()
        assert_problem(as_owner.patch(url, {"plan": "free"}), 403, "permission_denied")

    @pytest.mark.P3
    def test_a_new_plan_counts_for_tokens_that_are_out(self, as_owner, as_member, url, api):
        as_owner.patch(url, {"plan": "enterprise"})
        assert as_member.get(f"{api}/users/me/").json()["organization"]["plan"] == "enterprise"

    def test_a_new_plan_is_logged_with_who_and_without_an_address(
        self, as_owner, owner, url, organization, caplog
    ):
        with caplog.at_level(logging.INFO, logger="shop.accounts"):
            as_owner.patch(url, {"plan": "free"})
            as_owner.patch(url, {"plan": "free", "name": "Same plan"})

        (record,) = [found for found in caplog.records if found.name == "shop.accounts"]
        assert record.getMessage() == "plan_changed"
        assert (record.organization, record.was, record.plan, record.by) == (
            organization.pk,
            "pro",
            "free",
            owner.pk,
        )
        assert owner.email not in str(vars(record))

    @pytest.mark.E3
    def test_only_what_is_named_changes(self, as_owner, url, organization):
        as_owner.patch(url, {"name": "Sellers"})
        organization.refresh_from_db()
        assert (organization.name, organization.plan) == ("Sellers", "pro")

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({"plan": "gold"}, "/plan", "invalid_choice"),
            ({"plan": None}, "/plan", "null"),
            ({"name": ""}, "/name", "blank"),
            ({"name": "x" * 201}, "/name", "max_length"),
            ({"name": 7}, "/name", "invalid_type"),
        ],
    )
    def test_a_bad_value_is_400(self, as_owner, url, body, pointer, code):
        assert_problem(as_owner.patch(url, body), 400, "validation_error", [(pointer, code)])

    @pytest.mark.parametrize("method", ["PUT", "POST", "DELETE", "BREW"])
    def test_other_methods_are_405(self, as_owner, url, method):
        response = as_owner.generic(method, url)
        assert_problem(response, 405, "method_not_allowed")
        assert response["Allow"] == "GET, PATCH, HEAD, OPTIONS"


@pytest.mark.P3
class TestLeaveOrganization:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.post(f"{url}leave/"), 401, "not_authenticated")

    @pytest.mark.parametrize("actor", ["member", "manager"])
    def test_a_member_is_gone_at_once(self, client_of, actor, owner, url):
        client = client_of(actor)

        assert client.post(f"{url}leave/").status_code == 204

        assert Membership.objects.get().user == owner
        assert_problem(client.get(url), 404, "not_found")

    def test_one_of_two_owners_may_and_the_other_then_not(
        self, as_owner, organization, signed_in, url
    ):
        second = signed_in(MembershipFactory.create(organization=organization, role="owner").user)

        assert as_owner.post(f"{url}leave/").status_code == 204
        assert_problem(second.post(f"{url}leave/"), 409, "conflict")

    def test_the_last_owner_may_not_with_members_or_alone(self, as_owner, owner, member, url):
        assert_problem(as_owner.post(f"{url}leave/"), 409, "conflict")
        member.membership.delete()
        assert_problem(as_owner.post(f"{url}leave/"), 409, "conflict")
        assert Membership.objects.get().user == owner

    def test_staff_who_are_no_members_are_403(self, as_staff, url):
        assert_problem(as_staff.post(f"{url}leave/"), 403, "permission_denied")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "other_owner"])
    def test_a_foreign_one_is_like_a_missing_one(
        self, client_of, actor, url, api, assert_foreign_is_missing
    ):
        missing = f"{api}/organizations/{MISSING}/leave/"
        assert_foreign_is_missing(client_of(actor), "POST", f"{url}leave/", missing)

    def test_an_organization_is_none_of_its_members_to_delete(self, as_owner, url):
        as_owner.delete(url)
        assert Organization.objects.count() == 1
