"""
Which access tokens not to believe, asked in the request's one trip to Redis.

Of each family that changed within one access lifetime there is a *mark*: that it
ended; the ``iat`` from which its claims are true; or that it is unsettled, and the
database has to be asked. A family without a mark is as its tokens say. Marks expire
with the tokens they are about.

Redis may lose marks, so the database is their source. They are loaded anew where
Redis was flushed (its epoch is gone) or restarted (it has forgotten our scripts), and
where this process starts or could not reach it for a moment. While Redis is out, or
takes no writes, each request asks the database for its family: one query. Without Redis
the marks are this process's own.

Limits: a failover that loses the last writes of a Redis that still answers is
noticed with the next lost connection. What one process alone could not write it goes on
telling for ``RETRY_SECONDS``, and with its next authenticated request. Without Redis an
end in one process reaches another only when the access token expires.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from threading import Lock
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone

from backstay.auth.sessions.marks import (
    ENDED,
    UNSETTLED,
    LocalMarks,
    mark_key,
    tell,
    untold,
)
from backstay.auth.sessions.models import Family
from backstay.conf import settings
from backstay.counters import count
from backstay.pipeline import Part
from backstay.store import StoreUnavailable, key, store


@dataclass(frozen=True, slots=True)
class Verdict:
    """``claims_from``: what a token with an earlier ``iat`` claims is not true any more."""

    ended: bool = False
    claims_from: int = 0


ALIVE = Verdict()


class DenylistPart(Part):
    """
    Asks whether tokens of *family* are to be believed: a ``Verdict``.

    Where it is not simply so of one *issued* then, the parts after this one wait.
    """

    name = "denylist"
    lua = """
      local mark = redis.call('GET', keys[1])
      -- Written and not read: a Redis that takes no writes, full or read-only, fails here.
      -- It could have been told of no end.
      local epoch = redis.call('SET', keys[2], '1', 'XX')
      local claims_from = tonumber(mark or 0)
      return {mark, epoch}, not (epoch and claims_from and claims_from <= tonumber(args[1]))
    """

    def __init__(self, family: str, issued: int = 0) -> None:
        self.family = family
        self.issued = issued
        self.keys = (mark_key(family), _epoch_key())
        self.args = (issued,)

    def read(self, raw: Any) -> Verdict:
        mark, epoch = raw
        if epoch is None or _marks.lost():
            _marks.load()
            return in_database(self.family)
        return self._verdict(mark.decode() if mark else None)

    def here(self) -> Verdict:
        if _marks.lost():
            _marks.load()
            return in_database(self.family)
        return self._verdict(_local.get(self.family))

    def in_outage(self) -> Verdict:
        return in_database(self.family)

    def stops(self, answer: Verdict) -> bool:
        return answer.ended or answer.claims_from > self.issued

    def _verdict(self, mark: str | None) -> Verdict:
        if mark is None:
            return ALIVE
        if mark.startswith(UNSETTLED):
            return in_database(self.family)
        return Verdict(ended=True) if mark == ENDED else Verdict(claims_from=int(mark))


def in_database(family: str) -> Verdict:
    """One query. A family that is not there has ended."""
    try:
        key_of_family = UUID(family)
    except ValueError:
        return Verdict(ended=True)
    row = Family.objects.filter(pk=key_of_family).values_list("ended_at", "claims_from").first()
    return Verdict(ended=True) if row is None or row[0] else Verdict(claims_from=row[1])


def announce(families: Collection[UUID]) -> str:
    """
    Say, before it is written, that something about *families* changes.

    Returns what to give to ``settle``: only whoever announced a change last may say
    that a family lives on.
    """
    announcement = f"{UNSETTLED}{uuid4().hex}"
    _write({str(family): announcement for family in families})
    return announcement


def settle(families: Collection[UUID], announcement: str) -> None:
    """Say, after the commit, how things stand with *families*."""
    _write(_marks_of(Family.objects.filter(pk__in=families)), settles=announcement)


def _marks_of(families: Any) -> dict[str, str]:
    """Only of those whose access tokens may still be good."""
    recent = families.filter(last_used_at__gt=timezone.now() - _lifetime())
    rows = recent.values_list("pk", "ended_at", "claims_from")
    return {str(pk): ENDED if ended else str(since) for pk, ended, since in rows}


class _Marks:
    """Whether the marks can be trusted, and how they are made again."""

    def __init__(self) -> None:
        self._lock = Lock()
        #: The losses of the store that were made good; see ``Store.losses``.
        self.loaded: object = None

    def lost(self) -> bool:
        return self.loaded != _losses()

    def load(self) -> None:
        """Make them anew from the database; one thread at a time, the others ask it themselves."""
        if not self._lock.acquire(blocking=False):
            return
        try:
            losses = _losses()
            changed = Family.objects.filter(changed_at__gt=timezone.now() - _lifetime())
            if _write(_marks_of(changed), again=True):
                self.loaded = losses
                count("denylist_loaded")
        finally:
            self._lock.release()


_marks = _Marks()
_local = LocalMarks()


def _write(marks: dict[str, str], *, again: bool = False, settles: str = "") -> bool:
    """
    Set *marks*; loading *again* leaves those that are there. Whether it was done.

    What Redis does not take now is loaded when it answers again: its failure is a loss.
    """
    seconds = int(_lifetime().total_seconds()) + 1
    redis = store()
    if redis is None:
        _local.write(marks, again=again, settles=settles, seconds=seconds)
        return True
    try:
        tell(redis, marks, [int(again), seconds, settles])
        if again:
            redis.call("SET", _epoch_key(), "1")
    except StoreUnavailable:
        count("outage", part="denylist")
        if not again:
            untold.tell(redis, marks, seconds)
        return False
    return True


def _losses() -> object:
    redis = store()
    return "this process" if redis is None else (id(redis), redis.losses)


def _lifetime() -> timedelta:
    """For so long an access token may be good after it was issued."""
    return settings.ACCESS_TOKEN_LIFETIME + settings.LEEWAY


def _epoch_key() -> str:
    return key("families")
