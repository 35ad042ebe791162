"""
What a process does every few seconds and at its end, and no request waits for.

    handing_over = Repeated(flush, seconds=1.5, name="history")
    handing_over.ensure()  # by whoever has added something; cheap

The thread is begun by who needs it first, in each process: one that was forked begins its own.
At the end the calls are made in turn, the one first that was made last: it may depend on others.
*call* sees to its own errors: one that it raises ends the thread, until the next ``ensure``.

Limit: a process that is killed makes no last call.
"""

import atexit
import os
from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread


class Repeated:
    """Calls *call* each *seconds* from the first ``ensure`` on, and once at the process's end."""

    def __init__(self, call: Callable[[], object], *, seconds: float, name: str) -> None:
        self.call, self.seconds, self.name = call, seconds, name
        #: Where it is not, somebody makes the calls, or nobody does.
        self.enabled = True
        self._forget()
        atexit.register(self.end)
        os.register_at_fork(after_in_child=self._forget)

    def _forget(self) -> None:
        self._lock, self._ended = Lock(), Event()
        self._thread: Thread | None = None

    def ensure(self) -> None:
        if self.enabled and (self._thread is None or not self._thread.is_alive()):
            self._begin()

    def _begin(self) -> None:
        with self._lock:
            if self._ended.is_set() or (self._thread is not None and self._thread.is_alive()):
                return  # It is over, or somebody else was first.
            self._thread = Thread(target=self._run, name=self.name, daemon=True)
            with suppress(RuntimeError):  # None can be begun now; whoever comes next tries again.
                self._thread.start()

    def _run(self) -> None:
        while not self._ended.wait(self.seconds):
            self.call()

    def end(self) -> None:
        """Call once more, and no more after that."""
        with self._lock:
            over = self._ended.is_set()
            self._ended.set()
        if self.enabled and not over:
            self.call()
