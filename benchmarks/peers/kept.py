"""
The same 100 orders, kept: by backstay, by the mixin of many a blog post, by ``cache_page``.

All ask who calls, by a bearer token, and charge two limits before they answer.
"""

import hashlib
from typing import Any

from django.core.cache import cache
from django.urls import path
from django.utils.decorators import method_decorator
from django.views.decorators.cache import cache_page
from django.views.decorators.vary import vary_on_headers
from rest_framework.mixins import ListModelMixin
from rest_framework.permissions import IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.throttling import UserRateThrottle as DrfThrottle
from rest_framework_simplejwt.authentication import JWTAuthentication as DrfAuthentication

from backstay.auth import JWTAuthentication
from backstay.caching import CachedResponsesMixin, CachePolicy
from backstay.throttling import UserRateThrottle
from benchmarks.peers.drf import PlannedList, TunedList

SECONDS = 3_600
RATE = "1000000000/day"


class Minute(UserRateThrottle):
    scope = "bench-minute"
    rate = RATE


class Day(UserRateThrottle):
    scope = "bench-day"
    rate = RATE


class Kept(CachedResponsesMixin, PlannedList):
    authentication_classes = [JWTAuthentication]
    permission_classes = [IsAuthenticated]
    throttle_classes = [Minute, Day]
    cache = CachePolicy(seconds=SECONDS, audience="user")


def throttle(name: str, kept: int) -> type[DrfThrottle]:
    """DRF's, of a caller of whose calls it keeps so many."""

    class Throttle(DrfThrottle):
        rate = RATE
        scope = f"{name}-{kept}"

        def throttle_success(self) -> bool:
            del self.history[kept:]
            return super().throttle_success()

    return Throttle


class Known(TunedList):
    authentication_classes = [DrfAuthentication]
    permission_classes = [IsAuthenticated]


class CachedListMixin(ListModelMixin):
    """As it is commonly written."""

    cache_timeout = SECONDS

    def get_cache_key(self, request: Request) -> str:
        params = request.query_params.urlencode()
        raw = f"{request.path}:{params}:{request.user.pk}"
        return f"api_cache:{hashlib.md5(raw.encode(), usedforsecurity=False).hexdigest()}"

    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        key = self.get_cache_key(request)
        cached = cache.get(key)
        if cached:
            return Response(cached)
        response = super().list(request, *args, **kwargs)
        cache.set(key, response.data, self.cache_timeout)
        return response


class ByMixin(CachedListMixin, Known):
    pass


class ByPage(Known):
    """As DRF's documentation has it."""

    @method_decorator(cache_page(SECONDS))
    @method_decorator(vary_on_headers("Authorization"))
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        return super().list(request, *args, **kwargs)


def limited(view: type[Known], kept: int) -> Any:
    limits = [throttle("minute", kept), throttle("day", kept)]
    return view.as_view({"get": "list"}, throttle_classes=limits)


urlpatterns = [
    path("kept", Kept.as_view({"get": "list"})),
    *(path(f"mixin/{kept}", limited(ByMixin, kept)) for kept in (10, 500)),
    *(path(f"page/{kept}", limited(ByPage, kept)) for kept in (10, 500)),
]
