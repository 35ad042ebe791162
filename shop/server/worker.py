"""
A gunicorn worker whose threads never wait for a slow client.

Gunicorn's own threaded worker gives a connection a thread at its first byte,
so a few clients that send one header a second keep everyone else out. Here
the worker's event loop gathers a request (``arrival``) before a thread sees
it, for at most ``REQUEST_SECONDS``; a connection that sends nothing is closed
after the keep-alive time. An answer is written into the socket's buffer
(``config.SEND_BUFFER_BYTES``); of one that is longer, a client that stops
reading is cut off after ``SEND_SECONDS``. An error of one connection ends that
connection and never the loop.

Not covered: a streamed export holds its thread for as long as the client
keeps reading it.
"""

import select
import selectors
import time
from functools import partial
from typing import Any
from uuid import uuid4

from gunicorn import util
from gunicorn.workers.gthread import TConn, ThreadWorker

from backstay.errors.request_ids import current
from shop.server.arrival import Arrival, arrival
from shop.server.head import drop_body_of_head
from shop.server.refusal import Recorder, refusal

REQUEST_SECONDS = 60
SEND_SECONDS = 10
RECEIVE_BYTES = 65_536
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
#: Between two attempts to accept while this process has no file descriptor left.
PAUSE_SECONDS = 0.05


class PatientWorker(ThreadWorker):
    """``ThreadWorker`` with a waiting room before the threads."""

    def load_wsgi(self) -> None:
        super().load_wsgi()
        self.wsgi: Any = drop_body_of_head(self.wsgi)

    def accept(self, listener: Any) -> bool:
        """Whether the listener can be asked again; out of descriptors, it must wait."""
        try:
            super().accept(listener)
        except OSError as error:
            self.log.warning("Cannot accept a connection: %s", error)
            time.sleep(PAUSE_SECONDS)
            return False
        return True

    def enqueue_req(self, conn: TConn) -> None:
        """Admit a connection that is new, readable again or holds a next request."""
        conn.init()
        conn.sock.setblocking(False)
        conn.received = bytearray(conn.parser.unreader.take_buffered())
        conn.continued = False
        conn.deadline = time.monotonic() + REQUEST_SECONDS
        conn.timeout = time.monotonic() + self.cfg.keepalive
        self._wait_for(conn)
        self._proceed(conn)

    def set_accept_enabled(self, enabled: bool) -> None:
        """
        When stopping, take the connections that wait and refuse later ones at once.

        A socket that merely is not accepted from still lets clients connect,
        hang until the last request ends, and lose theirs.
        """
        super().set_accept_enabled(enabled)
        if not self.alive and not enabled:
            # Each once: the loop may have stopped accepting before it was told to end.
            while self.sockets:
                listener = self.sockets.pop()
                while select.select([listener], [], [], 0)[0] and self.accept(listener):
                    pass
                listener.close()

    def _wait_for(self, conn: TConn) -> None:
        self.pending_conns.append(conn)
        self.poller.register(
            conn.sock, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
        )

    def on_pending_socket_readable(self, conn: TConn, client: Any) -> None:
        try:
            received = client.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            received = b""
        if not received:
            self._drop(conn)
            return
        conn.received += received
        conn.timeout = conn.deadline
        self._proceed(conn)

    def _proceed(self, conn: TConn) -> None:
        """Hand a waiting connection to a thread when its request is complete."""
        match arrival(conn.received):
            case Arrival.COMPLETE:
                self._leave(conn)
                conn.parser.unreader.unread(bytes(conn.received))
                conn.received = bytearray()
                super().enqueue_req(conn)
            case Arrival.WAIT_AFTER_CONTINUE if not conn.continued:
                conn.continued = True
                if not _send_at_once(conn, CONTINUE):
                    self._drop(conn)

    def murder_pending(self) -> None:
        """Close connections whose time to send a request is over."""
        now = time.monotonic()
        for conn in [conn for conn in self.pending_conns if conn.timeout <= now]:
            self._drop(conn)

    def _leave(self, conn: TConn) -> None:
        self.poller.unregister(conn.sock)
        self.pending_conns.remove(conn)

    def _drop(self, conn: TConn) -> None:
        self._leave(conn)
        self.nr_conns -= 1
        conn.close()

    def handle_request(self, req: Any, conn: TConn) -> bool:
        conn.sock.settimeout(SEND_SECONDS)
        try:
            return bool(super().handle_request(req, conn))
        except TimeoutError:
            self.log.debug("Cut off a client that did not read its answer.")
            return False

    def handle_error(self, req: Any, client: Any, addr: Any, exc: Exception) -> None:
        """Answer what gunicorn refuses by itself with its status and in our shape."""
        request_id = uuid4().hex
        token = current.set(request_id)
        try:
            recorder = Recorder()
            super().handle_error(req, recorder, addr, exc)
            util.write_nonblock(client, refusal(recorder.status, request_id))
        except OSError:
            self.log.debug("The client left before it was refused.")
        finally:
            current.reset(token)


def _send_at_once(conn: TConn, data: bytes) -> bool:
    """Whether the socket took all of *data*; the loop does not wait for more room."""
    try:
        return bool(conn.sock.send(data) == len(data))
    except OSError:
        return False
