"""
What is kept of an exception: its class and where it was raised.

Not its message: those of a mail server, a database or a JSON parser quote
addresses, rows and tokens, which must be in no table and no log line.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from traceback import walk_tb
from typing import Self

#: The innermost calls say most, and a column has an end.
CALLS = 5
MAX_CLASS = 200
MAX_CALLS = 500


@dataclass(frozen=True, slots=True)
class Failure:
    """``error`` is a class, ``raised_in`` the calls that led there, innermost last."""

    error: str
    raised_in: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        kind = type(error)
        calls = list(_calls(error))[-CALLS:]
        return cls(
            error=f"{kind.__module__}.{kind.__qualname__}"[:MAX_CLASS],
            raised_in=" > ".join(calls)[-MAX_CALLS:],
        )


#: A job was started as often as allowed, and nobody came back to say how it went.
WORKER_DIED = Failure("WorkerDied", "")


def _calls(error: BaseException) -> Iterator[str]:
    for frame, line in walk_tb(error.__traceback__):
        yield f"{frame.f_globals.get('__name__', '?')}:{line}"
