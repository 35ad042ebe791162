"""
Writing many orders: ``COPY`` on PostgreSQL, ``executemany`` on SQLite.

Orders are given their ids here, because their items and payments must name them;
the sequence is moved past these ids, so that none is handed out twice.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from typing import Any

from django.db import connection, transaction
from django.db.models import Model

from shop.demo.orders import DemoOrder
from shop.orders.models import Order, OrderItem, Payment

#: Orders in one transaction, and in memory.
BATCH = 5000

ORDER = (
    "id",
    "customer_id",
    "shipping_address_id",
    "status",
    "total_amount",
    "currency",
    "note",
    "created_at",
)
ITEM = ("order_id", "product_id", "quantity", "unit_price")
PAYMENT = ("order_id", "amount", "method", "status", "paid_at")

Rows = Iterable[Sequence[Any]]


def write(orders: Iterator[DemoOrder]) -> Iterator[int]:
    """Store *orders*; after each batch, yield how many it had."""
    reserve, insert = BACKENDS[connection.vendor]
    while batch := list(islice(orders, BATCH)):
        with transaction.atomic():
            numbered = list(enumerate(batch, start=reserve(len(batch))))
            insert(Order, ORDER, map(_order_row, numbered))
            insert(OrderItem, ITEM, _item_rows(numbered))
            insert(Payment, PAYMENT, _payment_rows(numbered))
        yield len(batch)


def _order_row(numbered: tuple[int, DemoOrder]) -> Sequence[Any]:
    key, order = numbered
    return (
        key,
        order.customer_id,
        order.address_id,
        order.status,
        order.total,
        "EUR",
        order.note,
        order.created_at,
    )


def _item_rows(numbered: Iterable[tuple[int, DemoOrder]]) -> Rows:
    return ((key, *item) for key, order in numbered for item in order.items)


def _payment_rows(numbered: Iterable[tuple[int, DemoOrder]]) -> Rows:
    for key, order in numbered:
        if order.payment is not None:
            failed = order.payment == "failed"
            paid_at = None if failed else order.created_at + timedelta(minutes=1)
            yield key, order.total, "card", order.payment, paid_at


def _reserve_postgresql(count: int) -> int:
    with connection.cursor() as cursor:
        # Nobody may take an id between the two steps on the sequence.
        cursor.execute("LOCK TABLE orders_order IN EXCLUSIVE MODE")
        cursor.execute(
            "SELECT setval(s, nextval(s) + %s) - %s"
            " FROM pg_get_serial_sequence('orders_order', 'id') AS s",
            [count - 1, count - 1],
        )
        return int(cursor.fetchone()[0])


def _copy(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    statement = f"COPY {model._meta.db_table} ({', '.join(columns)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _reserve_sqlite(count: int) -> int:
    # The transaction holds the only write lock; inserting moves the sequence.
    with connection.cursor() as cursor:
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = 'orders_order'")
        row = cursor.fetchone()
    return row[0] + 1 if row else 1


def _executemany(model: type[Model], columns: Sequence[str], rows: Rows) -> None:
    fields = {field.column: field for field in model._meta.concrete_fields}
    adapters = [fields[column].get_db_prep_save for column in columns]
    adapted = [
        [adapt(value, connection) for adapt, value in zip(adapters, row, strict=True)]
        for row in rows
    ]
    places = ", ".join(["%s"] * len(columns))
    statement = f"INSERT INTO {model._meta.db_table} ({', '.join(columns)}) VALUES ({places})"  # noqa: S608  # Names from above.
    with connection.cursor() as cursor:
        cursor.executemany(statement, adapted)


#: For each vendor, how to reserve ids and how to insert rows.
BACKENDS: dict[str, tuple[Callable[[int], int], Callable[[type[Model], Sequence[str], Rows], None]]]
BACKENDS = {
    "postgresql": (_reserve_postgresql, _copy),
    "sqlite": (_reserve_sqlite, _executemany),
}
