"""
Latencies in a fixed number of bins, from which quantiles are read.

A bin ends a tenth above the end of the one before, and stands for the geometric middle
of its ends: a quantile is within 5 % of the exact one (nearest rank) from 0.1 ms to two
minutes, whatever the distribution. Histograms of several processes are added up.
"""

from bisect import bisect_left
from collections.abc import Mapping
from itertools import accumulate
from math import sqrt

_FIRST_MS, _GROWTH, _BINS = 0.1, 1.1, 148

#: Each bin's upper end, in milliseconds.
_ENDS_MS = [_FIRST_MS * _GROWTH**number for number in range(_BINS)]

#: What the bins are called among the sums of a row, the quickest first.
BINS = [f"h{number}" for number in range(_BINS)]


def bin_of(duration_ms: float) -> str:
    """
    >>> bin_of(0.01), bin_of(250), bin_of(10_000_000)
    ('h0', 'h83', 'h147')
    """
    return BINS[min(bisect_left(_ENDS_MS, duration_ms), _BINS - 1)]


def quantiles(sums: Mapping[str, int], *shares: float) -> list[float | None]:
    """
    The latency in milliseconds below which each share of the requests was; ``None``: there
    was no request.

    >>> quantiles({"h83": 9, "h100": 1}, 0.5, 0.99)
    [259.954, 1313.9298]
    """
    counts = [(number, sums[name]) for number, name in enumerate(BINS) if name in sums]
    total = sum(count for _, count in counts)
    return [_at_rank(counts, share * total) if total else None for share in shares]


def _at_rank(counts: list[tuple[int, int]], rank: float) -> float:
    below = accumulate(count for _, count in counts)
    reached = next(place for place, sum_ in enumerate(below) if sum_ >= rank)
    return round(_ENDS_MS[counts[reached][0]] / sqrt(_GROWTH), 4)
