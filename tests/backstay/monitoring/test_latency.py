"""Quantiles from bins, beside the exact ones."""

from collections import Counter
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.monitoring.history.latency import bin_of, quantiles

pytestmark = [pytest.mark.M1, pytest.mark.once]

LATENCIES = st.lists(st.floats(0.1, 120_000), min_size=1, max_size=300)


def exact(latencies, share):
    """The nearest rank."""
    return sorted(latencies)[ceil(share * len(latencies)) - 1]


@given(LATENCIES, st.sampled_from([0.01, 0.5, 0.95, 0.99, 1.0]))
def test_are_within_five_percent_of_the_exact_ones(latencies, share):
    [found] = quantiles(Counter(map(bin_of, latencies)), share)
    assert found == pytest.approx(exact(latencies, share), rel=0.05)


@given(LATENCIES, LATENCIES)
def test_of_two_processes_are_those_of_both_together(one, other):
    added = Counter(map(bin_of, one)) + Counter(map(bin_of, other))
    assert quantiles(added, 0.5, 0.95) == quantiles(Counter(map(bin_of, one + other)), 0.5, 0.95)


def test_of_nothing_are_none():
    assert quantiles({"n": 0}, 0.5, 0.99) == [None, None]


@pytest.mark.parametrize("latency", [0.0, -1.0, 1e12, float("inf")])
def test_what_is_out_of_range_is_in_the_first_or_last_bin(latency):
    assert bin_of(latency) in {"h0", "h147"}
