"""The production server as an operator meets it: a real process on a free port."""

import http.client
import json
import os
import re
import selectors
import signal
import socket
import struct
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from gunicorn.config import Config

from shop.environment import ROOT
from shop.server.arrival import BODY_BYTES, HEADER_BYTES, Arrival, arrival
from shop.server.head import Unread, drop_body_of_head
from shop.server.worker import PatientWorker
from tests.services import free_port
from tests.shop.processes import eventually

pytestmark = pytest.mark.once


class TestArrival:
    """When a thread is spent on a request."""

    @pytest.mark.parametrize(
        "received",
        [
            b"GET / HTTP/1.1\r\nHost: shop\r\n\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\ncontent-length:3\r\n\r\nabc",
            b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nX: trailer\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: shop\r\n\r\nGET / HTTP/1.1\r\n",
        ],
    )
    def test_a_whole_request_is_complete(self, received):
        assert arrival(received) is Arrival.COMPLETE

    @pytest.mark.parametrize(
        "received",
        [
            b"",
            b"GET / HTTP/1.1\r\nHost: sh",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\n\r\nab",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
            b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\nab",
        ],
    )
    def test_part_of_one_waits(self, received):
        assert arrival(received) is Arrival.WAIT

    def test_a_client_that_asks_first_is_told_to_go_on(self):
        received = b"POST / HTTP/1.1\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"
        assert arrival(received) is Arrival.WAIT_AFTER_CONTINUE

    @pytest.mark.parametrize(
        "received",
        [
            b"GET / HTTP/1.1\r\nX: " + b"x" * HEADER_BYTES,
            b"POST / HTTP/1.1\r\nContent-Length: %d\r\n\r\n" % (BODY_BYTES + 1),
            b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"x" * (BODY_BYTES + 1),
            b"POST / HTTP/1.1\r\nContent-Length: three\r\n\r\n",
        ],
    )
    def test_what_will_be_refused_is_not_gathered_first(self, received):
        assert arrival(received) is Arrival.COMPLETE


class Server:
    """A started server, the way a process manager sees it."""

    def __init__(self, process: subprocess.Popen[str], port: int, signs: Path) -> None:
        self.process = process
        self.port = port
        self.signs = signs
        #: How often it has answered, by path.
        self.answered: Counter[str] = Counter()

    def workers(self) -> set[int]:
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        return {int(pid) for pid in children.read_text().split()}

    def get(self, path: str = "/") -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        with closing(connection) as client:
            client.request("GET", path)
            with client.getresponse() as response:
                self.answered[path] += 1
                return response.status

    def stop(self) -> str:
        """Stop it; what it logged."""
        self.process.terminate()
        self.process.communicate(timeout=35)
        return logged(self.signs)

    def answers(self, path: str = "/") -> bool:
        try:
            return self.get(path) == 200
        except OSError:
            return False


def serve(tmp_path: Path, **variables: str) -> subprocess.Popen[str]:
    # Into a file: a pipe that nobody reads is full after some hundred lines, and stops who writes.
    with (tmp_path / "log").open("w") as log:
        return subprocess.Popen(
            [sys.executable, "manage.py", "serve"],
            cwd=ROOT,
            env={
                "PATH": os.environ["PATH"],
                "DEBUG": "1",
                "DATABASE_URL": f"sqlite:///{tmp_path}/db.sqlite3",
                "SIGNS": f"{tmp_path}",
                **variables,
            },
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )


