"""
What tokens claim, and how soon a change of it is seen.

A token is good for as long as its session is; what it claims is believed only while it
is true. What is asked here is answered from the claims alone where they are.
"""

from datetime import timedelta

import jwt
import pytest
import time_machine
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from backstay.auth import issue_tokens
from backstay.auth.sessions.models import Family
from backstay.auth.tokens import codec
from shop.accounts.actions import anonymise, rename
from shop.accounts.models import Membership, Organization, User
from shop.accounts.organizations import change_member, change_organization, end_membership
from shop.accounts.tokens import claims, user_of
from tests.shop.factories import MembershipFactory, StaffFactory
from tests.shop.problems import assert_problem

pytestmark = [pytest.mark.A3, pytest.mark.django_db]


def may_export(client, api):
    return client.get(f"{api}/orders/export/?format=ndjson")


def may_add_a_team(client, api):
    return client.post(f"{api}/teams/", {"name": "New"})


def me(client, api):
    return client.get(f"{api}/users/me/").json()


@pytest.fixture
def admin_page(db):
    client = Client()
    client.force_login(StaffFactory.create(is_superuser=True))
    return client


@pytest.fixture
def change_by_admin(admin_page):
    """Post a page of the admin as its form is, with *changes*."""

    def change(page, row, **changes):
        address = reverse(f"admin:accounts_{page}_change", args=[row.pk])
        forms = admin_page.get(address).context
        fields = [forms["adminform"].form, *(f for s in inlines(forms) for f in form_parts(s))]
        body = {part.add_prefix(name): initial for part, name, initial in initials(fields)}
        answer = admin_page.post(address, {**body, **changes})
        assert answer.status_code == 302, answer.context["errors"]

    return change


def inlines(context):
    return [formset.formset for formset in context["inline_admin_formsets"]]


def form_parts(formset):
    return [formset.management_form, *formset.forms]


def initials(forms):
    """Every field of *forms* with what a browser would send of it."""
    for form in forms:
        for name in form.fields:
            value = form[name].value()
            if isinstance(value, int | str) and value is not False:
                yield form, name, value


class TestClaims:
    """``TOKEN_USER`` is the other way round of ``TOKEN_CLAIMS``."""

    ACTORS = ["customer", "member", "manager", "owner", "other_owner"]

    @pytest.mark.parametrize("actor", ACTORS)
    def test_tell_all_that_the_row_would(self, request, actor, django_assert_num_queries):
        user = User.objects.with_membership().get(pk=request.getfixturevalue(actor).pk)
        told = user_of(claims(user) | {"user_id": user.pk})
        with django_assert_num_queries(0):
            assert claims(told) == claims(user)
            assert (told.pk, told.is_staff, told.is_active) == (user.pk, False, True)
            assert told.organization == user.organization
            assert told.organization_role == user.organization_role

    def test_of_staff_leave_their_role_in_an_organization_to_be_read(
        self, organization, django_assert_num_queries
    ):
        user = StaffFactory.create()
        MembershipFactory.create(user=user, organization=organization, role="owner")
        told = user_of(claims(user) | {"user_id": user.pk})
        with django_assert_num_queries(0):
            assert (told.role, told.organization) == ("staff", organization)
        with django_assert_num_queries(2):  # Its row by the user, and then once more by its key.
            assert told.organization_role == "owner"

    @pytest.mark.A2
    @pytest.mark.parametrize("name", ["email", "first_name", "user_role", "org", "plan"])
    def test_of_another_time_are_refused(self, anonymous, owner, api, name):
        known = codec().decode(issue_tokens(owner)["access"], "access")
        token = codec().encode({key: known[key] for key in known if key != name})
        response = anonymous.get(f"{api}/users/me/", HTTP_AUTHORIZATION=f"Bearer {token}")
        assert_problem(response, 401, "token_invalid")


