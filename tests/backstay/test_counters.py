"""Counters of this process: by name and labels, exact over threads."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from backstay.counters import count, counted, every_count

pytestmark = pytest.mark.once


def test_what_never_happened_is_zero():
    assert counted("never") == 0
    assert counted("never", outcome="ok") == 0


def test_labels_that_are_not_given_are_added_up():
    count("letters", kind="a", case="upper")
    count("letters", kind="a", case="lower", by=2)
    count("letters", kind="b", case="lower", by=4)

    assert counted("letters") == 7
    assert counted("letters", kind="a") == 3
    assert counted("letters", case="lower") == 6
    assert counted("letters", kind="a", case="lower") == 2
    assert counted("letters", kind="c") == 0


def test_the_order_of_labels_makes_no_other_counter():
    count("order", a="1", b="2")
    count("order", b="2", a="1")

    assert every_count()["order", (("a", "1"), ("b", "2"))] == 2


def test_what_is_handed_out_is_a_copy():
    count("copied")
    every_count().clear()
    assert counted("copied") == 1


def test_threads_lose_none():
    def many(_):
        for _ in range(5_000):
            count("shared", outcome="ok")

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(many, range(8)))

    assert counted("shared") == 40_000


@pytest.mark.long
def test_reading_while_others_count_for_the_first_time_does_not_fail():
    def add(number):
        for event in range(2_000):
            count(f"new {number} {event}")

    with ThreadPoolExecutor(4) as threads:
        adding = [threads.submit(add, number) for number in range(3)]
        while not all(job.done() for job in adding):
            counted("new 0 0")
            every_count()
        assert [job.exception() for job in adding] == [None] * 3