def logged(tmp_path: Path) -> str:
    """What the server has written to stderr so far."""
    return (tmp_path / "log").read_text()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Two workers of two threads, with the URLs of ``tests.shop.serving``."""
    port = free_port()
    process = serve(
        tmp_path,
        PORT=f"{port}",
        WEB_CONCURRENCY="2",
        # Several workers must have one; nothing here asks it.
        REDIS_URL="redis://127.0.0.1:6379/0",
        DJANGO_SETTINGS_MODULE="tests.shop.serving",
        GUNICORN_CMD_ARGS="--threads=2",
    )
    server = Server(process, port, tmp_path)
    try:
        assert eventually(server.answers, seconds=20)
        assert eventually(lambda: len(server.workers()) == 2, seconds=5)
        yield server
    finally:
        (tmp_path / "may-end").touch()
        process.terminate()
        process.communicate(timeout=35)


@pytest.fixture
def held_request(server: Server) -> Iterator[Future[int]]:
    """A request that is being answered until the server is given its sign."""
    with ThreadPoolExecutor(1) as client:
        request = client.submit(server.get, "/held/")
        assert eventually((server.signs / "began").exists, seconds=5)
        yield request


#: SO_LINGER on and zero seconds: closing sends a reset.
RESET = struct.pack("ii", 1, 0)


def exchange(server: Server, sent: bytes) -> tuple[int, dict[str, str], bytes]:
    """Status, headers and body of the answer to *sent*, after which the server closes."""
    with connect(server, sent) as connection:
        connection.settimeout(5)
        received = b"".join(iter(lambda: connection.recv(65_536), b""))
    head, _, body = received.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    return int(line.split()[1]), dict(field.split(": ", 1) for field in fields), body


def connect(server: Server, sent: bytes) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", server.port))
    connection.sendall(sent)
    return connection


linux = pytest.mark.skipif(sys.platform != "linux", reason="Children are read from /proc.")


@linux
@pytest.mark.long
class TestWorkers:
    def test_one_that_is_killed_is_replaced(self, server):
        before = server.workers()
        victim = min(before)

        os.kill(victim, signal.SIGKILL)

        assert eventually(lambda: victim not in server.workers(), seconds=5)
        assert eventually(lambda: len(server.workers()) == 2, seconds=5)
        assert server.get() == 200

    @pytest.mark.F2
    @pytest.mark.parametrize(
        "part",
        [
            b"",
            b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
            b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\nslow",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\nGET / HTTP/1.1\r\nX-Slow: ",
        ],
        ids=["connects only", "headers", "body", "second request"],
    )
    def test_slow_clients_hold_none(self, server, part):
        slow = [connect(server, part) for _ in range(16)]
        began = time.monotonic()

        assert [server.get() for _ in range(8)] == [200] * 8
        assert time.monotonic() - began < 2
        for connection in slow:
            connection.close()

    def test_a_body_that_arrives_slowly_is_answered(self, server):
        connection = connect(
            server, b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n"
        )
        for byte in (b"{", b"}"):
            assert server.get() == 200
            connection.sendall(byte)

        # The view has no CSRF exemption: any answer proves that the request was whole.
        assert connection.recv(12) == b"HTTP/1.1 403"
        connection.close()

    @pytest.mark.parametrize(
        "head",
        [
            b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n",
            b"POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
            b"",
        ],
        ids=["expects to be told", "waits", "complete", "nothing"],
    )
    def test_a_client_that_resets_ends_none(self, server, head):
        before = server.workers()

        for _ in range(300):
            with connect(server, head) as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)

        assert server.get() == 200
        assert server.workers() == before


@pytest.mark.long
class TestRefusals:
    """What gunicorn answers by itself has the one shape."""

    @pytest.mark.parametrize(
        ("sent", "status"),
        [
            (b"GET /" + b"x" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n", 414),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"x" * 9000 + b"\r\n\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 101 + b"\r\n", 431),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nExpect: miracles\r\n\r\n", 417),
            (b"<script>\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nBad Name: x\r\n\r\n", 400),
            (b"GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n", 400),
        ],
        ids=["long line", "long header", "many headers", "expect", "line", "name", "length"],
    )
    def test_are_problems_with_an_id(self, server, sent, status):
        answered, headers, body = exchange(server, sent)

        assert answered == status
        assert headers["Content-Type"] == "application/problem+json"
        assert headers["Connection"] == "close"
        assert headers["Content-Length"] == f"{len(body)}"
        problem = json.loads(body)
        assert problem.pop("detail")
        assert problem == {
            "type": "/errors/parse_error",
            "title": "Malformed request",
            "status": status,
            "code": "parse_error",
            "instance": "",
            "request_id": headers["X-Request-ID"],
        }


class TestHead:
    @pytest.mark.long
    def test_has_the_headers_of_get_and_warns_of_nothing(self, tmp_path):
        port = free_port()
        process = serve(tmp_path, PORT=f"{port}", DJANGO_SETTINGS_MODULE="shop.settings")
        server = Server(process, port, tmp_path)
        try:
            assert eventually(lambda: server.answers("/errors/not_found"), seconds=20)
            status, headers, body = exchange(
                server,
                b"HEAD /errors/not_found HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
            )
        finally:
            said = server.stop()

        assert status == 200
        assert int(headers["Content-Length"]) > 0
        assert body == b""
        assert "no-body" not in said
        # Colours are for a terminal.
        assert "/errors/" in said
        assert "\x1b" not in said

    def test_the_answer_is_closed_unread(self):
        answer = Answer([b"unread"])

        handed_over = drop_body_of_head(lambda *_: answer)({"REQUEST_METHOD": "HEAD"}, respond)

        assert isinstance(handed_over, Unread)
        assert list(handed_over) == []
        handed_over.close()
        assert answer.closed

    def test_bodies_of_other_methods_are_left_for_the_server_to_judge(self):
        answer = Answer([b"of a 204"])

        assert drop_body_of_head(lambda *_: answer)({"REQUEST_METHOD": "GET"}, respond) is answer


class Answer(list[bytes]):
    closed = False

    def close(self) -> None:
        self.closed = True


def respond(*_: object) -> Callable[[bytes], object]:
    raise AssertionError("Only the application starts its response.")


@linux
class TestStop:
    @pytest.mark.F2
    def test_sigterm_loses_no_answer(self, server, held_request):
        server.process.terminate()
        assert eventually(lambda: not server.answers(), seconds=5)
        assert not held_request.done()

        (server.signs / "may-end").touch()

        assert held_request.result(10) == 200
        assert server.process.wait(10) == 0

    def test_one_that_is_told_to_end_before_it_serves_does(self):
        """Gunicorn's loop has it accept, and then stop."""
        listener = socket.create_server(("127.0.0.1", 0))
        worker: Any = PatientWorker(1, os.getppid(), [listener], None, 30, Config(), None)
        worker.alive = False
        with closing(worker.tmp), selectors.DefaultSelector() as worker.poller:
            for accepts in (True, False, False):
                worker.set_accept_enabled(accepts)

            assert listener.fileno() == -1
            assert not worker.poller.get_map()


