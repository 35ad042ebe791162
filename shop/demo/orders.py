"""
The demo's orders, as many as asked for, made a chunk at a time.

Order 0 is the newest; each is thirty seconds older than the one before it. The
orders of a chunk follow from the seed and the chunk's number alone, so more can
be added behind those that are there, without making the first again.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import NamedTuple

from shop.accounts.models import User
from shop.catalog.models import Product
from shop.demo.goods import SKUS
from shop.demo.people import BUYERS
from shop.demo.words import chooser
from shop.orders.models import Customer, Order

NEWEST = datetime(2026, 1, 1, tzinfo=UTC)
APART = timedelta(seconds=30)
CHUNK = 1000

#: States as often as they are met, and what became of the payment.
STATUSES = ("pending",) * 2 + ("paid",) * 5 + ("shipped",) * 10 + ("cancelled",) * 2 + ("refunded",)
PAYMENTS: dict[str, tuple[str | None, ...]] = {
    "pending": (None, None, "failed"),
    "paid": ("succeeded",),
    "shipped": ("succeeded",),
    "cancelled": (None, "failed"),
    "refunded": ("refunded",),
}
NOTES = ("",) * 6 + ("Leave it with the neighbours.", "Please ring twice.")


class Buyer(NamedTuple):
    customer_id: int
    address_ids: list[int]


class Item(NamedTuple):
    product_id: int
    quantity: int
    unit_price: Decimal


class DemoOrder(NamedTuple):
    customer_id: int
    address_id: int
    status: str
    total: Decimal
    note: str
    created_at: datetime
    items: list[Item]
    payment: str | None


def count_present() -> int:
    """How many demo orders there are, told by the age of the oldest."""
    oldest = (
        Order.objects.filter(created_at__lte=NEWEST, customer__user__email__in=BUYERS)
        .order_by("created_at", "id")
        .values_list("created_at", flat=True)
        .first()
    )
    return 0 if oldest is None else (NEWEST - oldest) // APART + 1


def generate(seed: int, start: int, stop: int) -> Iterator[DemoOrder]:
    """The orders *start* up to, not including, *stop*."""
    buyers, products = _buyers(), _products()
    for chunk in range(start // CHUNK, -(-stop // CHUNK)):
        first = chunk * CHUNK
        orders = _chunk(seed, chunk, buyers, products)
        yield from islice(orders, max(start - first, 0), stop - first)


def _chunk(
    seed: int, chunk: int, buyers: list[Buyer], products: list[tuple[int, Decimal]]
) -> Iterator[DemoOrder]:
    choose = chooser(seed, "orders", chunk)
    for number in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        buyer, status = choose(buyers), choose(STATUSES)
        # Distinct, because an order has one line for each product.
        chosen = dict(choose(products) for _ in range(choose((1, 1, 2, 2, 3, 4))))
        items = [Item(key, choose((1, 1, 1, 2, 2, 5)), price) for key, price in chosen.items()]
        yield DemoOrder(
            buyer.customer_id,
            choose(buyer.address_ids),
            status,
            sum((item.unit_price * item.quantity for item in items), Decimal(0)),
            choose(NOTES),
            NEWEST - APART * number,
            items,
            choose(PAYMENTS[status]),
        )


def _buyers() -> list[Buyer]:
    users = User.objects.filter(email__in=BUYERS).order_by("pk").prefetch_related("addresses")
    customers = dict(Customer.objects.filter(user__in=users).values_list("user", "pk"))
    buyers = [
        Buyer(customers[user.pk], sorted(address.pk for address in user.addresses.all()))
        for user in users
    ]
    return [buyer for buyer in buyers if buyer.address_ids]


def _products() -> list[tuple[int, Decimal]]:
    products = Product.objects.filter(sku__in=SKUS, is_active=True).order_by("pk")
    return list(products.values_list("pk", "price"))
