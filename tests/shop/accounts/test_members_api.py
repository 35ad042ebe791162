"""Members of an organization: who sees them, who gives roles and teams, who removes."""

import pytest

from shop.accounts.models import Membership
from tests.shop.factories import MembershipFactory
from tests.shop.problems import assert_problem

MISSING = 10**9


@pytest.fixture
def url(api, organization):
    return f"{api}/organizations/{organization.pk}/members/"


@pytest.fixture
def of(url):
    """The path of a user's membership."""
    return lambda user: f"{url}{user.membership.pk}/"


@pytest.fixture
def foreign(api, other_owner):
    membership = other_owner.membership
    return f"{api}/organizations/{membership.organization_id}/members/{membership.pk}/"


class TestListMembers:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.get(url), 401, "not_authenticated")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["member", "manager", "owner", "staff"])
    def test_members_and_staff_see_exactly_its_members(
        self, client_of, actor, url, owner, member, other_owner
    ):
        client = client_of(actor)
        found = {row["user"]["id"] for row in client.get(url).json()["results"]}
        assert found == set(
            Membership.objects.filter(organization=owner.organization).values_list(
                "user", flat=True
            )
        )
        assert other_owner.pk not in found

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "other_owner"])
    def test_a_foreign_list_is_like_a_missing_one(
        self, client_of, actor, url, api, member, assert_foreign_is_missing
    ):
        missing = f"{api}/organizations/{MISSING}/members/"
        assert_foreign_is_missing(client_of(actor), "GET", url, missing)

    @pytest.mark.P2
    def test_a_row_has_person_role_and_team(self, as_member, member, team, url, of):
        Membership.objects.filter(user=member).update(team=team)

        (row,) = as_member.get(url).json()["results"]

        assert row.pop("created_at").endswith("Z")
        assert row == {
            "id": member.membership.pk,
            "user": {"id": member.pk, "full_name": member.full_name, "email": member.email},
            "role": "member",
            "team": {"id": team.pk, "name": "Sales"},
        }
        assert as_member.get(of(member)).json().items() >= row.items()

    @pytest.mark.L1
    def test_the_queries_do_not_grow_with_the_rows(
        self, as_member, url, organization, team, django_assert_num_queries
    ):
        for _ in range(2):
            MembershipFactory.create_batch(5, organization=organization, team=team)
            with django_assert_num_queries(2):
                as_member.get(url)

    def test_members_come_by_invitation_only(self, as_owner, url):
        assert_problem(as_owner.post(url, {}), 405, "method_not_allowed")


