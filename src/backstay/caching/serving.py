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
from backstay.caching.entries import decode, encode, why_not
from backstay.caching.policy import CachePolicy
from backstay.counters import count
from backstay.measure import cached
from backstay.store import StoreUnavailable
from backstay.tables import Reads
from backstay.throttling.throttles import is_known

#: Between two looks of one who waits.
FIRST_PAUSE_SECONDS, LONGEST_PAUSE_SECONDS = 0.005, 0.05

#: More than these are not compared at every hit.
MOST_TAGS = 200


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request asks of a view whose answers are kept."""

    view: Any
    request: Request
    policy: CachePolicy
    #: Makes the answer.
    handler: Callable[[], HttpResponseBase]


@dataclass(frozen=True, slots=True)
class Sought:
    """Where its answer is to be found or kept."""

    key: str
    #: What the request's one trip has found.
    found: Found
    #: What was read for the request, and when, by ``time.monotonic``, that began.
    reads: Reads
    began: float


def may_keep(request: Request) -> bool:
    """Whether what this thread reads now is what everybody sees, and the same for all."""
    return (
        writes_are_seen()
        and request.method in {"GET", "HEAD"}
        and not isinstance(getattr(request, "accepted_renderer", None), BrowsableAPIRenderer)
        and not freshness.uncommitted()
    )


def serve(asked: Asked, sought: Sought | None) -> HttpResponseBase:
    """The answer, found or made, with what caches on the way are to know of it."""
    if sought is None:
        response, outcome = asked.handler(), "bypass"
    else:
        response, outcome = _answer(asked, sought)
    count("cache", outcome=outcome)
    cached(_TOLD.get(outcome, outcome))
    if response.streaming:
        return response
    if outcome not in _FOUND:
        _tell_caches(response, asked)
    response.headers["Cache-Status"] = _STATUS[outcome]
    return response


_STATUS = {
    "hit": "backstay; hit",
    "stale": "backstay; hit; detail=stale",
    "collapsed": "backstay; fwd=miss; collapsed",
    "stored": "backstay; fwd=miss; stored",
    "miss": "backstay; fwd=miss",
    "bypass": "backstay; fwd=bypass",
}

#: What a request's own record says.
_TOLD = {"collapsed": "hit", "stored": "miss"}

#: What is found says already what caches are to know.
_FOUND = ("hit", "stale", "collapsed")


def _tell_caches(response: HttpResponseBase, asked: Asked) -> None:
    policy, known = asked.policy, is_known(asked.request.user)
    shared = policy.audience == "public" or (policy.is_shared and not known)
    scope = "public" if shared else "private"
    response.headers.setdefault("Cache-Control", f"{scope}, max-age=0, must-revalidate")
    varies = [] if policy.audience == "public" else ["Authorization", "Cookie"]
    if varies or policy.vary:  # Of none, Django would make an empty name.
        patch_vary_headers(response, [*varies, *policy.vary])


def _answer(asked: Asked, sought: Sought) -> tuple[HttpResponseBase, str]:
    """And what came of it."""
    found, leader, waited = sought.found, uuid4().hex, False
    ends, pause = time.monotonic() + LEADER_SECONDS, FIRST_PAUSE_SECONDS
    while freshness.trust.holds():
        answer = _read(found)
        if answer is not None and found.fresh:
            return answer, "collapsed" if waited else "hit"
        # Nobody leads where an entry stands that cannot be read; it is written over.
        if found.leader == leader or found.fresh:
            return _made(asked, sought, found, leader)
        if found.leader and answer is not None:
            return answer, "stale"
        if found.leader == PASS or time.monotonic() > ends:
            return asked.handler(), "miss"
        if found.leader:
            waited = True
            time.sleep(pause)
            pause = min(pause * 1.5, LONGEST_PAUSE_SECONDS)
        try:
            found = backend().look(sought.key, leader=leader)
        except StoreUnavailable:
            count("outage", part="cache")
            break
    return asked.handler(), "bypass"


def _read(found: Found) -> HttpResponse | None:
    """The answer that was found, if it can be read."""
    if found.data is None:
        return None
    response = decode(found.data)
    if response is None:
        count("cache_not_kept", reason="corrupt")
    else:
        response.headers["Age"] = str(int(found.age_seconds))
    return response


def _made(asked: Asked, sought: Sought, found: Found, leader: str) -> tuple[HttpResponseBase, str]:
    """Make it as the leader, and keep it if it may be kept."""
    stored = False
    # Authentication and permissions have read before anything was looked for.
    since: Found | None = found
    if sought.reads.tags:
        since = backend().began(found, time.monotonic() - sought.began)
    sought.reads.kept = True
    try:
        response = asked.handler()
        render(asked.view, response)
        why = "read early" if since is None else _why_not(asked, response, sought.reads)
        if since is not None and why is None:
            _tell_caches(response, asked)
            policy = asked.policy
            tags, data = tags_of(sought.reads, policy.tags), _data(response, asked.request)
            fill = Fill(sought.key, since, leader, tags, data, policy.seconds, policy.lifetime)
            with suppress(StoreUnavailable):
                stored = backend().fill(fill)
            why = None if stored else "changed"
        if why is not None:
            count("cache_not_kept", reason=why)
        return response, "stored" if stored else "miss"
    finally:
        if not stored:
            with suppress(StoreUnavailable):
                backend().leave(sought.key, leader, others_pass=True)


def _data(response: Any, request: Request) -> bytes:
    headers = dict(response.headers.items())
    headers.setdefault("ETag", etag_of(response, request))
    return encode(headers, response.content)


def _why_not(asked: Asked, response: HttpResponseBase, reads: Reads) -> str | None:
    policy = asked.policy
    covered = {"accept", *(name.lower() for name in policy.vary)}
    if hasattr(asked.request, "LANGUAGE_CODE"):  # Its middleware has chosen by the header.
        covered.add("accept-language")
    if not policy.is_shared:
        covered |= {"authorization", "cookie"}
    why = why_not(response, covered) or unkeepable(reads, policy.tags)
    body = response.content if isinstance(response, HttpResponse) else b""
    return "size" if why is None and len(body) > policy.max_bytes else why


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
