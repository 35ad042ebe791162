"""One request to an application in this process, and the body of its answer."""

import asyncio
from collections.abc import Callable
from io import BytesIO
from typing import Any
from wsgiref.util import setup_testing_defaults

#: From a path to the bytes that answer it.
Client = Callable[[str], bytes]


class Refused(Exception):
    """The answer was no 200."""


def wsgi(application: Callable[..., Any], prefix: str = "", *, token: str | None = None) -> Client:
    """A client of a WSGI application, whose paths begin with *prefix*; *token* is a bearer's."""
    defaults: dict[str, Any] = {"HTTP_HOST": "localhost", "HTTP_ACCEPT": "application/json"}
    if token is not None:
        defaults["HTTP_AUTHORIZATION"] = f"Bearer {token}"
    setup_testing_defaults(defaults)

    def get(path: str) -> bytes:
        path, _, query = path.partition("?")
        environ = {**defaults, "PATH_INFO": prefix + path, "QUERY_STRING": query}
        environ["wsgi.input"] = BytesIO()
        seen: list[str] = []
        answer = application(environ, lambda status, headers: seen.append(status))
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        if seen != ["200 OK"]:
            raise Refused(f"{path}: {seen}")
        return body

    return get


def asgi(application: Callable[..., Any], loop: asyncio.AbstractEventLoop) -> Client:
    """A client of an ASGI application, which runs in *loop* while it answers."""
    headers = [(b"host", b"localhost"), (b"accept", b"application/json")]

    async def get(path: str) -> bytes:
        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "query_string": query.encode(),
            "headers": headers,
            "server": ("localhost", 80),
            "client": ("127.0.0.1", 1),
        }
        seen: list[int] = []
        body = bytearray()

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "http.response.start":
                seen.append(message["status"])
            else:
                body.extend(message.get("body", b""))

        await application(scope, receive, send)
        if seen != [200]:
            raise Refused(f"{path}: {seen}")
        return bytes(body)

    return lambda path: loop.run_until_complete(get(path))
