"""A way to a server that can be shut, or be open and lead nowhere."""

import socket
import threading
from contextlib import suppress
from urllib.parse import urlsplit

from tests.services import free_port


class Gate:
    """
    Forwards connections to the server of *url*; its own is ``url``.

    Shut at first: connections are refused. ``silent`` takes them and answers nothing.
    """

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._behind = (parts.hostname or "127.0.0.1", parts.port)
        self.port = free_port()
        user = parts.netloc.rpartition("@")[0]
        self.url = parts._replace(netloc=f"{user}{'@' * bool(user)}127.0.0.1:{self.port}").geturl()
        self._listener: socket.socket | None = None
        self._open: list[socket.socket] = []

    def open(self, *, silent: bool = False) -> None:
        self.shut()
        self._listener = socket.create_server(("127.0.0.1", self.port), reuse_port=False)
        threading.Thread(target=self._accept, args=(self._listener, silent), daemon=True).start()

    def shut(self) -> None:
        if self._listener is not None:
            # Closing alone does not wake whoever accepts.
            with suppress(OSError):
                self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()
            self._listener = None
        for one in self._open:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()
        self._open = []

    def _accept(self, listener: socket.socket, silent: bool) -> None:
        while True:
            try:
                client = listener.accept()[0]
            except OSError:
                return
            self._open.append(client)
            if silent:
                continue
            server = socket.create_connection(self._behind)
            self._open.append(server)
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._copy, args=(source, target), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket) -> None:
        with suppress(OSError):
            while data := source.recv(65_536):
                target.sendall(data)
        for one in (source, target):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
