"""
Opening and closing accounts.

Neither tells a stranger whether an address has an account: ``register`` answers
its caller, who must not pass it on, and takes one password hash either way.
"""

from uuid import uuid4

from django.contrib.auth.hashers import make_password
from django.db import IntegrityError, transaction

from backstay.auth import TokenInvalid
from shop.accounts.models import Membership, Organization, User
from shop.accounts.organizations import abandon_organization
from shop.accounts.signals import anonymised
from shop.accounts.tasks import send_known_address_mail, send_welcome_mail


def register(*, email: str, password: str, first_name: str, last_name: str) -> bool:
    """
    Open an account, unless the address has one: then nothing changes.

    True for exactly one of any number of twins; the unique constraint decides.
    """
    user = User(
        email=email, password=make_password(password), first_name=first_name, last_name=last_name
    )
    try:
        with transaction.atomic():
            user.save()
            send_welcome_mail.enqueue(user_id=user.pk)
    except IntegrityError:
        known = User.objects.filter(email=email).first()
        if known is None:
            raise
        # Its owner may be told, and one row is written either way.
        send_known_address_mail.enqueue(user_id=known.pk)
        return False
    return True


def rename(*, user: User, **names: str) -> None:
    """
    Change the given of ``first_name`` and ``last_name``.

    Raises:
        TokenInvalid: the account was closed since the request came in.
    """
    if names and not User.objects.filter(pk=user.pk, is_active=True).update(**names):
        raise TokenInvalid


@transaction.atomic
def anonymise(*, user: User) -> None:
    """
    Close an account for good and forget whose it was; what it did stays.

    Raises:
        LastOwner: an organization's members would be left without an owner.
    """
    # The organization before the account, as everybody does who holds both.
    for membership in Membership.objects.filter(user=user.pk):
        Organization.objects.lock(membership.organization_id)
    # An invitation that is being accepted with this account comes before or after.
    User.objects.select_for_update(no_key=True).get(pk=user.pk)
    abandon_organization(user=user)
    # The instance may have its membership loaded still.
    user.refresh_from_db()
    # Not the id alone: anyone could register that address first and be in the way.
    user.email = f"deleted-{user.pk}-{uuid4().hex}@invalid.example"
    user.first_name = user.last_name = ""
    user.set_unusable_password()
    user.is_active = user.is_staff = user.is_superuser = False
    user.last_login = None
    user.save()
    user.groups.clear()
    user.user_permissions.clear()
    anonymised.send(sender=User, user=user)
