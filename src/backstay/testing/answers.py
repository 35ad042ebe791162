"""
Answers in a form in which two of them can be compared byte for byte.

Taken out is what tells one request from another and nothing of an object: the ids
that were asked for, where the answer repeats them, and the headers in ``VOLATILE``
with their values. Limit: how long an answer took is not compared.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from backstay.testing.resources import Id

#: Headers that differ between any two requests. The length is compared by the body itself.
VOLATILE = frozenset(
    {
        "age",
        "content-length",
        "date",
        "ratelimit",
        "retry-after",
        "server-timing",
        "traceparent",
        "x-request-id",
    }
)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: str


def answer_of(response: Any, ids: Collection[Id], ignored: Collection[str] = ()) -> Answer:
    """*response* without any of *ids*, nor any of VOLATILE and *ignored* headers."""
    volatile = VOLATILE.union(name.lower() for name in ignored)
    headers = {name.lower(): value for name, value in response.headers.items()}
    # A short value, such as a number, may stand in a body for something else.
    marks = [value for name, value in headers.items() if name in volatile and len(value) >= 16]
    asked = "|".join(re.escape(str(each)) for each in sorted(ids, key=str))

    def masked(text: str) -> str:
        for mark in marks:
            text = text.replace(mark, "")
        return re.sub(rf"(?<![\w-])(?:{asked})(?![\w-])", "{id}", text) if asked else text

    kept = {name: masked(value) for name, value in headers.items() if name not in volatile}
    kept["set-cookie"] = " ".join(sorted(response.cookies))
    return Answer(response.status_code, kept, masked(response.getvalue().decode("latin-1")))


def difference(foreign: Answer, missing: Answer) -> str | None:
    """What tells the two apart, in words; ``None`` where nothing does."""
    if foreign.status != missing.status:
        return f"answers {foreign.status}, and {missing.status} for a missing one"
    if foreign.headers != missing.headers:
        names = foreign.headers.items() ^ missing.headers.items()
        return f"headers differ from a missing one's: {', '.join(sorted(dict(names)))}"
    if foreign.body != missing.body:
        return f"says {foreign.body[:200]!r}, and {missing.body[:200]!r} for a missing one"
    return None
