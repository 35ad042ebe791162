"""For how long an answer is kept, whom it is for, and what tells it from others."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone, translation
from rest_framework.request import Request

from backstay.throttling.throttles import is_known, organization_of

#: Nothing is kept for longer; the marks of changes are, so an entry never outlives them.
MOST_SECONDS = 86_400

#: ``(request, user) -> str | None``: callers of the same name get the same bytes; ``None``
#: is nobody's, and is not kept.
Audience = Callable[[Request, Any], str | None]


def _anonymous(request: Request, user: Any) -> str | None:
    """Callers who have shown nothing; a credential that is no user's may still matter."""
    shown = "HTTP_AUTHORIZATION" in request.META
    return None if shown or is_known(user) else ""


def _public(request: Request, user: Any) -> str | None:
    return "" if is_known(user) else _anonymous(request, user)


def _user(request: Request, user: Any) -> str | None:
    return str(user.pk) if is_known(user) else None


def _organization(request: Request, user: Any) -> str | None:
    found = organization_of(user) if is_known(user) else None
    return str(found[0]) if found else None


def _plan(request: Request, user: Any) -> str | None:
    found = organization_of(user) if is_known(user) else None
    return found[1] if found else None


def _role(request: Request, user: Any) -> str | None:
    if not is_known(user):
        return None
    return f"{getattr(user, 'role', '')} {user.is_staff} {getattr(user, 'is_superuser', False)}"


AUDIENCES: dict[str, Audience] = {
    "anonymous": _anonymous,
    "public": _public,
    "user": _user,
    "organization": _organization,
    "plan": _plan,
    "role": _role,
}

#: Of these a shared cache on the way may keep the answer too.
SHARED = ("anonymous", "public")


@dataclass(frozen=True)
class CachePolicy:
    """
    How answers of a view are kept.

    ``audience`` is whom one answer is for: ``"public"``, whoever calls; ``"anonymous"``,
    callers without a credential, others get theirs made; ``"role"``, ``"plan"`` and
    ``"organization"``, all users who share it; ``"user"``, one alone; or a callable. Those
    of an organization are seen by every member, so an answer that depends on more of its
    caller must not be declared so.

    After ``seconds`` it is made anew; for ``stale_seconds`` more, one caller makes it while
    the others still get the old one. A change of what it was made of ends both at once.

    ``tags`` are further tables, as models or names, for what is read past Django's ORM.
    ``vary`` are request headers that the answer depends on beside ``Accept`` and the
    language. What is larger than ``max_bytes`` is not kept.
    """

    seconds: float
    audience: str | Audience = "user"
    stale_seconds: float = 0
    tags: Sequence[Any] = ()
    vary: Sequence[str] = ()
    max_bytes: int = 1_048_576

    def __post_init__(self) -> None:
        if not callable(self.audience) and self.audience not in AUDIENCES:
            raise ImproperlyConfigured(
                f"CachePolicy has no audience {self.audience!r}: expected a callable or one of "
                f"{', '.join(AUDIENCES)}."
            )
        if self.seconds <= 0 or self.stale_seconds < 0 or self.lifetime > MOST_SECONDS:
            raise ImproperlyConfigured(
                "CachePolicy takes seconds above zero and stale_seconds not below it, "
                f"{MOST_SECONDS:,} at most together."
            )

    @property
    def lifetime(self) -> float:
        """Seconds after which an entry is dropped."""
        return self.seconds + self.stale_seconds

    @property
    def is_shared(self) -> bool:
        """Whether it does not matter to the answer who the caller is."""
        return self.audience in SHARED

    def key(
        self, view: Any, request: Request, user: Any, *, version: Any, media_type: Any
    ) -> str | None:
        """
        What the answer is kept under; ``None`` where it is not.

        All that the bytes may depend on: host and path, the query without its order, the
        version and the media type that were chosen, language, time zone, the declared
        headers, and the audience. An absent header is not an empty one.
        """
        audience = AUDIENCES[self.audience] if isinstance(self.audience, str) else self.audience
        whom = audience(request, user)
        if whom is None:
            return None
        query = request.query_params
        parts = [
            type(view).__qualname__,
            f"{request.scheme}://{request.get_host()}{request.path}",
            sorted((name, query.getlist(name)) for name in query),
            str(version),
            str(media_type),
            translation.get_language(),
            timezone.get_current_timezone_name(),
            [request.headers.get(name) for name in self.vary],
            getattr(self.audience, "__qualname__", self.audience),
            whom,
        ]
        return sha256(json.dumps(parts).encode()).hexdigest()
