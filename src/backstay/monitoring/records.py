"""Makes the record of a request of what was measured, without a query of its own."""

import re
import time
from typing import Any

from django.http import HttpResponse
from django.utils.functional import LazyObject, empty

from backstay import traces
from backstay.conf import settings
from backstay.errors.request_ids import id_of
from backstay.measure import Measure
from backstay.monitoring.record import Record
from backstay.monitoring.templates import route_of
from backstay.versioning import version_of

#: RFC 9110 section 9, and PATCH (RFC 5789).
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)

# A product's name and the first number of its version; nothing else that a client may say.
_PRODUCT = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,31})(/[0-9]{1,4})?(?![A-Za-z0-9_-])")


def record_of(request: Any, response: Any, measure: Measure, elapsed_ns: int) -> Record:
    """*response* is ``None`` where an exception went through everything."""
    status = 500 if response is None else response.status_code
    actor, user_id = who(request)
    trace = traces.current.get()
    method = request.method or ""
    return Record(
        method=method if method in METHODS else "OTHER",
        route=route_of(request),
        version=_version(request, response),
        status=status,
        at=time.time(),
        duration_ms=_ms(elapsed_ns),
        sql_count=measure.sql_count,
        sql_ms=_ms(measure.sql_ns),
        rows=measure.rows,
        redis_count=measure.redis_count,
        redis_ms=_ms(measure.redis_ns),
        serialization_ms=_ms(measure.serialization_ns),
        response_bytes=len(response.content) if isinstance(response, HttpResponse) else 0,
        cache=measure.cache,
        # DRF's own throttles tell nobody else.
        throttle=measure.throttle or ("refused" if status == 429 else ""),
        actor=actor,
        user_id=user_id,
        client=client_of(request.META.get("HTTP_USER_AGENT", "")),
        request_id=id_of(request),
        trace_id=trace.trace_id if trace else "",
    )


def _ms(nanoseconds: int) -> float:
    """To the microsecond."""
    return nanoseconds // 1_000 / 1_000


def who(request: Any) -> tuple[str, str]:
    """
    The kind of the caller, and their key.

    Looked up nowhere: a user that nobody has asked for is anonymous here, and of one whose
    claims alone are known (``backstay.auth.claimed``) no other column is read.
    """
    user = vars(request).get("user")
    if isinstance(user, LazyObject):
        user = vars(user)["_wrapped"]
    if user is None or user is empty or not user.is_authenticated:
        return "anonymous", ""
    held = vars(user)
    known_whole = "_claimed" not in held
    staff = held["is_staff"] if "is_staff" in held else known_whole and _asked(user, "is_staff")
    meta = getattr(user, "_meta", None)
    key = held.get(meta.pk.attname) if meta is not None else _asked(user, "pk")
    return "staff" if staff else "user", "" if key in {None, False} else str(key)


def _asked(user: Any, name: str) -> Any:
    return getattr(user, name, False)


def client_of(user_agent: str) -> str:
    """
    >>> client_of("okhttp/4.12.0 (gzip)"), client_of("<script>")
    ('okhttp/4', '')
    """
    match = _PRODUCT.match(user_agent)
    return match[0] if match else ""


def _version(request: Any, response: Any) -> str:
    """That of our schemes; of others, that which DRF has found."""
    asked = version_of(request)
    if asked is not None:
        return asked if asked in settings.VERSIONS else ""
    context = getattr(response, "renderer_context", None)
    asked = getattr(context["request"], "version", None) if context else None
    return asked if asked and asked in settings.VERSIONS else ""
