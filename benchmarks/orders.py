"""
``python -m benchmarks.orders``: orders a second of one product that everybody wants.

Three ways to take the units: ours, a lock on the product's row first
(``select_for_update``), and the check and save that serializers are often shown with.
All else is the same: the address is held, order, item and job are written, one
transaction each. Sixteen buyers in four processes; rounds alternate, the median counts.

Then each way sells a product of ``SCARCE`` units to the same buyers, and what was sold
is counted. On the database of ``DATABASE_URL``.
"""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing.synchronize import Barrier
from statistics import median
from typing import Any

from django.db import connection, transaction
from rich.console import Console
from rich.table import Table

from tests.forks import FORKS, use_database

PROCESSES = 4
THREADS = 4
ROUNDS = 5
PLENTY = 1_000_000
SCARCE = 200

OURS, LOCK, SAVE = "backstay’s shop", "select_for_update", "check, then save"

_start: Barrier


def ours(address: Any, product_id: int) -> bool:
    from shop.orders import actions, errors

    line = actions.Line(product_id, 1)
    try:
        actions.place_order(customer=address.user.customer, lines=[line], ship_to=address)
    except errors.InsufficientInventory:
        return False
    return True


@transaction.atomic
def lock_first(address: Any, product_id: int) -> bool:
    from shop.catalog.models import Product

    product = Product.objects.select_for_update().get(pk=product_id)
    return _sell(address, product)


def check_then_save(address: Any, product_id: int) -> bool:
    from shop.catalog.models import Product

    product = Product.objects.get(pk=product_id)
    with transaction.atomic():
        return _sell(address, product)


def _sell(address: Any, product: Any) -> bool:
    from shop.orders import actions
    from shop.orders.models import Order, OrderItem
    from shop.orders.tasks import send_order_confirmation

    if product.stock < 1:
        return False
    customer = address.user.customer
    actions.hold_address(address, customer)
    product.stock -= 1
    product.save()
    order = Order.objects.create(
        customer=customer, shipping_address=address, total_amount=product.price
    )
    OrderItem.objects.bulk_create(
        [OrderItem(order=order, product=product, quantity=1, unit_price=product.price)]
    )
    send_order_confirmation.enqueue(order_id=order.pk)
    return True


WAYS: Mapping[str, Callable[[Any, int], bool]] = {
    OURS: ours,
    LOCK: lock_first,
    SAVE: check_then_save,
}


def run(*, seconds: float) -> dict[str, Any]:
    """Orders a second by each way, and how many units of ``SCARCE`` each has sold."""
    from tests.shop.factories import AddressFactory, ProductFactory

    addresses = [one.pk for one in AddressFactory.create_batch(PROCESSES * THREADS)]
    database = str(connection.settings_dict["NAME"])
    start = FORKS.Barrier(PROCESSES)
    rates: dict[str, list[float]] = {way: [] for way in WAYS}
    with ProcessPoolExecutor(PROCESSES, FORKS, _enter, (database, start)) as pool:

        def sell(way: str, stock: int, limit: float) -> int:
            product = ProductFactory.create(stock=stock).pk
            shares = [addresses[number::PROCESSES] for number in range(PROCESSES)]
            jobs = [pool.submit(_buy, way, share, product, limit) for share in shares]
            return sum(job.result() for job in jobs)

        share = seconds / (ROUNDS + 1) / len(WAYS)
        for round_ in range(ROUNDS + 1):
            for way in WAYS:
                sold = sell(way, PLENTY, share)
                # The first round only warms up.
                rates[way] += [sold / share] if round_ else []
        # However long it takes: until everybody is told that there is none.
        scarce = {way: sell(way, SCARCE, 60) for way in WAYS}
    return {
        "database": _database(),
        "rates": {way: median(found) for way, found in rates.items()},
        "sold": scarce,
    }


def _enter(database: str, start: Barrier) -> None:
    use_database(database)
    global _start  # noqa: PLW0603  # A pool's initializer has no other way to its jobs.
    _start = start


def _buy(way: str, addresses: list[int], product: int, seconds: float) -> int:
    """The units that the buyers of one process got, until time or stock is over."""
    _start.wait(timeout=60)
    with ThreadPoolExecutor(THREADS) as threads:
        return sum(threads.map(partial(_buy_on, WAYS[way], product, seconds), addresses))


def _buy_on(take: Callable[[Any, int], bool], product: int, seconds: float, address: int) -> int:
    from shop.orders.models import Address

    buyer = Address.objects.select_related("user__customer").get(pk=address)
    sold, end = 0, time.monotonic() + seconds
    while time.monotonic() < end and take(buyer, product):
        sold += 1
    connection.close()
    return sold


def _database() -> str:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            return "SQLite"
        cursor.execute("SHOW server_version")
        return f"PostgreSQL {cursor.fetchone()[0].split()[0]}"


HEAD = ("way to take the units", "orders a second", "beside select_for_update", "sold of 200")


def rows(found: Mapping[str, Any]) -> list[tuple[str, ...]]:
    base = found["rates"][LOCK]
    return [
        (way, f"{rate:,.0f}", f"{rate / base:.2f}×", str(found["sold"][way]))
        for way, rate in found["rates"].items()
    ]


def show(found: Mapping[str, Any]) -> None:
    table = Table(*HEAD, title=f"{found['database']}: one hot product", title_justify="left")
    for row in rows(found):
        table.add_row(*row)
    Console().print(table)


def section(found: Mapping[str, Any]) -> str:
    """For ``docs/benchmarks.md``."""
    lines = [
        f"## Orders of one hot product, {found['database']}\n",
        f"{PROCESSES * THREADS} buyers in {PROCESSES} processes (`benchmarks/orders.py`).\n",
        "| " + " | ".join(HEAD) + " |",
        "|---|--:|--:|--:|",
        *("| " + " | ".join(row) + " |" for row in rows(found)),
    ]
    return "\n".join(lines) + "\n"