class TestChangeMember:
    @pytest.mark.parametrize("role", ["owner", "manager", "member"])
    def test_an_owner_gives_a_role(self, as_owner, member, of, role):
        response = as_owner.patch(of(member), {"role": role})

        assert (response.status_code, response.json()["role"]) == (200, role)
        assert response.json() == as_owner.get(of(member)).json()

    @pytest.mark.P3
    def test_a_role_counts_for_tokens_that_are_out(self, as_owner, as_member, member, of, api):
        team = {"name": "New"}
        assert_problem(as_member.post(f"{api}/teams/", team), 403, "permission_denied")
        as_owner.patch(of(member), {"role": "manager"})
        assert as_member.post(f"{api}/teams/", team).status_code == 201

    @pytest.mark.parametrize(
        ("body", "pointer", "code"),
        [
            ({"role": "staff"}, "/role", "invalid_choice"),
            ({"role": "OWNER"}, "/role", "invalid_choice"),
            ({"role": None}, "/role", "null"),
            ({"team": "Sales"}, "/team", "invalid_type"),
            ({"team": True}, "/team", "invalid_type"),
            ({"team": MISSING}, "/team", "does_not_exist"),
            ({"team": 10**40}, "/team", "does_not_exist"),
        ],
    )
    def test_a_bad_value_is_400(self, as_owner, member, of, body, pointer, code):
        response = as_owner.patch(of(member), body)
        assert_problem(response, 400, "validation_error", [(pointer, code)])

    def test_an_owner_puts_into_a_team_and_takes_out(self, as_owner, member, team, of):
        response = as_owner.patch(of(member), {"team": team.pk})
        assert response.json()["team"] == {"id": team.pk, "name": "Sales"}
        assert as_owner.patch(of(member), {"team": None}).json()["team"] is None

    @pytest.mark.P1
    def test_a_foreign_team_is_like_a_missing_one(self, as_owner, member, foreign_team, of):
        def answer(key):
            response = as_owner.patch(of(member), {"team": key})
            (error,) = response.json().pop("errors")
            return response.status_code, error["code"], error["detail"].replace(f"{key}", "")

        assert answer(foreign_team.pk) == answer(MISSING)
        assert Membership.objects.get(user=member).team is None

    @pytest.mark.E3
    def test_only_what_is_named_changes(self, as_owner, member, team, of):
        as_owner.patch(of(member), {"team": team.pk})
        as_owner.patch(of(member), {"role": "manager"})
        as_owner.patch(of(member), {})
        found = Membership.objects.get(user=member)
        assert (found.role, found.team) == ("manager", team)

    @pytest.mark.P3
    def test_the_last_owner_cannot_be_demoted(self, as_owner, owner, manager, of):
        for role in ("member", "manager"):
            assert_problem(as_owner.patch(of(owner), {"role": role}), 409, "conflict")
        assert as_owner.patch(of(owner), {"role": "owner"}).status_code == 200
        assert Membership.objects.get(user=owner).role == "owner"

    @pytest.mark.P3
    def test_one_of_two_owners_can(self, as_owner, owner, organization, of):
        MembershipFactory.create(organization=organization, role="owner")
        assert as_owner.patch(of(owner), {"role": "member"}).json()["role"] == "member"
        assert_problem(as_owner.patch(of(owner), {"role": "owner"}), 403, "permission_denied")

    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["member", "manager", "staff"])
    @pytest.mark.parametrize("method", ["patch", "delete"])
    def test_others_who_see_it_are_403(self, client_of, actor, method, member, url, of):
        client = client_of(actor)
        for path in (of(member), f"{url}{MISSING}/"):
            response = getattr(client, method)(path, {"role": "owner"})
            assert_problem(response, 403, "permission_denied")
        assert Membership.objects.get(user=member).role == "member"

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "owner"])
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_a_foreign_one_is_like_a_missing_one(
        self, client_of, actor, method, foreign, api, url, assert_foreign_is_missing
    ):
        client, body = client_of(actor), {"role": "member"}
        missing = f"{api}/organizations/{MISSING}/members/{MISSING}/"
        assert_foreign_is_missing(client, method, foreign, missing, body)
        # Nor is it found under one's own organization.
        within = f"{url}{foreign.rstrip('/').rpartition('/')[2]}/"
        assert_foreign_is_missing(client, method, within, f"{url}{MISSING}/", body)


class TestRemoveMember:
    def test_an_owner_removes_and_the_member_is_out_at_once(
        self, as_owner, as_member, member, of, url
    ):
        assert as_owner.delete(of(member)).status_code == 204

        assert_problem(as_member.get(url), 404, "not_found")
        assert not Membership.objects.filter(user=member).exists()

    @pytest.mark.P3
    def test_the_last_owner_cannot_be_removed(self, as_owner, owner, manager, of):
        assert_problem(as_owner.delete(of(owner)), 409, "conflict")
        assert Membership.objects.filter(user=owner).exists()

    @pytest.mark.P3
    def test_another_owner_can(self, as_owner, organization, of):
        second = MembershipFactory.create(organization=organization, role="owner").user
        assert as_owner.delete(of(second)).status_code == 204

    def test_what_the_member_did_stays(self, as_owner, member, product, team, of):
        as_owner.delete(of(member))
        member.refresh_from_db()
        product.refresh_from_db()
        assert (member.is_active, member.organization) == (True, None)
