"""Makes the record of a request of what was measured, without a query of its own."""

import re
import time
from typing import Any, NamedTuple

from django.http import HttpResponse
from django.urls import ResolverMatch
from django.utils.functional import LazyObject, empty

from backstay.conf import settings
from backstay.errors.request_ids import id_of
from backstay.measure import Measure
from backstay.monitoring.record import Record
from backstay.monitoring.templates import UNMATCHED, template
from backstay.redaction import one_line, redact_agent, redact_text
from backstay.traces import Trace
from backstay.traces import current as current_trace
from backstay.versioning import version_of

#: RFC 9110 section 9, and PATCH (RFC 5789).
METHODS = frozenset(
    ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "CONNECT")
)

# A product's name and the first number of its version; nothing else that a client may say.
_PRODUCT = re.compile(r"([A-Za-z][A-Za-z0-9_-]{0,31})(/[0-9]{1,4})?(?![A-Za-z0-9_-])")


class Ended(NamedTuple):
    """A request that was answered, as far as its record needs it: nothing that holds a body."""

    method: str
    #: ``None`` where no route matched.
    match: ResolverMatch | None
    version: str | None
    status: int
    #: In seconds since 1970.
    at: float
    elapsed_ns: int
    measure: Measure
    response_bytes: int
    actor: str
    user_id: str
    user_agent: str
    request_id: str
    trace: Trace | None


def ended(request: Any, response: Any, measure: Measure, elapsed_ns: int) -> Ended:
    """
    Take what is needed of *request*, which is all that it waits for.

    *response* is ``None`` where an exception went through everything.
    """
    user = vars(request).get("user")
    if isinstance(user, LazyObject):
        user = vars(user)["_wrapped"]
    actor, user_id = who(None if user is empty else user)
    # Of HEAD the server sends no body.
    is_sent = isinstance(response, HttpResponse) and request.method != "HEAD"
    return Ended(
        request.method or "",
        request.resolver_match,
        _version(request, response),
        500 if response is None else response.status_code,
        time.time(),
        elapsed_ns,
        measure,
        len(response.content) if is_sent else 0,
        actor,
        user_id,
        request.META.get("HTTP_USER_AGENT", ""),
        id_of(request),
        current_trace.get(),
    )


def record_of(end: Ended) -> Record:
    measure = end.measure
    return Record(
        method=end.method if end.method in METHODS else "OTHER",
        route=UNMATCHED if end.match is None else template(end.match.route),
        version=end.version if end.version and end.version in settings.VERSIONS else "",
        status=end.status,
        at=end.at,
        duration_ms=_ms(end.elapsed_ns),
        sql_count=measure.sql_count,
        sql_ms=_ms(measure.sql_ns),
        rows=measure.rows,
        redis_count=measure.redis_count,
        redis_ms=_ms(measure.redis_ns),
        serialization_ms=_ms(measure.serialization_ns),
        response_bytes=end.response_bytes,
        cache=measure.cache,
        # DRF's own throttles tell nobody else.
        throttle=measure.throttle or ("refused" if end.status == 429 else ""),
        actor=end.actor,
        user_id=end.user_id,
        client=client_of(end.user_agent),
        request_id=end.request_id,
        trace_id=end.trace.trace_id if end.trace else "",
    )


def _ms(nanoseconds: int) -> float:
    """To the microsecond."""
    return nanoseconds // 1_000 / 1_000


def who(user: Any) -> tuple[str, str]:
    """
    The kind of the caller, and their key.

    Looked up nowhere: of one whose claims alone are known (``backstay.auth.claimed``) no other
    column is read.
    """
    if user is None or not user.is_authenticated:
        return "anonymous", ""
    held = vars(user)
    known_whole = "_claimed" not in held
    staff = held["is_staff"] if "is_staff" in held else known_whole and _asked(user, "is_staff")
    meta = getattr(user, "_meta", None)
    key = held.get(meta.pk.attname) if meta is not None else _asked(user, "pk")
    # An address may be a key.
    told = one_line(redact_text(key)) if isinstance(key, str) else str(key)
    return "staff" if staff else "user", "" if key in {None, False} else told


def _asked(user: Any, name: str) -> Any:
    return getattr(user, name, False)


def client_of(user_agent: str) -> str:
    """
    >>> client_of("okhttp/4.12.0 (gzip)"), client_of("<script>")
    ('okhttp/4', '')
    """
    match = _PRODUCT.match(redact_agent(user_agent))
    return match[0] if match else ""


def _version(request: Any, response: Any) -> str | None:
    """That of our schemes; of others, that which DRF has found."""
    asked = version_of(request)
    context = getattr(response, "renderer_context", None) if asked is None else None
    return getattr(context["request"], "version", None) if context else asked
