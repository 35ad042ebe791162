"""
Changing an organization, its members and its teams.

An organization keeps an owner. Whoever takes one away holds the organization's row
meanwhile, so of two owners who leave at once, or who demote each other, the second
sees that it is the last.
"""

import logging
from typing import TypedDict, Unpack

from django.db import transaction

from backstay.auth.sessions.endings import renew_claims
from backstay.errors import Conflict
from shop.accounts.errors import LastOwner, MembershipEnded
from shop.accounts.models import Membership, Organization, Team, User

logger = logging.getLogger("shop.accounts")


class OrganizationFields(TypedDict, total=False):
    name: str
    plan: str


class MemberFields(TypedDict, total=False):
    role: str
    team: Team | None


def change_organization(
    *, organization: Organization, by: User, **changes: Unpack[OrganizationFields]
) -> Organization:
    """Change the given fields. A new plan counts from the next request on, and is logged."""
    with transaction.atomic():
        current = Organization.objects.lock(organization.pk)
        before = current.plan
        for name, value in changes.items():
            setattr(current, name, value)
        current.save()
    if current.plan != before:
        extra = {"organization": current.pk, "plan": current.plan, "was": before, "by": by.pk}
        logger.info("plan_changed", extra=extra)
    return current


@transaction.atomic
def change_member(*, membership: Membership, **changes: Unpack[MemberFields]) -> None:
    """
    Change the given fields; the team is one of the member's organization.

    Raises:
        LastOwner: nobody else would own the organization.
        MembershipEnded: there is no such member any more.
    """
    if not changes:
        return
    Organization.objects.lock(membership.organization_id)
    if changes.get("role", Membership.Role.OWNER) != Membership.Role.OWNER:
        _keep_an_owner(membership)
    if not Membership.objects.filter(pk=membership.pk).update(**changes):
        raise MembershipEnded
    renew_claims([membership.user_id])


@transaction.atomic
def end_membership(*, membership: Membership) -> None:
    """
    Let a member go; what the member did stays with the organization.

    Raises:
        LastOwner: nobody else would own the organization.
    """
    Organization.objects.lock(membership.organization_id)
    _keep_an_owner(membership)
    Membership.objects.filter(pk=membership.pk).delete()


@transaction.atomic
def abandon_organization(*, user: User) -> None:
    """
    End *user*'s membership, if there is one, because the account is closed.

    An owner who is alone may go; the organization then belongs to nobody, and nobody
    can be let into it by an old invitation.

    Raises:
        LastOwner: other members would be left without an owner.
    """
    membership = Membership.objects.filter(user=user.pk).first()
    if membership is None:
        return
    organization = Organization.objects.lock(membership.organization_id)
    if organization.memberships.exclude(pk=membership.pk).exists():
        _keep_an_owner(membership)
    else:
        organization.invitations.all().delete()
    Membership.objects.filter(pk=membership.pk).delete()


def rename_team(*, team: Team, name: str) -> None:
    """
    Raises:
        Conflict: the team was deleted meanwhile.
    """
    if not Team.objects.filter(pk=team.pk).update(name=name):
        raise Conflict("This team is gone.")


def _keep_an_owner(membership: Membership) -> None:
    """
    The caller holds the organization's lock.

    Raises:
        LastOwner: it is the last of an owner.
    """
    owners = Membership.objects.filter(
        organization=membership.organization_id, role=Membership.Role.OWNER
    )
    if list(owners.values_list("pk", flat=True)[:2]) == [membership.pk]:
        raise LastOwner
