"""
Who still uses which version: requests of the last thirty days by version and client.

    usage.totals()  # [Usage(version="v1", client="okhttp (signed in)", count=17, last_at=…)]

A client is the first product of ``User-Agent`` (RFC 9110 section 10.1.5) without its version,
and whether it was logged in; it is what it says it is. ``VersionMiddleware`` counts every
request. With ``REDIS_URL`` a thread hands over what this process has counted each
``FLUSH_SECONDS``, in one call; no request waits for it.

Bounds: a day has ``MOST_ROWS`` rows, here and in Redis; what finds no place counts as the
version's client ``other``: invented names fill a day and no more.

Limits: without Redis each process knows its own requests, and a process that is killed
loses what it had not handed over. While Redis is out the counts wait here. What was handed
over, and whose answer was lost on the way, is counted twice.
"""

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from django.http import HttpRequest
from django.utils.functional import LazyObject

from backstay.background import Repeated
from backstay.conf import settings
from backstay.counters import count as count_event
from backstay.redaction import redact_agent
from backstay.store import Script, StoreUnavailable, key, store

FLUSH_SECONDS = 5.0
DAY_SECONDS, KEPT_DAYS = 86_400, 30
MOST_ROWS = 200
OTHER = "other"

_PRODUCT = re.compile(r"[A-Za-z0-9._+-]{1,32}")


@dataclass(frozen=True, slots=True)
class Usage:
    """Requests of one client in one version; ``last_at`` is in seconds since 1970."""

    version: str
    client: str
    count: int
    last_at: float


#: How often and when last, by version and client.
Rows = dict[tuple[str, str], tuple[int, float]]

#: ``KEYS`` are the counts and the times of a day; ``ARGV`` the most rows, the seconds they
#: are kept, the client that stands for the rest, then rows: version, client, count, time.
_ADD = Script("""
for first = 4, #ARGV, 4 do
  local version = ARGV[first]
  local row = ARGV[first + 1] .. '\\n' .. version
  local known = redis.call('HEXISTS', KEYS[1], row) == 1
  if not known and redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[1]) then
    row = ARGV[3] .. '\\n' .. version
  end
  redis.call('HINCRBY', KEYS[1], row, ARGV[first + 2])
  redis.call('ZADD', KEYS[2], 'GT', ARGV[first + 3], row)
end
for _, name in ipairs(KEYS) do redis.call('EXPIRE', name, ARGV[2]) end
""")

#: Every row of the days in ``KEYS``: its name, count and time.
_READ = Script("""
local rows = {}
for place = 1, #KEYS, 2 do
  local counts = redis.call('HGETALL', KEYS[place])
  for at = 1, #counts, 2 do
    local last_at = redis.call('ZSCORE', KEYS[place + 1], counts[at])
    rows[#rows + 1] = {counts[at], counts[at + 1], last_at}
  end
end
return rows
""")


def client_of(request: HttpRequest) -> str:
    """A label: 32 characters of a few kinds, and ``(signed in)`` where a user is known."""
    product = _PRODUCT.match(redact_agent(request.META.get("HTTP_USER_AGENT", "")))
    name = product[0] if product else "unnamed"
    user = vars(request).get("user")
    # A session that nobody has read so far is not read for this.
    known = not isinstance(user, LazyObject) and getattr(user, "is_authenticated", False)
    return f"{name} (signed in)" if known else name


class Counts:
    """What this process has counted, by day; with Redis, as far as that does not know it."""

    def __init__(self) -> None:
        self.handing_over = Repeated(self.flush, seconds=FLUSH_SECONDS, name="versions")
        self.clear()

    def clear(self) -> None:
        """Forget what was counted; a process that was forked has its own to tell."""
        self._lock = Lock()
        self._days: dict[int, Rows] = {}

    def add(self, version: str, client: str, now: float, times: int = 1) -> None:
        with self._lock:
            rows = self._rows_of(int(now // DAY_SECONDS))
            row = (version, client)
            if row not in rows and len(rows) >= MOST_ROWS:
                row = (version, OTHER)
            count, last_at = rows.get(row, (0, now))
            rows[row] = count + times, max(now, last_at)
        if settings.REDIS_URL:
            self.handing_over.ensure()

    def days(self) -> dict[int, Rows]:
        with self._lock:
            return {day: dict(rows) for day, rows in self._days.items()}

    def take(self) -> dict[int, Rows]:
        """What was counted, which is forgotten here."""
        with self._lock:
            taken, self._days = self._days, {}
            return taken

    def flush(self) -> None:
        """Hand over what was counted, if there is a Redis; what it does not take stays."""
        # A process that has counted nothing, as a command, needs no Redis for it.
        redis = store() if self._days else None
        if redis is None:
            return
        for day, rows in self.take().items():
            try:
                redis.run(_ADD, _names(day), _arguments(rows))
            except StoreUnavailable:
                count_event("outage", part="versions")
                for (version, client), (count, last_at) in rows.items():
                    self.add(version, client, last_at, count)

    def _rows_of(self, day: int) -> Rows:
        if day not in self._days:
            self._days = {old: self._days[old] for old in self._days if old > day - KEPT_DAYS}
        return self._days.setdefault(day, {})


here = Counts()
os.register_at_fork(after_in_child=here.clear)


def add(version: str, client: str, now: float) -> None:
    """Count one request; *now* is in seconds since 1970."""
    here.add(version, client, now)


def totals(now: float | None = None) -> list[Usage]:
    """
    The last thirty days, of all processes where there is a Redis; the most frequent first.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    today = int((time.time() if now is None else now) // DAY_SECONDS)
    days = range(today - KEPT_DAYS + 1, today + 1)
    counted: Rows = {}
    for day, rows in here.days().items():
        if day in days:
            _merge(counted, rows)
    redis = store()
    if redis is not None:
        for row, count, last_at in redis.run(_READ, [n for day in days for n in _names(day)], []):
            client, _, version = row.decode().partition("\n")
            _merge(counted, {(version, client): (int(count), float(last_at))})
    found = [Usage(*row, count, last_at) for row, (count, last_at) in counted.items()]
    return sorted(found, key=lambda usage: (-usage.count, usage.version, usage.client))


def _merge(into: Rows, rows: Mapping[tuple[str, str], tuple[int, float]]) -> None:
    for row, (count, last_at) in rows.items():
        known, before = into.get(row, (0, last_at))
        into[row] = known + count, max(before, last_at)


def _names(day: int) -> list[str]:
    return [key("versions", day), key("versions", day, "last")]


def _arguments(rows: Rows) -> list[str | float]:
    parts: list[str | float] = [MOST_ROWS, DAY_SECONDS * (KEPT_DAYS + 1), OTHER]
    for (version, client), (count, last_at) in rows.items():
        parts += [version, client, count, last_at]
    return parts
