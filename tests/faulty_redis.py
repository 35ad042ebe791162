"""
A Redis to be stopped, filled and restarted, and listeners that only look like one.

Each is the test's own, on a free port of the loopback address, so whatever is done
to it disturbs nobody else. Time-outs of the code under test are left as they are.
"""

import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import redis

from backstay import store
from tests.services import Unavailable, free_port, redis_binary, scratch

START_SECONDS = 20

#: SO_LINGER on and zero seconds: closing sends a reset.
RESET = struct.pack("ii", 1, 0)


class RedisServer:
    """A real server, driven by a client with time-outs of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process: subprocess.Popen[bytes] | None = None
        self._admin: Any = None

    def start(self) -> None:
        command: list[str | Path] = [
            redis_binary(),
            "--port",
            f"{self.port}",
            "--bind",
            "127.0.0.1",
        ]
        command += ["--dir", self.directory, "--save", "", "--appendonly", "no"]
        self._process = subprocess.Popen(
            command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        self._admin = redis.Redis(port=self.port, socket_timeout=20)
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                self.do("PING")
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "Redis does not start."
                time.sleep(0.01)

    def do(self, *command: str | bytes | float) -> Any:
        return self._admin.execute_command(*command)

    def calls(self, command: str) -> int:
        """How often *command* came since ``CONFIG RESETSTAT``, refused ones left out."""
        return self.do("INFO", "commandstats").get(f"cmdstat_{command}", {"calls": 0})["calls"]

    def kill(self) -> None:
        """End it as a crash does; what is not in a snapshot is lost."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()
        self._admin.close()

    def restart(self) -> None:
        self.kill()
        self.start()

    def pause(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def stall(self, seconds: float) -> None:
        """Answer nobody for *seconds*, as while a slow command runs; then answer all."""
        self.do("CLIENT", "PAUSE", round(seconds * 1000), "ALL")

    def fill(self) -> None:
        """Leave it no memory for writes; what is there can be read."""
        self.do("CONFIG", "SET", "maxmemory", 1)

    def unfill(self) -> None:
        self.do("CONFIG", "SET", "maxmemory", 0)

    def make_read_only(self) -> None:
        """As a failover leaves a former primary: it answers, and takes nothing."""
        self.do("REPLICAOF", "127.0.0.1", free_port())

    def make_primary(self) -> None:
        self.do("REPLICAOF", "NO", "ONE")


@contextmanager
def redis_of_ones_own() -> Iterator[RedisServer]:
    """
    A started server, killed with the block, also one that was paused.

    The connections that were made meanwhile are closed: a test that caught an error keeps
    its stores until the garbage collector comes, and so in the middle of some other test.
    """
    made: list[store.Wire] = []
    connect = store.Wire.__init__

    def connect_for_now(wire: store.Wire, connection: Any) -> None:
        connect(wire, connection)
        made.append(wire)

    try:
        redis_binary()
    except Unavailable:
        pytest.skip("needs a redis-server")
    with (
        scratch(owner=None) as (directory, _),
        patch.object(store.Wire, "__init__", connect_for_now),
    ):
        server = RedisServer(directory)
        server.start()
        try:
            yield server
        finally:
            for wire in made:
                wire.close()
            server.kill()


@contextmanager
def black_hole() -> Iterator[int]:
    """A port whose queue is full: a connection to it is neither made nor refused."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            client.connect_ex(address)
        yield address[1]
        for client in waiting:
            client.close()


@contextmanager
def answering(answer: bytes, *, then_reset: bool = False) -> Iterator[int]:
    """A port that says *answer* to whatever is sent; nothing at all where it is empty."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(client: socket.socket) -> None:
            with suppress(OSError), client:
                while client.recv(65_536):
                    client.sendall(answer)
                    if then_reset:
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                        return

        _serve_each(listener, serve)
        yield listener.getsockname()[1]


@contextmanager
def slowly(port: int, *, seconds: float) -> Iterator[int]:
    """Another way to *port*, on which each answer takes *seconds*."""

    def pump(source: socket.socket, sink: socket.socket, pause_seconds: float) -> None:
        with suppress(OSError):
            while received := source.recv(65_536):
                time.sleep(pause_seconds)
                sink.sendall(received)

    def serve(client: socket.socket) -> None:
        with socket.create_connection(("127.0.0.1", port)) as server, client:
            back = threading.Thread(target=pump, args=(server, client, seconds))
            back.start()
            pump(client, server, 0)
            server.shutdown(socket.SHUT_RDWR)
            back.join()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        _serve_each(listener, serve)
        yield listener.getsockname()[1]


def _serve_each(listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
    """Each client on a thread, until *listener* is closed."""

    def accept() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
