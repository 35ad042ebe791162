"""
Sixty seconds of random trade at least, with processes killed at random: everything adds up.

The second run has a broker that is down all the while. Each fails when stock is read
and then saved, when an answer is stored after its order, or when a mail or a payment
leaves before the commit.
"""

import email
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from email.policy import default
from pathlib import Path

import pytest
from django.db import connection
from django.db.models import F, Sum

from backstay.auth import issue_tokens
from backstay.outbox.models import QueuedJob
from shop.catalog.models import Product
from shop.orders.models import Order, Payment
from shop.orders.payments import provider_key
from tests.faulty_redis import redis_of_ones_own
from tests.gate import Gate
from tests.shop.factories import AddressFactory, ProductFactory, StaffFactory
from tests.shop.orders.test_races import units
from tests.shop.processes import eventually
from tests.shop.trading import EXPECTED, Market, Trader, market

pytestmark = [
    pytest.mark.long,
    pytest.mark.django_db(transaction=True),
    pytest.mark.O1,
    pytest.mark.O2,
    pytest.mark.O3,
]

SECONDS = 60
PATIENCE_SECONDS = 300
ORDERS = 500
TRADERS = 6
STOCK = 200


@pytest.fixture(params=["no broker", "a broker that is down"])
def place(request, tmp_path) -> Iterator[tuple[Market, Gate | None, Path]]:
    """An open market, the gate to its broker, and the directory of its mails and books."""
    for name in ("mail", "books"):
        (tmp_path / name).mkdir()
    with ExitStack() as stack:
        redis = stack.enter_context(redis_of_ones_own())
        environ = {
            "REDIS_URL": redis.url,
            "EMAIL_URL": f"file://{tmp_path / 'mail'}",
            "LEDGER": str(tmp_path / "books"),
        }
        gate = None
        if request.param != "no broker":
            gate = Gate(redis.url.replace("/0", "/1"))
            stack.callback(gate.shut)
            environ["CELERY_BROKER_URL"] = gate.url
        yield stack.enter_context(market(**environ)), gate, tmp_path


def confirmations(mails: Path) -> Counter[int]:
    """How many mails say that an order was received, by its number."""
    found: Counter[int] = Counter()
    for path in mails.glob("*.eml"):
        subject = email.message_from_bytes(path.read_bytes(), policy=default)["Subject"]
        if subject.startswith("Your order "):
            found[int(subject.rpartition(" ")[2])] += 1
    return found


def assert_money_adds_up(books: Path) -> None:
    """In our rows, and in the books of the provider."""
    sold = Order.objects.filter(status__in=["paid", "shipped"])
    assert (
        Payment.objects.filter(status="succeeded").aggregate(sum=Sum("amount"))["sum"]
        == (sold.aggregate(sum=Sum("total_amount"))["sum"])
    )
    assert not sold.exclude(payments__status="succeeded").exists()
    entries = {path.name for path in books.iterdir()}
    for order in Order.objects.filter(status__in=["paid", "shipped", "refunded"]):
        key = provider_key(order.pk)
        assert (f"refunded.{key}" in entries) == (order.status == "refunded")
        assert order.status == "refunded" or f"taken.{key}" in entries


def test_everything_adds_up(place, monkeypatch):
    if connection.vendor == "sqlite":
        # One of many writers, it waits its turn like any client, which asks again.
        connection.close()
        monkeypatch.setitem(connection.settings_dict["OPTIONS"], "timeout", PATIENCE_SECONDS)
    market, gate, directory = place
    products = ProductFactory.create_batch(4, stock=STOCK)
    keys = [product.pk for product in products]
    staff = issue_tokens(StaffFactory.create())["access"]
    traders = [
        Trader(market, seed, (issue_tokens(address.user)["access"], staff), address.pk, keys)
        for seed, address in enumerate(AddressFactory.create_batch(TRADERS))
    ]
    choice = random.Random(1)  # noqa: S311  # Not a secret.
    over = threading.Event()
    threads = [threading.Thread(target=trader.trade, args=[over]) for trader in traders]
    for thread in threads:
        thread.start()

    expected, snapshots = STOCK * len(products), 0
    end, next_kill = time.monotonic() + SECONDS, time.monotonic() + 1

    def enough() -> bool:
        """On a busy machine a minute may not do."""
        kills = market.kills["web"] > 5 and market.kills["worker"] > 2
        return kills and sum(len(trader.placed) for trader in traders) > ORDERS

    while time.monotonic() < end or not enough():
        assert time.monotonic() < end + PATIENCE_SECONDS
        # This is the one who restocks, so that each snapshot knows how much was.
        Product.objects.filter(pk=choice.choice(keys)).update(stock=F("stock") + 5)
        expected += 5
        assert units() == expected
        assert not Product.objects.filter(stock__lt=0).exists()
        snapshots += 1
        if time.monotonic() > next_kill:
            market.kill_somebody(choice)
            next_kill = time.monotonic() + choice.uniform(0.3, 1.5)
        time.sleep(0.05)
    over.set()
    for thread in threads:
        thread.join(120)
        assert not thread.is_alive()
    if gate is not None:
        gate.open()
    assert eventually(lambda: not QueuedJob.objects.exists(), seconds=180)

    placed = [pk for trader in traders for pk in trader.placed]
    deleted = {pk for trader in traders for pk in trader.deleted}
    statuses = sum((trader.statuses for trader in traders), Counter[int]())
    repeated = sum(trader.repeated for trader in traders)
    print(f"{len(placed)} orders, {snapshots} snapshots, {dict(statuses)} answers,")
    print(f"{dict(market.kills)} killed, {repeated} requests repeated")
    assert statuses.keys() <= EXPECTED
    assert len(placed) == len(set(placed)) > ORDERS
    # Each order has one client who knows of it, whatever answers were lost.
    existing = set(Order.objects.values_list("pk", flat=True))
    assert existing == set(placed) - deleted

    assert units() == expected
    assert_money_adds_up(directory / "books")
    mails = confirmations(directory / "mail")
    assert set(mails.values()) == {1}
    assert existing <= mails.keys() <= set(placed)
