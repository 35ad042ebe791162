"""Mails about accounts. None goes to an account that was closed meanwhile."""

from backstay.outbox import job
from shop import mail
from shop.accounts.models import Invitation, User


# Not atomic: they write nothing, and a slow mail server must not hold a transaction.
@job("accounts.welcome_mail", atomic=False)
def send_welcome_mail(*, user_id: int) -> None:
    """Greet a new account."""
    send(user_id, "Welcome to the shop", WELCOME)


@job("accounts.known_address_mail", atomic=False)
def send_known_address_mail(*, user_id: int) -> None:
    """Tell the owner of an address what the registration form told nobody."""
    send(user_id, "You already have an account", KNOWN_ADDRESS)


@job("accounts.invitation_mail", atomic=False)
def send_invitation_mail(*, invitation_id: int) -> None:
    """Carry the token to the address, unless the invitation was withdrawn or replaced."""
    invitations = Invitation.objects.open().select_related("organization")
    invitation = invitations.filter(pk=invitation_id).first()
    if invitation is None:
        return
    # On one line, so that a name cannot pass for more of the mail.
    organization = " ".join(invitation.organization.name.split())
    body = INVITATION.format(organization=organization, token=invitation.token())
    mail.send(to=invitation.email, subject="You are invited to an organization", body=body)


def send(user_id: int, subject: str, body: str) -> None:
    user = User.objects.filter(pk=user_id, is_active=True).first()
    if user is not None:
        mail.send(to=user.email, subject=subject, body=body)


WELCOME = """\
Hello,

your account at the shop is open, and you can log in with this address.

If you did not open it, somebody mistyped an address: please ignore this mail.
"""

KNOWN_ADDRESS = """\
Hello,

somebody, perhaps you, tried to open an account at the shop with this address.
You already have one, so nothing was changed: log in as usual.

If it was not you, there is nothing to do.
"""

INVITATION = """\
Hello,

the organization "{organization}" invites you to join it at the shop.

Log in with this address, or open an account with it, and accept with this code
within seven days:

{token}

If you do not know the organization, please ignore this mail.
"""
