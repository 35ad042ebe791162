"""
The one Redis client: atomic scripts, short time-outs, a circuit breaker.

Each thread keeps a connection that redis-py has made. Its pool and bookkeeping are left
out, and its socket is written and read here: they cost more than the trip itself.

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

Commands are those of Redis 6.2. Needs POSIX, for ``poll``, and the extra ``backstay[redis]``.

Circuit breaker: M. Nygard, Release It!, chapter 5.
"""

import os
import select
import time
from collections.abc import Callable, Sequence
from functools import lru_cache
from hashlib import sha1
from threading import Lock, local
from typing import Any

from backstay.conf import settings
from backstay.counters import add, count, named
from backstay.measure import current as current_measure

TIMEOUT_SECONDS = 0.1
FAILURES_TO_OPEN = 3
OPEN_SECONDS = 1.0

_ANSWERED = named("store", outcome="ok")


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


class Wire:
    """A connection that nobody else uses: one command, one answer."""

    def __init__(self, connection: Any) -> None:
        from hiredis import Reader, pack_command
        from redis.exceptions import InvalidResponse, ResponseError

        self._connection, self._process = connection, os.getpid()
        connection.connect()
        self._socket = connection._sock  # noqa: SLF001  # There is no other way to it.
        self._refusal = ResponseError
        # Its stub takes a pair.
        self._pack: Any = pack_command
        self._reader = Reader(InvalidResponse, ResponseError, notEnoughData=_NOT_YET)
        self._arrived = select.poll()
        self._arrived.register(self._socket, select.POLLIN)

    def is_fit(self) -> bool:
        """Whether it is this process's own, open, and owes no answer that nobody waited for."""
        return self._process == os.getpid() and not self._arrived.poll(0)

    def ask(self, command: tuple[str | bytes | float, ...]) -> Any:
        """
        Raises:
            ResponseError: Redis refuses.
            OSError, InvalidResponse: no answer, or none of Redis; the connection is closed.
        """
        try:
            self._socket.sendall(self._pack(command))
            while (answer := self._reader.gets()) is _NOT_YET:
                received = self._socket.recv(_BUFFER_BYTES)
                if not received:
                    raise ConnectionResetError
                self._reader.feed(received)
        except BaseException:
            # The answer may be on its way.
            self.close()
            raise
        if isinstance(answer, self._refusal):
            raise answer
        return answer

    def close(self) -> None:
        """Nothing of a process that this one is a fork of."""
        if self._process == os.getpid():
            self._process = 0
            self._connection.disconnect()


_NOT_YET = object()
_BUFFER_BYTES = 65_536


class Store:
    """
    One Redis, as *url* names it.

    ``losses`` counts the times at which this process could have missed something:
    its start, each failed call, each sign that the server was restarted.
    """

    def __init__(self, url: str, breaker: Breaker | None = None) -> None:
        from redis import ConnectionPool, RedisError
        from redis.backoff import NoBackoff
        from redis.exceptions import ResponseError
        from redis.retry import Retry

        self.breaker = breaker or Breaker()
        self.losses = 1
        self._errors, self._refusal = (RedisError, OSError), ResponseError
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
        #: This thread's connection.
        self._own = local()

    def run(self, script: Script, keys: Sequence[str], args: Sequence[str | bytes | float]) -> Any:
        """
        One script, one round trip.

        Raises:
            StoreUnavailable: no answer, or an error instead of one.
        """

        return self._guarded(self._run, script, (len(keys), *keys, *args))

    def call(self, *command: str | bytes | float) -> Any:
        """
        One command, one round trip; the answer is as Redis gives it.

        Raises:
            StoreUnavailable: no answer, or an error instead of one.
        """
        return self._guarded(self._ask, *command)

    def _guarded(self, ask: Callable[..., Any], *asked: Any) -> Any:
        if not self.breaker.admits():
            count("store", outcome="skipped")
            raise StoreUnavailable("The store has just failed; it is left alone for a moment.")
        began = time.perf_counter_ns()
        try:
            answer = ask(*asked)
        except self._errors as error:
            self.losses += 1
            self.breaker.failed()
            count("store", outcome="failed")
            # Redis quotes what it was sent; only the kind of failure is passed on.
            raise StoreUnavailable(type(error).__name__) from None
        finally:
            _measure(time.perf_counter_ns() - began)
        self.breaker.succeeded()
        add(_ANSWERED)
        return answer

    def _run(self, script: Script, given: tuple[Any, ...]) -> Any:
        try:
            answer = self._ask("EVALSHA", script.sha, *given)
        except self._refusal as refusal:
            if not str(refusal).startswith("NOSCRIPT"):
                raise
            self.losses += self._forgotten(script)
            answer = self._ask("EVAL", script.source, *given)
        self._known.add(script.sha)
        return answer

    def _forgotten(self, script: Script) -> bool:
        """Whether Redis was restarted or failed over, which no script outlives; or it is new."""
        if script.sha in self._known:
            return True
        known = next(iter(self._known), None)
        return known is not None and self._ask("SCRIPT", "EXISTS", known) == [0]

    def _ask(self, *command: str | bytes | float) -> Any:
        return self._wire().ask(command)

    def _wire(self) -> Wire:
        """This thread's own; opened anew where Redis has closed it, and after a fork."""
        kept: Wire | None = getattr(self._own, "wire", None)
        if kept is None or not kept.is_fit():
            if kept is not None:
                kept.close()
            connection = self._pool.connection_class(**self._pool.connection_kwargs)
            self._own.wire = kept = Wire(connection)
        return kept


def _measure(elapsed_ns: int) -> None:
    measure = current_measure.get()
    if measure is not None:
        measure.redis_count += 1
        measure.redis_ns += elapsed_ns


def store() -> Store | None:
    """The store of ``REDIS_URL``; ``None`` where there is none and this process is all."""
    url = settings.REDIS_URL
    return None if url is None else _store_of(url)


_store_of = lru_cache(maxsize=4)(Store)


def key(*parts: object) -> str:
    """The name of something of ours in a Redis that others use too."""
    return ":".join((settings.KEY_PREFIX, *map(str, parts)))
