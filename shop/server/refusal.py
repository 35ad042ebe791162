"""
The answers gunicorn gives without the application, in the one shape of errors.

A request that the parser refuses never reaches Django: here gunicorn's choice
of a status becomes a problem with an id. ``instance`` is empty, since the path
may be what could not be read.
"""

from types import SimpleNamespace

from django.utils.http import http_date

from backstay.errors.codes import code_of_status
from backstay.errors.problems import Converted
from backstay.errors.responses import ProblemResponse

DETAILS = {
    400: "The request line, a header or the framing of the body is malformed.",
    414: "The request line is too long.",
    417: "Expect can ask for 100-continue only.",
    431: "The header fields are too many or too long.",
}


class Recorder:
    """Stands in for the socket while gunicorn logs, chooses a status and writes its page."""

    def __init__(self) -> None:
        self.written = b""

    def gettimeout(self) -> float:
        return 0.0

    def sendall(self, data: bytes) -> None:
        self.written += data

    @property
    def status(self) -> int:
        """From ``HTTP/1.1 414 URI Too Long``; 500 if nothing was written."""
        return int(self.written.split(b" ", 2)[1]) if self.written else 500


def refusal(status: int, request_id: str) -> bytes:
    """The whole answer, after which the connection is closed."""
    code = "parse_error" if status in DETAILS else code_of_status(status)
    unread = SimpleNamespace(path="", request_id=request_id)
    response = ProblemResponse(Converted(status, code, DETAILS.get(status)), unread)
    response.render()
    response.headers["X-Request-ID"] = request_id
    response.headers["Date"] = http_date()
    response.headers["Connection"] = "close"
    response.headers["Content-Length"] = str(len(response.content))
    line = f"HTTP/1.1 {status} {response.reason_phrase}\r\n".encode()
    return line + response.serialize()
