"""
What holds of an organization when everyone acts at once.

Each of these fails when the organization's row, or the account's, is not held
while it is decided; on SQLite, when the transaction does not begin by writing.
"""

from collections import Counter

import pytest

from shop.accounts.actions import anonymise
from shop.accounts.invitations import accept_invitation, invite
from shop.accounts.models import Invitation, Membership, User
from shop.accounts.organizations import change_member, end_membership
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
