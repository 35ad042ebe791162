"""
Answers that are kept, and are never stale or somebody else's.

    INSTALLED_APPS = [..., "backstay", "backstay.caching"]

    class ProductViewSet(CachedResponsesMixin, viewsets.ReadOnlyModelViewSet):
        cache = CachePolicy(seconds=60, audience="public")

A hit is final bytes with their headers: neither queryset nor serializer nor renderer runs,
and it comes in the request's one trip to Redis, with the denylist and the limits.
Permissions are looked at all the same.

What an answer depends on is not declared but seen: every table that was read for it
(``backstay.tables``). Whatever writes to one of them through Django, by API, admin, task or
command, singly or in bulk, ends it with the commit: there is no moment at which an older
answer is given, whoever crashes where. Raw SQL says what it changed by ``touch``.

One caller makes an answer, over all processes, while the others wait for it.

Without ``REDIS_URL`` answers are kept in the Django cache that ``CACHE_ALIAS`` names, or
else in this process.

Limits: the database that is written is the one that is read; from a replica that lags
behind an answer is as old as what the replica said.

Sources: RFC 9111 (caching), RFC 9211 (Cache-Status), RFC 9110 section 13 (conditions).
"""

from backstay.caching.conditional import ConditionalMixin, PreconditionFailed, PreconditionRequired
from backstay.caching.freshness import touch
from backstay.caching.policy import CachePolicy
from backstay.caching.values import cached
from backstay.caching.views import CachedListMixin, CachedResponsesMixin, cached_response

__all__ = [
    "CachePolicy",
    "CachedListMixin",
    "CachedResponsesMixin",
    "ConditionalMixin",
    "PreconditionFailed",
    "PreconditionRequired",
    "cached",
    "cached_response",
    "touch",
]
