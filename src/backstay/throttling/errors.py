"""
The refusal.

Status 429: RFC 6585 section 4. Retry-After: RFC 9110 section 10.2.3.
"""

from collections.abc import Sequence
from math import ceil

from backstay.errors import Problem
from backstay.throttling.charges import Decision


class Throttled(Problem):
    """
    The caller has used up a budget; nothing was charged.

    ``Retry-After`` is the longest wait of those that refused, in whole seconds, so
    that a retry then is let in by all of them.
    """

    status_code = 429
    code = "throttled"

    def __init__(self, decisions: Sequence[Decision]) -> None:
        self.refusals = [decision for decision in decisions if not decision.allowed]
        longest = max((refusal.retry_after_seconds for refusal in self.refusals), default=0)
        #: By this name DRF's own exception handler finds it.
        self.wait = max(1, ceil(longest))
        super().__init__(
            f"Too many requests; try again in {self.wait} s.",
            headers={"Retry-After": str(self.wait)},
        )
