"""
A tap on the shoulder of a relay that runs in this process.

Only a shortcut: a relay in another process hears nothing, and finds the job when
it next polls.
"""

from threading import Event

_arrived = Event()


def wake() -> None:
    _arrived.set()


def wait_for_work(seconds: float) -> None:
    """Return at a ``wake``, one that came before included, and after *seconds* at the latest."""
    _arrived.wait(seconds)
    # Cleared before the table is read, so a job that arrives meanwhile is seen there.
    _arrived.clear()