class TestRequestThatNeedsOnlyClaims:
    def test_a_refusal_by_plan_costs_no_query(self, as_other_owner, api, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert_problem(may_export(as_other_owner, api), 403, "plan_required")

    def test_a_refusal_by_role_costs_no_query(self, as_member, api, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert_problem(may_add_a_team(as_member, api), 403, "permission_denied")

    def test_a_request_costs_what_it_would_cost_without_one(
        self, as_customer, api, django_assert_num_queries
    ):
        with django_assert_num_queries(1):
            assert as_customer.get(f"{api}/addresses/").status_code == 200


def by_api(client, api, organization, plan):
    answer = client.patch(f"{api}/organizations/{organization.pk}/", {"plan": plan})
    assert answer.status_code == 200


class TestPlan:
    """It counts at once, also for tokens that claim another."""

    @pytest.fixture(params=["api", "admin", "action", "save"])
    def give_plan(self, request, as_owner, owner, organization, api, change_by_admin):
        def give(plan):
            match request.param:
                case "api":
                    by_api(as_owner, api, organization, plan)
                case "admin":
                    change_by_admin("organization", organization, plan=plan)
                case "action":
                    change_organization(organization=organization, by=owner, plan=plan)
                case "save":
                    organization.plan = plan
                    organization.save(update_fields=["plan"])

        return give

    def test_a_downgrade_stops_a_token_that_claims_more(self, as_member, api, give_plan):
        assert may_export(as_member, api).status_code == 200
        give_plan("free")
        assert_problem(may_export(as_member, api), 403, "plan_required")
        assert me(as_member, api)["organization"]["plan"] == "free"

    @pytest.mark.P3
    def test_an_upgrade_needs_no_new_login(self, as_member, organization, api, give_plan):
        give_plan("free")
        assert_problem(may_export(as_member, api), 403, "plan_required")
        give_plan("enterprise")
        assert may_export(as_member, api).status_code == 200

    def test_ends_no_session(self, as_member, api, give_plan):
        give_plan("free")
        assert not Family.objects.exclude(ended_at=None).exists()

    def test_of_another_organization_leaves_claims_alone(
        self, as_member, other_owner, api, django_assert_num_queries
    ):
        rival = other_owner.organization
        rival.plan = "pro"
        rival.save()
        with django_assert_num_queries(0):
            assert_problem(may_add_a_team(as_member, api), 403, "permission_denied")

    def test_is_claimed_after_a_refresh(self, anonymous, member, organization):
        pair = issue_tokens(member)
        organization.plan = "free"
        organization.save()
        answer = anonymous.post("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
        claimed = jwt.decode(answer["access"], options={"verify_signature": False})
        assert claimed["plan"] == "free"


class TestRole:
    @pytest.fixture(params=["api", "admin", "action", "save"])
    def give_role(self, request, as_owner, organization, api, change_by_admin):
        def give(user, role):
            membership = Membership.objects.get(user=user)
            match request.param:
                case "api":
                    path = f"{api}/organizations/{organization.pk}/members/{membership.pk}/"
                    assert as_owner.patch(path, {"role": role}).status_code == 200
                case "admin":
                    change_by_admin("user", user, **{"membership-0-role": role})
                case "action":
                    change_member(membership=membership, role=role)
                case "save":
                    membership.role = role
                    membership.save()

        return give

    @pytest.mark.P3
    def test_less_of_one_stops_a_token_that_claims_more(self, as_manager, manager, api, give_role):
        assert may_add_a_team(as_manager, api).status_code == 201
        give_role(manager, "member")
        assert_problem(may_add_a_team(as_manager, api), 403, "permission_denied")
        assert me(as_manager, api)["role"] == "member"

    @pytest.mark.P3
    def test_more_of_one_needs_no_new_login(self, as_member, member, api, give_role):
        assert_problem(may_add_a_team(as_member, api), 403, "permission_denied")
        give_role(member, "manager")
        assert may_add_a_team(as_member, api).status_code == 201

    def test_of_one_member_leaves_claims_of_the_others_alone(
        self, as_member, manager, give_role, api, django_assert_num_queries
    ):
        give_role(manager, "member")
        with django_assert_num_queries(0):
            assert_problem(may_add_a_team(as_member, api), 403, "permission_denied")


class TestStaff:
    def test_one_who_is_made_staff_is_so_at_once(self, as_customer, customer, order, api):
        customer.is_staff = True
        customer.save()
        assert as_customer.get(f"{api}/reports/sales/").status_code == 200

    def test_one_who_is_staff_no_more_stops_at_once(self, as_staff, staff, api):
        assert as_staff.get(f"{api}/reports/sales/").status_code == 200
        staff.is_staff = False
        staff.save()
        response = as_staff.get(f"{api}/reports/sales/")
        assert_problem(response, 403, "permission_denied")


class TestLeaving:
    @pytest.fixture(params=["leave", "removal", "action", "cascade", "admin"])
    def go(self, request, as_member, as_owner, member, organization, api, change_by_admin):
        def leave():
            path = f"{api}/organizations/{organization.pk}"
            match request.param:
                case "leave":
                    assert as_member.post(f"{path}/leave/").status_code == 204
                case "removal":
                    key = member.membership.pk
                    assert as_owner.delete(f"{path}/members/{key}/").status_code == 204
                case "action":
                    end_membership(membership=member.membership)
                case "cascade":
                    Organization.objects.get(pk=organization.pk).delete()
                case "admin":
                    change_by_admin("user", member, **{"membership-0-DELETE": "on"})

        return leave

    def test_stops_a_token_that_claims_the_organization(self, as_member, api, go):
        assert may_export(as_member, api).status_code == 200
        go()
        assert_problem(may_export(as_member, api), 403, "plan_required")
        assert (me(as_member, api)["organization"], me(as_member, api)["role"]) == (
            None,
            "customer",
        )

    def test_ends_no_session(self, as_member, api, go):
        go()
        assert as_member.get(f"{api}/addresses/").status_code == 200


class TestJoining:
    def test_counts_at_once(self, as_customer, customer, organization, api):
        assert_problem(may_export(as_customer, api), 403, "plan_required")
        MembershipFactory.create(user=customer, organization=organization)
        assert may_export(as_customer, api).status_code == 200


class TestClosing:
    """Whatever closes an account ends all of its sessions."""

    @pytest.fixture(params=["api", "admin", "action", "save"])
    def close(self, request, as_customer, customer, api, change_by_admin):
        def close():
            match request.param:
                case "api":
                    assert as_customer.delete(f"{api}/users/me/").status_code == 204
                case "admin":
                    change_by_admin("user", customer, is_active="")
                case "action":
                    anonymise(user=customer)
                case "save":
                    customer.is_active = False
                    customer.save(update_fields=["is_active"])

        return close

    def test_ends_all_and_no_other(self, customer, signed_in, as_other_customer, api, close):
        other = signed_in(customer)
        pair = issue_tokens(customer)
        close()
        assert_problem(other.get(f"{api}/addresses/"), 401, "token_invalid")
        body = {"refresh": pair["refresh"]}
        assert_problem(other.post("/api/token/refresh/", body), 401, "token_invalid")
        assert as_other_customer.get(f"{api}/addresses/").status_code == 200

    def test_ends_what_needs_no_row(self, as_customer, api, close, django_assert_num_queries):
        close()
        assert_problem(may_export(as_customer, api), 401, "token_invalid")


class TestRenaming:
    def test_does_not_disturb_a_token(self, as_customer, customer, api):
        rename(user=customer, first_name="Renamed")
        assert as_customer.get(f"{api}/addresses/").status_code == 200
        assert me(as_customer, api)["first_name"] == "Renamed"

    def test_is_claimed_after_a_refresh(self, anonymous, customer):
        pair = issue_tokens(customer)
        rename(user=customer, first_name="Renamed")
        answer = anonymous.post("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
        claimed = jwt.decode(answer["access"], options={"verify_signature": False})
        assert claimed["first_name"] == "Renamed"


@pytest.mark.django_db(transaction=True)
class TestRollback:
    @pytest.mark.parametrize(
        "change",
        [
            lambda user: end_membership(membership=user.membership),
            lambda user: change_member(membership=user.membership, role="owner"),
            lambda user: change_organization(organization=user.organization, by=user, plan="free"),
            lambda user: anonymise(user=user),
        ],
        ids=["leave", "role", "plan", "close"],
    )
    def test_nothing_has_changed(self, as_owner, as_member, member, api, change):
        before = list(Family.objects.order_by("pk").values())
        with transaction.atomic():
            change(User.objects.get(pk=member.pk))
            transaction.set_rollback(True)
        assert list(Family.objects.order_by("pk").values()) == before
        assert may_export(as_member, api).status_code == 200


@pytest.mark.django_db(transaction=True)
class TestLater:
    def test_a_token_of_the_time_after_costs_nothing_again(
        self, anonymous, member, organization, api, django_assert_num_queries
    ):
        pair = issue_tokens(member)
        organization.plan = "free"
        organization.save()
        with time_machine.travel(timezone.now() + timedelta(seconds=5), tick=False):
            answer = anonymous.post("/api/token/refresh/", {"refresh": pair["refresh"]}).json()
            anonymous.credentials(HTTP_AUTHORIZATION=f"Bearer {answer['access']}")
            with django_assert_num_queries(0):
                assert_problem(may_export(anonymous, api), 403, "plan_required")
