"""
HEAD without a body (RFC 9110 section 9.3.2).

Django answers HEAD as GET and leaves the body for the server to drop. Gunicorn
does, with a warning each time, since elsewhere that is a mistake; and it reads
a streamed answer to its end. Here the body is neither read nor handed over.
"""

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


class Unread:
    """An answer whose body is not read, and which is closed all the same."""

    def __init__(self, answer: Iterable[bytes]) -> None:
        self.answer = answer

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def close(self) -> None:
        if hasattr(self.answer, "close"):
            self.answer.close()


def drop_body_of_head(application: "WSGIApplication") -> "WSGIApplication":
    """*application*, whose answers to HEAD are headers alone."""

    def bodiless(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        answer = application(environ, start_response)
        return Unread(answer) if environ["REQUEST_METHOD"] == "HEAD" else answer

    return bodiless
