"""
What is kept of a job's failure, and when it is tried again.

Kept are an exception's class and where it was raised. Not its message: those of a
mail server, a database or a JSON parser quote addresses, rows and tokens, which must
be in no table and no log line.

The pauses grow threefold from 5 seconds to 6 hours. Ten tries span between 5 and
11 hours: a night without a mail server loses no mail. Each pause is drawn from its
upper half, so that jobs that failed together do not come back together.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from traceback import walk_tb
from typing import Self

#: The innermost calls say most, and a column has an end.
CALLS = 5
MAX_CLASS = 200
MAX_CALLS = 500

FIRST_SECONDS = 5
FACTOR = 3
LONGEST_SECONDS = 6 * 60 * 60


@dataclass(frozen=True, slots=True)
class Failure:
    """``error`` is a class, ``raised_in`` the calls that led there, innermost last."""

    error: str
    raised_in: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        kind = type(error)
        calls = [
            f"{frame.f_globals.get('__name__', '?')}:{line}"
            for frame, line in walk_tb(error.__traceback__)
        ]
        return cls(
            error=f"{kind.__module__}.{kind.__qualname__}"[:MAX_CLASS],
            raised_in=" > ".join(calls[-CALLS:])[-MAX_CALLS:],
        )


#: A job was started as often as allowed, and nobody came back to say how it went.
WORKER_DIED = Failure("WorkerDied", "")


def pause(attempts: int, random: Random) -> timedelta:
    """How long to wait after the try that was number *attempts*, counted from 1."""
    # Bounded before it is raised: a large number of attempts would overflow.
    longest = min(FIRST_SECONDS * FACTOR ** min(attempts - 1, 20), LONGEST_SECONDS)
    return timedelta(seconds=longest * random.uniform(0.5, 1))


def next_try(attempts: int, *, max_attempts: int, now: datetime, random: Random) -> datetime | None:
    """When to try again after *attempts* tries; ``None``: park the job."""
    return None if attempts >= max_attempts else now + pause(attempts, random)
