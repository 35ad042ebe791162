"""
The one Redis client: atomic scripts, short time-outs, a circuit breaker.

Each thread keeps a connection. The pool and the bookkeeping of redis-py's client are left
out: they cost more than the trip itself.

Guarantees: a call gives up once it has waited ``TIMEOUT_SECONDS``, to connect or for
an answer, and is not retried; what went wrong is ``StoreUnavailable``, whatever Redis
or the network did. After ``FAILURES_TO_OPEN`` failures in a row nobody asks for
``OPEN_SECONDS``; then one caller probes, and its success lets the others in again.
Every outcome is counted as ``store`` with its ``outcome``.

Limits: on a kept connection a call waits for one answer, for three where its script is
new; a new connection waits for those of its handshake before. The name of the host is
looked up by the operating system, which has time-outs of its own; give an address
where that matters. One Redis primary: a script's keys may lie in different slots,
which Redis Cluster refuses.

Commands are those of Redis 6.2. Needs the extra ``backstay[redis]``.

Circuit breaker: M. Nygard, Release It!, chapter 5.
"""

import os
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha1
from threading import Lock, local
from typing import Any, TypeVar

from backstay.conf import settings
from backstay.counters import count

TIMEOUT_SECONDS = 0.1
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 1.0

T = TypeVar("T")


class StoreUnavailable(Exception):
    """Redis did not do what was asked; whoever asked decides what that means."""


class Breaker:
    """Keeps callers away from what has just failed them."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self._lock = Lock()
        self._failures = 0
        self._next_probe_at: float | None = None

    def admits(self) -> bool:
        """Whether to ask now. While it is open this is true for one caller each time it is due."""
        if self._next_probe_at is None:
            return True
        with self._lock:
            due, now = self._next_probe_at, self.clock()
            if due is None:
                return True
            if now < due:
                return False
            self._next_probe_at = now + OPEN_SECONDS
            return True

    def succeeded(self) -> None:
        if self._failures or self._next_probe_at is not None:
            with self._lock:
                self._failures, self._next_probe_at = 0, None

    def failed(self) -> None:
        with self._lock:
            self._failures += 1
            if self._failures >= FAILURES_TO_OPEN:
                self._next_probe_at = self.clock() + OPEN_SECONDS


class Script:
    """Lua, known to Redis by the SHA-1 of its text."""

    def __init__(self, source: str) -> None:
        self.source = source
        # Redis's own name for it, nothing secret.
        self.sha = sha1(source.encode(), usedforsecurity=False).hexdigest()


class Store:
    """
    One Redis, as *url* names it.

    ``losses`` counts the times at which this process could have missed something:
    its start, each failed call, each sign that the server was restarted.
    """

    def __init__(self, url: str, breaker: Breaker | None = None) -> None:
        from redis import ConnectionPool, RedisError
        from redis.backoff import NoBackoff
        from redis.exceptions import ConnectionError as NotConnected
        from redis.exceptions import NoScriptError
        from redis.retry import Retry

        self.breaker = breaker or Breaker()
        self.losses = 1
        self._errors = (RedisError, OSError)
        self._no_script, self._not_connected = NoScriptError, NotConnected
        # It only knows how to connect.
        self._pool: Any = ConnectionPool.from_url(
            url,
            # RESP3 begins with one more round trip, and its client trusts that answer.
            protocol=2,
            socket_timeout=TIMEOUT_SECONDS,
            socket_connect_timeout=TIMEOUT_SECONDS,
            retry=Retry(NoBackoff(), 0),
        )
        #: Scripts that Redis has run for this process.
        self._known: set[str] = set()
        #: This thread's connection, and the process that has opened it.
        self._own = local()

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | float]) -> Any:
        """
        One script, one round trip.

        Raises:
            StoreUnavailable: no answer, or an error instead of one.
        """

        def ask() -> Any:
            try:
                answer = self._ask("EVALSHA", script.sha, len(keys), *keys, *args)
            except self._no_script:
                self.losses += self._forgotten(script)
                answer = self._ask("EVAL", script.source, len(keys), *keys, *args)
            self._known.add(script.sha)
            return answer

        return self._guarded(ask)

    def call(self, *command: str | bytes | float) -> Any:
        """
        One command, one round trip; the answer is as Redis gives it.

        Raises:
            StoreUnavailable: no answer, or an error instead of one.
        """
        return self._guarded(lambda: self._ask(*command))

    def _guarded(self, ask: Callable[[], T]) -> T:
        if not self.breaker.admits():
            count("store", outcome="skipped")
            raise StoreUnavailable("The store has just failed; it is left alone for a moment.")
        try:
            answer = ask()
        except self._errors as error:
            self.losses += 1
            self.breaker.failed()
            count("store", outcome="failed")
            # Redis quotes what it was sent; only the kind of failure is passed on.
            raise StoreUnavailable(type(error).__name__) from None
        self.breaker.succeeded()
        count("store", outcome="ok")
        return answer

    def _forgotten(self, script: Script) -> bool:
        """Whether Redis was restarted or failed over, which no script outlives; or it is new."""
        if script.sha in self._known:
            return True
        known = next(iter(self._known), None)
        return known is not None and self._ask("SCRIPT", "EXISTS", known) == [0]

    def _ask(self, *command: str | bytes | float) -> Any:
        connection = self._connection()
        connection.send_packed_command(connection.pack_command(*command), check_health=False)
        return connection.read_response()

    def _connection(self) -> Any:
        """This thread's own; opened anew where Redis has closed it, and after a fork."""
        kept: Any
        kept, process = getattr(self._own, "kept", (None, 0))
        if process != os.getpid():
            kept = self._pool.connection_class(**self._pool.connection_kwargs)
            self._own.kept = kept, os.getpid()
        elif kept.is_connected:
            try:
                if kept.can_read():  # An answer that nobody waited for.
                    kept.disconnect()
            except self._not_connected:
                kept.disconnect()
        return kept


def store() -> Store | None:
    """The store of ``REDIS_URL``; ``None`` where there is none and this process is all."""
    url = settings.REDIS_URL
    return None if url is None else _store_of(url)


_store_of = lru_cache(maxsize=4)(Store)


def key(*parts: object) -> str:
    """The name of something of ours in a Redis that others use too."""
    return ":".join((settings.KEY_PREFIX, *map(str, parts)))
