"""Where the cache meets DRF's views."""

import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial, wraps
from typing import Any

from rest_framework.exceptions import APIException
from rest_framework.request import Request

from backstay.caching import freshness, serving
from backstay.caching.backends import Found
from backstay.caching.backends.redis import LookPart
from backstay.caching.conditional import ConditionalMixin
from backstay.caching.policy import AUDIENCES, CachePolicy
from backstay.caching.serving import Asked, Sought
from backstay.pipeline import Part, ask
from backstay.tables import recording
from backstay.throttling.throttles import is_known


class CachedResponsesMixin(ConditionalMixin):
    """
    Keeps what ``list`` and ``retrieve`` of a viewset, or ``get`` of a view, answer.

    Put it before the view's class. Its look-up travels with the view's limits, after them:
    who is over a limit looks nothing up. What is found is used once the permissions of the
    view have let the request in; of an object's own permissions the policy's ``audience``
    has to take account.
    """

    #: One for ``list``, ``retrieve`` and ``get``, or one for each action that it names.
    cache: CachePolicy | Mapping[str, CachePolicy] | None = None

    #: What the request's trip was asked for, and has found, once it was.
    _key_asked_for: str | None = None
    _found: Found | None = None
    _asked = False
    _negotiated: Any = None
    _versioned: Any = None

    def cache_policy(self) -> CachePolicy | None:
        """That of the handler (``cached_response``), or else of the view."""
        name = getattr(self, "action", None) or "get"
        own: CachePolicy | None = getattr(getattr(type(self), name, None), "cache_policy", None)
        if own is not None:
            return own
        if isinstance(self.cache, Mapping):
            return self.cache.get(name)
        return self.cache if name in {"list", "retrieve", "get"} else None

    def trip_parts(self, request: Request, user: Any) -> Sequence[Part]:
        """What to ask of Redis together with the limits of *request*."""
        policy = self.cache_policy()
        if policy is None or request.method not in {"GET", "HEAD"} or self._asked:
            return []
        key = self._key_asked_for = self._key(policy, request, user)
        return [] if key is None else [LookPart(key, route=_route(request))]

    def trip_answers(self, answers: Sequence[Any]) -> None:
        """What was found, in that trip; nothing where a limit refused, or Redis is out."""
        if answers:
            self._take(answers[0])

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What permissions read may be shown too, so all that is read from here on counts."""
        if request.method not in {"GET", "HEAD"}:
            return super().dispatch(request, *args, **kwargs)
        self._began = time.monotonic()
        with recording() as self._reads:
            return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        super().initial(request, *args, **kwargs)
        policy, name = self.cache_policy(), (request.method or "").lower()
        if policy is not None and name in {"get", "head"} and hasattr(self, name):
            setattr(self, name, partial(self._served, policy, getattr(self, name)))

    def perform_content_negotiation(self, request: Request, force: Any = False) -> Any:
        """Once; the cache has to know before DRF comes to it."""
        if self._negotiated is None:
            self._negotiated = super().perform_content_negotiation(request, force)
        return self._negotiated

    def determine_version(self, request: Request, *args: Any, **kwargs: Any) -> Any:
        """Once, as above."""
        if self._versioned is None:
            self._versioned = super().determine_version(request, *args, **kwargs)
        return self._versioned

    def _served(
        self, policy: CachePolicy, handler: Callable[..., Any], request: Request, *a: Any, **kw: Any
    ) -> Any:
        sought = None
        if serving.may_keep(request):
            if not self._asked:  # The trip was without the view, or there was none.
                self._key_asked_for = key = self._key(policy, request, request.user)
                self._take(ask(LookPart(key, route=_route(request)))[0] if key else None)
            if self._key_asked_for is not None and self._found is not None:
                freshness.forget_who_it_is(self._reads)
                sought = Sought(self._key_asked_for, self._found, self._reads, self._began)
        handled = partial(handler, request, *a, **kw)
        return serving.serve(Asked(self, request, policy, handled), sought)

    def _take(self, found: Found | None) -> None:
        self._asked, self._found = True, found

    def _key(self, policy: CachePolicy, request: Request, user: Any) -> str | None:
        """``None`` also where DRF is going to refuse the request."""
        try:
            _, media_type = self.perform_content_negotiation(request)
            version, _ = self.determine_version(request, *self.args, **self.kwargs)
        except APIException:
            return None
        return policy.key(self, request, user, version=version, media_type=media_type)


class CachedListMixin(CachedResponsesMixin):
    """
    Keeps the answers of ``list``, of each caller for themselves.

    ``cache_timeout`` is in seconds. ``get_cache_key`` may tell answers apart further.
    """

    cache_timeout = 300

    def get_cache_key(self, request: Request) -> str:
        return ""

    def cache_policy(self) -> CachePolicy | None:
        if getattr(self, "action", None) not in {None, "list"}:
            return super().cache_policy()
        return CachePolicy(seconds=self.cache_timeout, audience=self._caller)

    def _caller(self, request: Request, user: Any) -> str | None:
        kind = "user" if is_known(user) else "anonymous"
        whom = AUDIENCES[kind](request, user)
        return None if whom is None else f"{kind} {whom} {self.get_cache_key(request)}"


def cached_response(policy: CachePolicy) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """
    Keep what this handler answers: ``get`` of an ``APIView``, an ``@action``, a ``list``.

    In a view without ``CachedResponsesMixin`` looking up is a trip of its own, and what
    authentication and permissions have read is not seen: the handler must not show it.
    """

    def decorate(handler: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(handler)
        def method(self: Any, request: Request, *args: Any, **kwargs: Any) -> Any:
            made = partial(handler, self, request, *args, **kwargs)
            if isinstance(self, CachedResponsesMixin):
                return made()
            key = policy.key(
                self,
                request,
                request.user,
                version=request.version,
                media_type=request.accepted_media_type,
            )
            began, sought = time.monotonic(), None
            with recording() as reads:
                if key is not None and serving.may_keep(request):
                    [found] = ask(LookPart(key, route=_route(request)))
                    sought = found and Sought(key, found, reads, began)
                return serving.serve(Asked(self, request, policy, made), sought)

        method.cache_policy = policy  # type: ignore[attr-defined]  # ``cache_policy`` looks for it.
        return method

    return decorate


def _route(request: Request) -> str:
    match = request.resolver_match
    return match.route if match else ""
