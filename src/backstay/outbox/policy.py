"""
When a job that failed is tried again, and when it is given up.

The pauses grow threefold from 5 seconds to 6 hours. Ten tries span between 5 and
11 hours: a night without a mail server loses no mail. Each pause is drawn from its
upper half, so that jobs that failed together do not come back together.
"""

from datetime import datetime, timedelta
from random import Random

FIRST_SECONDS = 5
FACTOR = 3
LONGEST_SECONDS = 6 * 60 * 60


def pause(attempts: int, random: Random) -> timedelta:
    """How long to wait after the try that was number *attempts*, counted from 1."""
    # Bounded before it is raised: a large number of attempts would overflow.
    longest = min(FIRST_SECONDS * FACTOR ** min(attempts - 1, 20), LONGEST_SECONDS)
    return timedelta(seconds=longest * random.uniform(0.5, 1))


def next_try(attempts: int, *, max_attempts: int, now: datetime, random: Random) -> datetime | None:
    """When to try again after *attempts* tries; ``None``: park the job."""
    return None if attempts >= max_attempts else now + pause(attempts, random)
