"""
Tokens claim a plan and a role: whoever changes one makes the tokens be read anew.

Also what the admin changes. A bulk ``update()`` is not seen; who does one says so.
"""

from typing import Any

from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver

from backstay.auth.sessions.endings import renew_claims
from shop.accounts.models import Membership, Organization


@receiver([post_save, post_delete], sender=Membership)
def membership_changed(instance: Membership, **_: Any) -> None:
    renew_claims([instance.user_id])


@receiver(post_save, sender=Organization)
def organization_changed(instance: Organization, *, created: bool, **_: Any) -> None:
    if not created:
        renew_claims(instance.memberships.values_list("user_id", flat=True))
