"""Bringing the demo's data to the size that was asked for."""

from collections.abc import Iterator

from django.db import connection, transaction

from shop.accounts.models import User
from shop.demo import bulk, goods, orders, people, texts


def load(*, count: int, seed: int) -> Iterator[int]:
    """
    Make what is missing of the demo's data; yield how many orders there are,
    first before any is added, then after each batch.

    Whether people, products and articles are there is told by the staff account.
    Memory stays the same whatever *count*.
    """
    with transaction.atomic():
        if not User.objects.filter(email=people.STAFF).exists():
            people.create_people(seed)
            goods.create_products(seed)
            texts.create_articles(seed)
    present = orders.count_present()
    yield present
    if present < count:
        for added in bulk.write(orders.generate(seed, present, count)):
            present += added
            yield present
        _refresh_statistics()


def _refresh_statistics() -> None:
    """Tell PostgreSQL's planner at once what it would notice in a minute."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE orders_order, orders_orderitem, orders_payment")
