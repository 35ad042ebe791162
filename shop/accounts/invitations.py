"""
Inviting people by e-mail, and joining.

An invitation is used once: whoever deletes its row has it. What the inviter reads
is the same whether or not the address has an account; what the invited user reads
is the same for every token that is not theirs to use.
"""

from django.db import transaction

from shop.accounts.errors import AlreadyMember, InvitationNotFound
from shop.accounts.models import (
    Invitation,
    Membership,
    Organization,
    User,
    hash_of_token,
)
from shop.accounts.tasks import send_invitation_mail


@transaction.atomic
def invite(
    *,
    organization: Organization,
    email: str,
    invited_by: User,
    role: str = Membership.Role.MEMBER,
) -> Invitation:
    """
    Invite an address, and mail it the token. An earlier invitation of it is replaced.

    Raises:
        AlreadyMember: the address is that of a member of this organization.
    """
    Organization.objects.lock(organization.pk)
    if organization.memberships.filter(user__email=email).exists():
        raise AlreadyMember("This address is that of a member already.")
    organization.invitations.filter(email=email).delete()
    invitation = Invitation(
        organization=organization, email=email, role=role, invited_by=invited_by
    )
    invitation.token_hash = hash_of_token(invitation.token())
    invitation.save()
    send_invitation_mail.enqueue(invitation_id=invitation.pk)
    return invitation


@transaction.atomic
def accept_invitation(*, user: User, token: str) -> Membership:
    """
    Make *user* a member, if the token is that of an open invitation to the user's address.

    Raises:
        InvitationNotFound: it is not, for whatever reason; nobody is told which.
        AlreadyMember: the user has an organization. The invitation stays open.
    """
    found = Invitation.objects.open().filter(token_hash=hash_of_token(token))
    invitation = found.first()
    if invitation is None:
        raise InvitationNotFound
    # The organization before the account, as everybody does who holds both.
    organization = Organization.objects.lock(invitation.organization_id)
    # Whoever closes this account, or accepts something else with it, comes before or after.
    account = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not found.filter(email=account.email).exists():
        raise InvitationNotFound
    if Membership.objects.filter(user=account).exists():
        raise AlreadyMember("You are a member of an organization. Leave it to join another.")
    used, _ = found.filter(pk=invitation.pk).delete()
    if not used:
        raise InvitationNotFound
    return Membership.objects.create(user=account, organization=organization, role=invitation.role)
