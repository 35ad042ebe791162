"""
What holds of an organization when everyone acts at once.

Each of these fails when the organization's row, or the account's, is not held
while it is decided; on SQLite, when the transaction does not begin by writing.
"""

from collections import Counter

import pytest
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from shop.accounts.actions import anonymise
from shop.accounts.invitations import accept_invitation, invite
from shop.accounts.models import Invitation, Membership, User
from shop.accounts.organizations import change_member, change_organization, end_membership
from tests.shop.contest import contest
from tests.shop.factories import MembershipFactory, OrganizationFactory, UserFactory

pytestmark = [pytest.mark.P3, pytest.mark.django_db(transaction=True)]

ROUNDS = 20


def leave(membership_id: int) -> None:
    end_membership(membership=Membership.objects.get(pk=membership_id))


def demote(membership_id: int) -> None:
    change_member(membership=Membership.objects.get(pk=membership_id), role="member")


def leave_or_demote(action: str, membership_id: int) -> None:
    (leave if action == "leave" else demote)(membership_id)


def accept(user_id: int, token: str) -> Membership:
    return accept_invitation(user=User.objects.get(pk=user_id), token=token)


def accept_or_close(action: str, user_id: int, token: str) -> None:
    if action == "accept":
        accept(user_id, token)
    else:
        anonymise(user=User.objects.get(pk=user_id))


def invite_again(organization_id: int, owner_id: int) -> Invitation:
    owner = User.objects.get(pk=owner_id)
    assert owner.organization is not None
    return invite(organization=owner.organization, email="x@x.example", invited_by=owner)


def change_or_close(action: str, user_id: int) -> None:
    membership = Membership.objects.select_related("organization").get(user=user_id)
    if action == "close":
        anonymise(user=User.objects.get(pk=user_id))
    elif action == "plan":
        organization = membership.organization
        change_organization(organization=organization, by=membership.user, plan="pro")
    else:
        change_member(membership=membership, role="manager")


def assign(token: str, path: str, conditional: bool) -> object:
    """The status of a change by HTTP, as the name of a type, which is what a contest counts."""
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    headers = {"If-Match": client.get(path)["ETag"]} if conditional else {}
    role = "manager" if conditional else "member"
    response = client.patch(path, {"role": role}, headers=headers)
    return type(str(response.status_code), (), {})()


class TestOneOrder:
    """Who holds an organization and an account holds them in one order, or they deadlock."""

    def test_closing_an_account_while_its_role_and_plan_change(self):
        owner = MembershipFactory.create(role="owner")
        members = MembershipFactory.create_batch(30, organization=owner.organization, role="member")
        moves = ("close", "role", "plan")

        outcomes = contest(
            change_or_close, [(move, one.user_id) for one in members for move in moves]
        )

        assert set(outcomes) <= {"NoneType", "DoesNotExist", "MembershipEnded"}

    def test_changing_a_member_with_if_match_and_without(self, rounds):
        owner = MembershipFactory.create(role="owner")
        member = MembershipFactory.create(organization=owner.organization, role="member")
        token = issue_tokens(owner.user)["access"]
        path = f"/api/v1/organizations/{owner.organization_id}/members/{member.pk}/"

        outcomes = contest(assign, [(token, path, turn % 2 == 0) for turn in range(6 * rounds)])

        assert set(outcomes) <= {"200", "412"}


class TestTwoOwners:
    @pytest.fixture
    def pairs(self) -> list[int]:
        """The owners of each organization, side by side."""
        organizations = OrganizationFactory.create_batch(ROUNDS)
        return [
            MembershipFactory.create(organization=organization, role="owner").pk
            for organization in organizations
            for _ in range(2)
        ]

    def test_one_stays_when_both_leave(self, pairs):
        outcomes = contest(leave, [(key,) for key in pairs])

        assert Counter(outcomes) == {"NoneType": ROUNDS, "LastOwner": ROUNDS}
        owned = Membership.objects.filter(role="owner").values_list("organization", flat=True)
        assert len(set(owned)) == len(owned) == ROUNDS

    def test_one_stays_an_owner_when_both_are_demoted(self, pairs):
        outcomes = contest(demote, [(key,) for key in pairs])

        assert Counter(outcomes) == {"NoneType": ROUNDS, "LastOwner": ROUNDS}
        assert Membership.objects.filter(role="owner").count() == ROUNDS

    def test_one_stays_when_one_leaves_and_the_other_is_demoted(self, pairs):
        moves = [(("leave", "demote")[turn % 2], key) for turn, key in enumerate(pairs)]

        outcomes = contest(leave_or_demote, moves)

        assert Counter(outcomes) == {"NoneType": ROUNDS, "LastOwner": ROUNDS}
        assert Membership.objects.filter(role="owner").count() == ROUNDS


class TestInvitations:
    def test_accepted_many_times_at_once_makes_one_member(self):
        owner = MembershipFactory.create(role="owner")
        users = UserFactory.create_batch(10)
        tokens = {
            user.pk: invite(
                organization=owner.organization, email=user.email, invited_by=owner.user
            ).token()
            for user in users
        }

        outcomes = contest(accept, [item for item in tokens.items() for _ in range(4)])

        assert Counter(outcomes) == {"Membership": 10, "InvitationNotFound": 30}
        assert Membership.objects.exclude(pk=owner.pk).count() == 10
        assert not Invitation.objects.exists()

    def test_two_accepted_at_once_make_one_member_and_one_stays_open(self):
        owners = MembershipFactory.create_batch(2, role="owner")
        users = UserFactory.create_batch(10)
        arguments = [
            (
                user.pk,
                invite(
                    organization=owner.organization, email=user.email, invited_by=owner.user
                ).token(),
            )
            for user in users
            for owner in owners
        ]

        outcomes = contest(accept, arguments)

        assert Counter(outcomes) == {"Membership": 10, "AlreadyMember": 10}
        assert Invitation.objects.count() == 10

    def test_an_account_that_is_closed_meanwhile_is_no_member(self):
        owner = MembershipFactory.create(role="owner")
        arguments = []
        for user in UserFactory.create_batch(20):
            token = invite(
                organization=owner.organization, email=user.email, invited_by=owner.user
            ).token()
            arguments += [("accept", user.pk, token), ("close", user.pk, token)]

        outcomes = contest(accept_or_close, arguments)

        assert set(outcomes) <= {"NoneType", "InvitationNotFound"}
        assert User.objects.filter(is_active=False).count() == 20
        assert not Membership.objects.filter(user__is_active=False).exists()

    def test_one_address_invited_many_times_at_once_has_one_invitation(self):
        owner = MembershipFactory.create(role="owner")

        outcomes = contest(invite_again, [(owner.organization_id, owner.user_id)] * 24)

        assert Counter(outcomes) == {"Invitation": 24}
        assert Invitation.objects.count() == 1
