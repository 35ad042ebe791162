"""
When has enough of an HTTP/1.1 request arrived to spend a thread on it?

Decides nothing about right and wrong: a request that is malformed or larger
than ``BODY_BYTES`` counts as arrived, so that the parser or the application
refuses it. An error of judgement here costs a thread some waiting, never a
wrong answer.

Framing: RFC 9112 section 6. Expect: RFC 9110 section 10.1.1.
"""

import re
from enum import Enum, auto

#: Above this the application answers 413 without reading the body.
BODY_BYTES = 2_621_440
#: Above this the parser answers 431.
HEADER_BYTES = 65_536

CONTENT_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*([0-9]{1,18})[ \t]*\r\n", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[^\r\n]*chunked", re.IGNORECASE)
EXPECT_CONTINUE = re.compile(rb"\r\nexpect:[ \t]*100-continue", re.IGNORECASE)


class Arrival(Enum):
    """What to do with the bytes received so far."""

    WAIT = auto()
    #: The client sends the body only after a 100 (Continue).
    WAIT_AFTER_CONTINUE = auto()
    COMPLETE = auto()


def arrival(received: bytes | bytearray) -> Arrival:
    """
    >>> arrival(b"GET / HTTP/1.1\\r\\nHost: shop")
    <Arrival.WAIT: 1>
    >>> arrival(b"GET / HTTP/1.1\\r\\nHost: shop\\r\\n\\r\\n")
    <Arrival.COMPLETE: 3>
    """
    end = received.find(b"\r\n\r\n", 0, HEADER_BYTES)
    if end < 0:
        return Arrival.COMPLETE if len(received) >= HEADER_BYTES else Arrival.WAIT
    head = bytes(received[: end + 2])
    body_bytes = len(received) - end - 4
    if body_bytes > BODY_BYTES or _body_complete(head, received, body_bytes):
        return Arrival.COMPLETE
    if body_bytes == 0 and EXPECT_CONTINUE.search(head):
        return Arrival.WAIT_AFTER_CONTINUE
    return Arrival.WAIT


def _body_complete(head: bytes, received: bytes | bytearray, body_bytes: int) -> bool:
    if CHUNKED.search(head):
        # The last chunk and any trailers end with an empty line.
        return body_bytes > 0 and received.endswith(b"\r\n\r\n")
    length = CONTENT_LENGTH.search(head)
    if length is None:
        return True
    expected = int(length[1])
    return expected > BODY_BYTES or body_bytes >= expected
