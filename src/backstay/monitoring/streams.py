"""A streamed answer is measured to its end: the last part, an error, or a client who left."""

from collections.abc import Callable, Iterator
from typing import Any

from django.http import FileResponse, StreamingHttpResponse

from backstay.measure import Measure, current


def at_end(
    response: StreamingHttpResponse, measure: Measure, finish: Callable[[int, bool], None]
) -> None:
    """
    Call *finish* once with the bytes that were sent and whether an error broke it off, and
    charge *measure* while parts are made.

    A file is left to the server, which may send it by itself; of an asynchronous stream the
    end alone is seen. Both count no bytes.
    """
    parts = _Parts(response, measure, finish)
    if not isinstance(response, FileResponse) and not response.is_async:
        response.streaming_content = parts
    # On the instance: servers call it whether the stream was read to its end or not.
    response.close = parts.closed  # type: ignore[method-assign]  # As above.


class _Parts:
    """The parts of *response* as they are made."""

    def __init__(
        self, response: StreamingHttpResponse, measure: Measure, finish: Callable[[int, bool], None]
    ) -> None:
        self._close = response.close
        self._measure = measure
        self._finish: Callable[[int, bool], None] | None = finish
        self._bytes = 0
        if not response.is_async:
            self._parts: Any = iter(response)  # As bytes.

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        token = current.set(self._measure)
        try:
            part: bytes = next(self._parts)
        except StopIteration:
            self._end()
            raise
        except BaseException:
            self._end(broken=True)
            raise
        finally:
            current.reset(token)
        self._bytes += len(part)
        return part

    def closed(self) -> None:
        try:
            self._close()
        finally:
            self._end()

    def _end(self, *, broken: bool = False) -> None:
        finish, self._finish = self._finish, None
        if finish is not None:
            finish(self._bytes, broken)
