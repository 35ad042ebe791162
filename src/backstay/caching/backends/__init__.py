"""
Where entries are kept, and what every such place promises.

Time is one number, a *stamp*, which every change of something makes larger. A tag's stamp
is that of its last change. An entry has the stamp at which its making began, and holds as
long as none of its tags has a later one: so whoever has read before a change cannot put
back afterwards what was then true.

A write is announced before its commit, and settled after it. Both change the tags; between
them, and for ``LEASE_SECONDS`` where a crash left it unsettled, nothing is kept that depends
on them. So a crash at any point leaves nothing stale.

Every entry also depends on ``EVERYTHING``.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection
from typing import Any, NamedTuple

from django.apps import apps

from backstay.caching.policy import MOST_SECONDS
from backstay.conf import settings

#: The tag that all entries have.
EVERYTHING = "*"

#: For so long a write is unsettled at most, and an answer that took longer is not kept.
LEASE_SECONDS = 30

#: For so long one caller makes an answer while others wait. Who is killed delays them no more.
LEADER_SECONDS = 5

#: After an answer that was not kept, nobody waits for the next one for so long.
PASS_SECONDS = 1

#: Instead of a leader's name: whoever comes makes the answer.
PASS = "pass"  # noqa: S105  # No password.

#: Marks outlive every entry.
KEEP_SECONDS = 2 * MOST_SECONDS


class Found(NamedTuple):
    """What there is under a key."""

    #: As it was filled, of an entry that still holds.
    data: bytes | None
    age_seconds: float
    #: Younger than its policy's ``seconds``.
    fresh: bool
    #: To be given back with ``fill``: the stamp, in the backend's own form, and the
    #: microsecond of the look.
    stamp: Any
    looked_at_us: int
    #: Who makes the answer now; asked for only where somebody offered to lead.
    leader: str
    #: When the backend was last emptied, if it tells.
    born: bytes = b""


class Fill(NamedTuple):
    """An answer to be kept."""

    key: str
    found: Found
    leader: str
    tags: Collection[str]
    data: bytes
    seconds: float
    lifetime: float


class Backend(ABC):
    """One place for entries. Each method is one step, whoever else is at work."""

    #: Whether all processes share it.
    shared = True

    @abstractmethod
    def look(self, key: str, *, leader: str = "", route: str = "") -> Found:
        """
        What there is; where it is nothing fresh, *leader* offers to make it.

        The first look of a request gives its *route*, for the statistics.
        """

    @abstractmethod
    def fill(self, fill: Fill) -> bool:
        """Keep an answer, unless something that it depends on has changed since its look."""

    def began(self, found: Found, seconds: float) -> Found | None:
        """
        *found* as of so many *seconds* earlier, when the first was read that the answer shows.

        ``None`` where a backend cannot tell what was changed since. Stamps are microseconds
        since 1970, or later.
        """
        return found._replace(stamp=min(found.stamp, found.looked_at_us - round(seconds * 1e6)))

    @abstractmethod
    def leave(self, key: str, leader: str, *, others_pass: bool) -> None:
        """*leader* has kept nothing; *others_pass*: nor will the next ones."""

    @abstractmethod
    def announce(self, tags: Collection[str], writer: str) -> None:
        """*writer* is about to commit a change of *tags*."""

    @abstractmethod
    def settle(self, tags: Collection[str], writer: str) -> None:
        """*writer* has committed it, or not."""

    def statistics(self) -> dict[str, int]:
        """Looks so far by ``"<route> <outcome>"``."""
        return {}


def backend() -> Backend:
    """The one in force: Redis, the cache of ``CACHE_ALIAS``, or this process."""
    if settings.REDIS_URL is not None:
        from backstay.caching.backends.redis import redis

        return redis
    if settings.CACHE_ALIAS is not None:
        from backstay.caching.backends.django import DjangoCache

        return DjangoCache(settings.CACHE_ALIAS)
    from backstay.caching.backends.local import local

    return local


def installed() -> bool:
    """Whether writes are seen; without that nothing is kept."""
    return apps.is_installed("backstay.caching")
