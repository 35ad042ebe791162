"""Fields that are not for writing, in every body an account's endpoints take."""

import pytest

from shop.accounts.models import Invitation, Membership, Organization, Team, User
from tests.shop.problems import assert_problem

MISSING = 10**9

pytestmark = pytest.mark.P2

#: Actor, method, path, a body that is accepted, and what else the answer shows.
WRITES = [
    ("owner", "patch", "organizations/{organization}/", {}, {"id", "created_at"}),
    ("owner", "patch", "organizations/{organization}/members/{member}/", {}, set()),
    (
        "owner",
        "post",
        "organizations/{organization}/invitations/",
        {"email": "new@shop.example"},
        {"id", "invited_by", "created_at", "expires_at"},
    ),
    ("manager", "post", "teams/", {"name": "New"}, {"id", "organization"}),
    ("manager", "patch", "teams/{team}/", {}, {"id", "organization"}),
    ("other_customer", "post", "invitations/accept/", {"token": "{token}"}, set()),
]

#: What a column or a relation of any model here is called, and what none is.
NAMES = {
    field.name
    for model in (Organization, Membership, Invitation, Team, User)
    for field in model._meta.get_fields()
} | {"organization_id", "user_id", "team_id", "is_admin", "permissions", "pk"}

#: What each endpoint takes.
TAKEN = {
    "organizations/{organization}/": {"name", "plan"},
    "organizations/{organization}/members/{member}/": {"role", "team"},
    "organizations/{organization}/invitations/": {"email", "role"},
    "teams/": {"name"},
    "teams/{team}/": {"name"},
    "invitations/accept/": {"token"},
}


@pytest.fixture
def write(client_of, api, organization, manager, member, team, invited):
    def send(actor, method, path, body, **more):
        path = path.format(organization=organization.pk, member=member.membership.pk, team=team.pk)
        body = {name: value.format(token=invited.token()) for name, value in body.items()}
        return getattr(client_of(actor), method)(f"{api}/{path}", {**body, **more})

    return send


@pytest.fixture
def rows(other_owner):
    """Every row of what can be written."""

    def read():
        models = (Organization, Membership, Invitation, Team, User)
        return [list(model.objects.order_by("pk").values()) for model in models]

    return read


@pytest.mark.parametrize(("actor", "method", "path", "body", "shown"), WRITES)
class TestWrite:
    def test_it_is_accepted_as_it_is(self, write, actor, method, path, body, shown):
        response = write(actor, method, path, body)
        assert response.status_code in {200, 201}
        assert shown <= response.json().keys()

    def test_what_is_only_shown_is_ignored(
        self, write, actor, method, path, body, shown, foreign_team, organization
    ):
        hostile: dict[str, int] = dict.fromkeys(shown, MISSING)
        hostile |= dict.fromkeys(shown & {"organization"}, foreign_team.organization_id)

        response = write(actor, method, path, body, **hostile)

        assert response.status_code in {200, 201}
        for name in shown:
            assert response.json()[name] != hostile[name]
        if "organization" in shown:
            assert response.json()["organization"]["id"] == organization.pk

    def test_what_is_unknown_is_400_and_changes_nothing(
        self, write, actor, method, path, body, shown, rows, foreign_team
    ):
        before = rows()
        for name in sorted(NAMES - shown - TAKEN[path]):
            response = write(actor, method, path, body, **{name: foreign_team.organization_id})
            assert_problem(response, 400, "validation_error", [(f"/{name}", "unknown_field")])
        assert rows() == before