class TestStart:
    @pytest.mark.long
    def test_tells_what_to_open_and_how_to_log_in(self, server):
        server.process.terminate()
        printed, _ = server.process.communicate(timeout=35)

        for line in (f"http://127.0.0.1:{server.port}/api/docs/", "backstay-demo", "/admin/"):
            assert line in printed

    @pytest.mark.long
    def test_an_occupied_port_is_one_line_and_status_1(self, tmp_path):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            process = serve(tmp_path, PORT=f"{port}")
            printed, _ = process.communicate(timeout=20)
            complaint = logged(tmp_path)

        assert process.returncode == 1
        assert printed == ""
        assert complaint.splitlines() == [
            f"CommandError: Cannot serve on 127.0.0.1:{port}: address already in use."
        ]


@linux
@pytest.mark.long
@pytest.mark.M1
class TestMetrics:
    """Whichever worker answers, it answers for all, also for one that is no more."""

    def requests(self, server: Server) -> float:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=10)) as client:
            client.request("GET", "/metrics")
            text = client.getresponse().read().decode()
        lines = [line for line in text.splitlines() if line.startswith("backstay_requests_total")]
        return sum(float(line.rpartition(" ")[2]) for line in lines if 'route="/"' in line)

    def test_none_is_lost_with_the_worker_that_counted_it(self, server):
        for _ in range(40):
            assert server.get() == 200
        # Each worker counts what it has answered a moment later.
        assert eventually(lambda: self.requests(server) == server.answered["/"], seconds=5)
        victim = min(server.workers())

        os.kill(victim, signal.SIGKILL)
        assert eventually(lambda: victim not in server.workers(), seconds=5)
        assert eventually(lambda: len(server.workers()) == 2, seconds=5)

        assert {self.requests(server) for _ in range(8)} == {server.answered["/"]}

    def test_a_directory_that_is_given_is_made_and_stays_and_its_master_counts_nothing(
        self, tmp_path
    ):
        port, directory = free_port(), tmp_path / "var" / "metrics"
        process = serve(
            tmp_path,
            PORT=f"{port}",
            DJANGO_SETTINGS_MODULE="shop.settings",
            PROMETHEUS_MULTIPROC_DIR=f"{directory}",
        )
        server = Server(process, port, tmp_path)
        try:
            assert eventually(lambda: server.answers("/health/live/"), seconds=20)
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            with closing(connection) as client:
                client.request("GET", "/metrics")
                text = client.getresponse().read().decode()
        finally:
            server.stop()

        assert "\nbackstay_processes 1.0\n" in text
        assert directory.exists()

    def test_what_they_were_counted_in_goes_with_the_server(self, server):
        assert server.get() == 200
        environ = Path(f"/proc/{min(server.workers())}/environ").read_bytes().decode()
        (directory,) = re.findall(r"PROMETHEUS_MULTIPROC_DIR=([^\0]+)", environ)
        assert eventually(lambda: any(Path(directory).glob("counter_*.db")), seconds=5)

        server.stop()

        assert not Path(directory).exists()
