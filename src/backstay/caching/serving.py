"""
One answer for all who ask at the same time: a hit, or a view that one of them runs.

Whoever finds nothing fresh offers to lead. The leader runs the view; the others get what
was there while ``stale_seconds`` last, or wait until the leader has kept its answer or has
given up. A leader that dies delays them for ``LEADER_SECONDS`` at the most.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.utils.cache import patch_vary_headers
from rest_framework.renderers import BrowsableAPIRenderer
from rest_framework.request import Request

from backstay.caching import freshness
from backstay.caching.backends import EVERYTHING, LEADER_SECONDS, PASS, Fill, Found, backend
from backstay.caching.backends import installed as writes_are_seen
from backstay.caching.conditional import etag_of, render
from backstay.caching.entries import Entry, why_not
from backstay.caching.policy import CachePolicy
from backstay.counters import count
from backstay.store import StoreUnavailable
from backstay.tables import Reads, recording

#: Between two looks of one who waits.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.05

#: More than these are not compared at every hit.
MOST_TAGS = 200

Handler = Callable[[], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Kept:
    """Where one answer is to be found or kept."""

    key: str
    #: What the request's one trip has found; ``None`` where it was not asked.
    found: Found | None


def may_keep(request: Request) -> bool:
    """Whether what this thread reads now is what everybody sees, and the same for all."""
    return (
        writes_are_seen()
        and request.method in {"GET", "HEAD"}
        and not isinstance(getattr(request, "accepted_renderer", None), BrowsableAPIRenderer)
        and not freshness.uncommitted()
    )


def serve(
    view: Any, request: Request, policy: CachePolicy, kept: Kept | None, handler: Handler
) -> HttpResponseBase:
    """The answer to *request*, found or made by *handler*, with what caches are to know of it."""
    outcome = "bypass"
    if kept is None:
        response = handler()
    else:
        try:
            response, outcome = _answer(view, request, policy, kept, handler)
        except StoreUnavailable:
            count("outage", part="cache")
            response = handler()
    count("cache", outcome=outcome)
    if response.streaming:
        return response
    if outcome not in _FOUND:
        _tell_caches(response, request, policy)
    response.headers["Cache-Status"] = _STATUS[outcome]
    return response


def _tell_caches(response: HttpResponseBase, request: Request, policy: CachePolicy) -> None:
    """For those on the way; what is found says it already."""
    authenticated = bool(request.user and request.user.is_authenticated)
    shared = policy.audience == "public" or (policy.is_shared and not authenticated)
    scope = "public" if shared else "private"
    response.headers.setdefault("Cache-Control", f"{scope}, max-age=0, must-revalidate")
    varies = [] if policy.audience == "public" else ["Authorization", "Cookie"]
    patch_vary_headers(response, [*varies, *policy.vary])


_STATUS = {
    "hit": "backstay; hit",
    "stale": "backstay; hit; detail=stale",
    "collapsed": "backstay; fwd=miss; collapsed",
    "stored": "backstay; fwd=miss; stored",
    "miss": "backstay; fwd=miss",
    "bypass": "backstay; fwd=bypass",
}
_FOUND = ("hit", "stale", "collapsed")


def _answer(
    view: Any, request: Request, policy: CachePolicy, kept: Kept, handler: Handler
) -> tuple[HttpResponseBase, str]:
    """
    Raises:
        StoreUnavailable: before the handler has run.
    """
    found, leader, waited = kept.found, uuid4().hex, False
    ends, pause = time.monotonic() + LEADER_SECONDS, FIRST_PAUSE_SECONDS
    while True:
        found = found or backend().look(kept.key, leader=leader)
        if not freshness.trust.holds():
            return handler(), "bypass"
        entry = _entry(found)
        if entry is not None and found.fresh:
            return _hit(entry, found), "collapsed" if waited else "hit"
        # Nobody leads where an entry stands that cannot be read; it is written over.
        if found.leader == leader or found.fresh:
            fill = Fill(kept.key, found, leader, (), b"", policy.seconds, policy.lifetime)
            return _made(view, request, policy, fill, handler)
        if found.leader and entry is not None:
            return _hit(entry, found), "stale"
        if found.leader == PASS or time.monotonic() > ends:
            return handler(), "miss"
        if found.leader:
            waited = True
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        found = None


def _made(
    view: Any, request: Request, policy: CachePolicy, fill: Fill, handler: Handler
) -> tuple[HttpResponseBase, str]:
    """Run *handler* as the leader, and keep what it answers if it may be kept."""
    stored = False
    try:
        with recording() as reads:
            response = handler()
            render(view, response)
        why = _why_not(request, policy, response, reads)
        if why is None:
            _tell_caches(response, request, policy)
            entry = _entry_of(response, request)
            tags = tags_of(reads, policy.tags)
            with suppress(StoreUnavailable):
                stored = backend().fill(fill._replace(tags=tags, data=entry.encode()))
                why = None if stored else "changed"
        if why is not None:
            count("cache_not_kept", reason=why)
        return response, "stored" if stored else "miss"
    finally:
        if not stored:
            with suppress(StoreUnavailable):
                backend().leave(fill.key, fill.leader, others_pass=True)


def tags_of(reads: Reads, further: Sequence[Any]) -> set[str]:
    """What an entry depends on; *further* are models or names of tables."""
    names = {one if isinstance(one, str) else one._meta.db_table for one in further}
    return {EVERYTHING, *reads.tags, *names}


def unkeepable(reads: Reads, further: Sequence[Any]) -> str | None:
    """Why what was made of *reads* is not kept, whatever it is."""
    if reads.opaque and not further:
        return "raw SQL"
    if len(reads.tags) > MOST_TAGS:
        return "tags"
    if {tag.partition(":")[0] for tag in reads.tags} & freshness.untracked():
        return "untracked table"
    unsure = freshness.uncommitted() or freshness.reads_the_past()
    return "transaction" if unsure and reads.tags else None


def _why_not(
    request: Request, policy: CachePolicy, response: HttpResponseBase, reads: Reads
) -> str | None:
    covered = {"accept", *(name.lower() for name in policy.vary)}
    if hasattr(request, "LANGUAGE_CODE"):  # Its middleware has chosen by the header.
        covered.add("accept-language")
    if not policy.is_shared:
        covered |= {"authorization", "cookie"}
    why = why_not(response, covered) or unkeepable(reads, policy.tags)
    if why is None and len(response.content) > policy.max_bytes:  # type: ignore[attr-defined]  # No stream.
        return "size"
    return why


def _entry_of(response: Any, request: Request) -> Entry:
    headers = dict(response.headers.items())
    headers.setdefault("ETag", etag_of(response, request))
    return Entry(headers, response.content)


def _entry(found: Found) -> Entry | None:
    entry = None if found.data is None else Entry.decode(found.data)
    if found.data is not None and entry is None:
        count("cache_not_kept", reason="corrupt")
    return entry


def _hit(entry: Entry, found: Found) -> HttpResponse:
    response = entry.response()
    response.headers["Age"] = str(int(found.age_seconds))
    return response
