"""
Ending sessions, and taking back what their access tokens claim.

The database decides; the denylist carries the word to every process. Each change
is announced there before it is written and settled after its commit: a process that
dies in between leaves a family that is asked for in the database, and never one that
is believed to live.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import transaction
from django.db.models import F
from django.db.models.functions import Greatest
from django.utils import timezone

from backstay.auth.sessions import denylist
from backstay.auth.sessions.hashes import hash_of_password
from backstay.auth.sessions.models import Family, FamilyQuerySet
from backstay.auth.sessions.signals import sessions_ended
from backstay.counters import count

#: Rows in one statement, and marks in one call.
BATCH = 500


def end_family(family: UUID, reason: Family.End = Family.End.LOGOUT) -> bool:
    """End one session; whether it was this call that ended it."""
    return _end(Family.objects.filter(pk=family), reason) > 0


def end_sessions(
    user: Any, *, but: UUID | str | None = None, reason: Family.End = Family.End.LOGOUT
) -> int:
    """End every session of *user* (an instance or a key), *but* one; how many."""
    families = Family.objects.filter(user=user)
    with _holding([user]):
        return _end(families.exclude(pk=but) if but else families, reason)


def renew_claims(users: Iterable[Any]) -> None:
    """
    Believe nothing that access tokens of *users* (instances or keys) claim by now.

    They stay valid; what they claim is read from the database until they are refreshed.
    Call it where a change shows in ``TOKEN_CLAIMS`` and no user is saved: a membership,
    an organization's plan.
    """
    who = list(users)
    with _holding(who):
        now = timezone.now()
        # Not later than the tokens in force, whose ``iat`` may be a moment ahead.
        after = Greatest(int(now.timestamp()), F("issued")) + 1
        _change(Family.objects.filter(user__in=who), changed_at=now, claims_from=after)


@contextmanager
def _holding(users: Sequence[Any]) -> Iterator[None]:
    """
    Hold the rows of *users*, in one order: who is logging in comes before or after.

    Before: their session is among those that are found. After: they see what has changed.
    """
    keys = [getattr(user, "pk", user) for user in users]
    with transaction.atomic():
        rows = get_user_model()._base_manager.filter(pk__in=keys).order_by("pk")
        list(rows.select_for_update(no_key=True).values_list("pk"))
        yield


def change_password(*, user: Any, password: str, keep: str | None = None) -> None:
    """
    Save a new password, which ends every session but the family *keep*.

    The password is validated by the caller.
    """
    user.set_password(password)
    with transaction.atomic():
        if keep is not None:
            kept = Family.objects.filter(pk=keep, user=user)
            kept.update(password_hash=hash_of_password(user))
        user.save(update_fields=["password"])


def _end(families: FamilyQuerySet, reason: Family.End) -> int:
    now = timezone.now()
    ended = _change(families, changed_at=now, ended_at=now, ended_for=reason)
    if ended:
        count("sessions_ended", len(ended), reason=reason)
        send = partial(sessions_ended.send, sender=Family, families=ended, reason=reason)
        transaction.on_commit(send, robust=True)
    return len(ended)


def _change(families: FamilyQuerySet, **change: Any) -> list[UUID]:
    """Write *change* to those of *families* that are live, and tell the denylist; which."""
    live = list(families.live().order_by("pk").values_list("pk", flat=True))
    batches = (live[start : start + BATCH] for start in range(0, len(live), BATCH))
    return [pk for some in batches for pk in _change_batch(some, change)]


@transaction.atomic
def _change_batch(some: list[UUID], change: dict[str, Any]) -> list[UUID]:
    """Locked in one order, so that two who change the same families wait for each other."""
    still = Family.objects.filter(pk__in=some, ended_at=None).order_by("pk")
    locked = list(still.select_for_update().values_list("pk", flat=True))
    if locked:
        announcement = denylist.announce(locked)
        Family.objects.filter(pk__in=locked).update(**change)
        transaction.on_commit(partial(denylist.settle, locked, announcement), robust=True)
    return locked
