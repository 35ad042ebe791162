"""
Who was refused of late, for pages that show it.

This process's refusals since somebody took them; the ``MOST`` latest callers are kept. A
bucket's name is an address, a key, or the hash of an account's name.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

from backstay.throttling.charges import Charge, Decision

MOST = 100


@dataclass(slots=True)
class Refusal:
    """How often one bucket has refused since the last ``take``, and when it did last."""

    charge: Charge
    count: int = 0
    last_at: float = 0

    @property
    def key(self) -> str:
        return "\n".join(self.charge.name)

    @property
    def said(self) -> dict[str, Any]:
        rate = self.charge.rate
        return {
            "rule": self.charge.rule,
            "bucket": self.charge.bucket,
            "limit": rate.limit,
            "window_seconds": rate.window_seconds,
            "smooth": rate.smooth,
            "last_at": self.last_at,
        }


_recent: dict[tuple[str, str, str], Refusal] = {}
_lock = Lock()


def note(decisions: Sequence[Decision]) -> None:
    """Remember those of *decisions* that refuse."""
    with _lock:
        for decision in decisions:
            if not decision.allowed:
                name = decision.charge.name
                refusal = _recent.pop(name) if name in _recent else Refusal(decision.charge)
                # Last, so that the first is who was refused the longest ago.
                _recent[name] = refusal
                refusal.count += 1
                refusal.last_at = time.time()
        while len(_recent) > MOST:
            del _recent[next(iter(_recent))]


def take() -> list[Refusal]:
    """What was remembered, which is forgotten with this."""
    with _lock:
        taken = [*_recent.values()]
        _recent.clear()
        return taken
