"""Waiting until a real process is there, or gone."""

import time
from collections.abc import Callable


def eventually(holds: Callable[[], bool], *, seconds: float) -> bool:
    """Whether *holds* came true within *seconds*."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
