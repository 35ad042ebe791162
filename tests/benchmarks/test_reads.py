"""The benchmark of reads compares what is the same."""

import json
from contextlib import nullcontext
from urllib.parse import urlsplit

import pytest
from django.core.management import call_command

from backstay.counters import counted
from shop.orders.models import Order

# The peers are imported here only: not every test run has a use for them.
pytestmark = [pytest.mark.long, pytest.mark.django_db(transaction=True)]


def test_every_contender_answers_the_same_values():
    from benchmarks.contenders import contenders
    from benchmarks.reads import paths_of, same_answers

    call_command("demo_data", orders=120)
    newest = Order.objects.order_by("-created_at", "-id")[0]
    with contenders() as found:
        for name, path in paths_of(newest.pk).items():
            entered = {who: one for who, one in found.items() if name in one.workloads}
            assert len(entered) > 1
            same_answers(entered, path)


def test_the_plan_is_at_work():
    from benchmarks.contenders import PLAN, contenders
    from benchmarks.reads import paths_of

    call_command("demo_data", orders=20)
    failed = counted("readplan_failed")
    with contenders() as found:
        for path in paths_of(Order.objects.all()[0].pk).values():
            with found[PLAN].counting() as statements:
                found[PLAN].get(path)
            assert len(statements) <= 4
    assert counted("readplan_failed") == failed


def test_every_contender_answers_the_same_next_page():
    from benchmarks.contenders import contenders
    from benchmarks.reads import values

    call_command("demo_data", orders=120)
    with contenders() as found:
        pages = {}
        for who, one in found.items():
            path = "/list" if "list" in one.workloads else "/full"
            link = json.loads(one.get(path))["next"]
            answer = values(json.loads(one.get(f"{path}?{urlsplit(link).query}")))
            pages[who] = [order["id"] for order in answer["results"]], answer["next"]
    oldest = Order.objects.order_by("created_at", "id")[:20]
    assert pages == dict.fromkeys(found, ([order.pk for order in reversed(oldest)], False))


def test_another_value_is_noticed():
    from benchmarks.contenders import Contender
    from benchmarks.reads import same_answers

    def answering(body: bytes) -> Contender:
        return Contender(get=lambda _: body, counting=nullcontext)

    first, second = answering(b'{"id": 1}'), answering(b'{"id": 2}')
    with pytest.raises(AssertionError, match="second answers something else"):
        same_answers({"first": first, "second": second}, "/one/1")
