"""Teams of one's own organization: members see them, owners and managers write."""

import pytest

from shop.accounts.models import Membership, Team
from tests.shop.factories import TeamFactory
from tests.shop.problems import assert_problem

MISSING = 10**9


@pytest.fixture
def url(api):
    return f"{api}/teams/"


class TestListTeams:
    @pytest.mark.A1
    def test_anonymous_is_401(self, anonymous, url):
        assert_problem(anonymous.get(url), 401, "not_authenticated")

    @pytest.mark.P1
    @pytest.mark.parametrize(
        ("actor", "names"),
        [
            ("customer", []),
            ("member", ["Buying", "Sales"]),
            ("owner", ["Buying", "Sales"]),
            ("other_owner", ["Theirs"]),
            ("staff", ["Buying", "Sales", "Theirs"]),
        ],
    )
    def test_each_sees_their_organizations(
        self, client_of, actor, names, url, organization, team, foreign_team
    ):
        TeamFactory.create(organization=organization, name="Buying")
        rows = client_of(actor).get(url).json()["results"]
        assert [row["name"] for row in rows] == names

    def test_a_row_is_what_the_detail_shows(self, as_member, url, team, organization):
        (row,) = as_member.get(url).json()["results"]
        assert row == as_member.get(f"{url}{team.pk}/").json()
        assert row == {
            "id": team.pk,
            "name": "Sales",
            "organization": {"id": organization.pk, "name": "Seller", "plan": "pro"},
        }

    @pytest.mark.L2
    def test_pages_give_each_once(self, as_member, url, organization):
        TeamFactory.create_batch(5, organization=organization)
        following, found = f"{url}?page_size=2", []
        while following:
            body = as_member.get(following).json()
            found += [row["name"] for row in body["results"]]
            following = body["next"]
        assert found == sorted(Team.objects.values_list("name", flat=True))

    @pytest.mark.L1
    def test_the_queries_do_not_grow_with_the_rows(self, as_staff, url, django_assert_num_queries):
        for _ in range(2):
            TeamFactory.create_batch(5)
            with django_assert_num_queries(1):
                as_staff.get(url)


class TestWriteTeams:
    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["owner", "manager"])
    def test_owners_and_managers_create_rename_and_delete(
        self, client_of, actor, url, organization
    ):
        client = client_of(actor)

        created = client.post(url, {"name": "Sales"})
        assert created.status_code == 201
        assert created.json()["organization"]["id"] == organization.pk
        location = created["Location"]
        assert location == f"{url}{created.json()['id']}/"
        assert client.patch(location, {"name": "Buying"}).json()["name"] == "Buying"
        assert client.patch(location, {}).status_code == 200
        assert client.delete(location).status_code == 204
        assert_problem(client.get(location), 404, "not_found")

    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["member", "customer", "staff"])
    def test_others_create_none_whatever_they_send(self, client_of, actor, url):
        for body in ({"name": "Sales"}, {"nmae": 7}):
            assert_problem(client_of(actor).post(url, body), 403, "permission_denied")
        assert not Team.objects.exists()

    @pytest.mark.P3
    @pytest.mark.parametrize("actor", ["member", "staff"])
    @pytest.mark.parametrize("method", ["patch", "delete"])
    def test_others_who_see_one_are_403(self, client_of, actor, method, url, team):
        response = getattr(client_of(actor), method)(f"{url}{team.pk}/", {"name": "Mine"})
        assert_problem(response, 403, "permission_denied")

    @pytest.mark.P1
    @pytest.mark.parametrize("actor", ["customer", "owner", "manager"])
    @pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
    def test_a_foreign_one_is_like_a_missing_one(
        self, client_of, actor, method, url, foreign_team, assert_foreign_is_missing
    ):
        assert_foreign_is_missing(
            client_of(actor), method, f"{url}{foreign_team.pk}/", f"{url}{MISSING}/", {"name": "x"}
        )

    def test_a_name_that_is_taken_is_409(self, as_owner, url, team):
        response = as_owner.post(url, {"name": "Sales"})
        assert_problem(response, 409, "conflict", [("/name", "unique")])

    def test_a_team_cannot_take_anothers_name(self, as_owner, url, team, organization):
        TeamFactory.create(organization=organization, name="Buying")
        response = as_owner.patch(f"{url}{team.pk}/", {"name": "Buying"})
        assert_problem(response, 409, "conflict", [("/name", "unique")])

    def test_another_organizations_name_is_free(self, as_owner, url, foreign_team):
        assert as_owner.post(url, {"name": foreign_team.name}).status_code == 201

    @pytest.mark.parametrize(
        ("name", "code"),
        [("", "blank"), ("x" * 101, "max_length"), (None, "null"), (7, "invalid_type")],
    )
    def test_a_bad_name_is_400(self, as_owner, url, name, code):
        response = as_owner.post(url, {"name": name})
        assert_problem(response, 400, "validation_error", [("/name", code)])

    def test_members_of_a_deleted_team_stay(self, as_owner, url, team, member):
        Membership.objects.filter(user=member).update(team=team)
        as_owner.delete(f"{url}{team.pk}/")
        assert Membership.objects.get(user=member).team is None
