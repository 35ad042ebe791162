"""What saving or deleting a user means for their sessions, whoever does it."""

from collections.abc import Collection
from typing import Any

from django.contrib.auth.base_user import AbstractBaseUser

from backstay.auth.issuing import own_claims
from backstay.auth.sessions.endings import end_family, end_sessions, renew_claims
from backstay.auth.sessions.hashes import hash_of_claims, hash_of_password
from backstay.auth.sessions.models import Family

#: A login writes it; it says nothing about the sessions.
UNRELATED = {"last_login"}


def user_saved(
    instance: AbstractBaseUser,
    created: bool,
    raw: bool,
    update_fields: Collection[str] | None = None,
    **_: Any,
) -> None:
    """End what an old password or an inactive user has, renew what is claimed differently."""
    if created or raw or (update_fields is not None and UNRELATED.issuperset(update_fields)):
        return
    families = list(Family.objects.live().filter(user=instance.pk))
    if not families:
        return
    # Of an instance that was read long ago only what was written counts.
    written = {"password", "is_active"} if update_fields is None else {*update_fields}
    if "is_active" in written and not instance.is_active:
        end_sessions(instance.pk, reason=Family.End.USER)
        return
    if "password" in written:
        password = hash_of_password(instance)
        for family in families:
            if family.password_hash != password:
                end_family(family.pk, Family.End.PASSWORD)
    claims = hash_of_claims(own_claims(instance))
    if any(family.claims_hash != claims for family in families):
        renew_claims([instance.pk])


def user_deleted(instance: AbstractBaseUser, **_: Any) -> None:
    """The rows stay, so that the denylist can be made anew from them."""
    end_sessions(instance.pk, reason=Family.End.USER)
