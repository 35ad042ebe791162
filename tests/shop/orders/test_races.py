"""
What holds when everyone acts at once.

Each of these fails when the state is read, checked and saved instead of changed
by one conditional statement.
"""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from random import Random

import pytest
from django.db import connection
from django.db.models import Sum
from rest_framework.test import APIClient

from backstay.auth import issue_tokens
from backstay.errors import Conflict
from shop.catalog.models import Product
from shop.orders import actions
from shop.orders.actions import Line
from shop.orders.models import Address, Order, OrderItem, Payment
from tests.shop.contest import contest
from tests.shop.factories import AddressFactory, ProductFactory

pytestmark = pytest.mark.django_db(transaction=True)

BUYERS = 100


def buy(address_id: int, *product_ids: int) -> Order:
    """The address's owner buys one unit of each product."""
    address = Address.objects.select_related("user__customer").get(pk=address_id)
    lines = [Line(product_id, 1) for product_id in product_ids]
    return actions.place_order(customer=address.user.customer, lines=lines, ship_to=address)


def pay(order_id: int) -> Order:
    return actions.pay_order(order=Order.objects.get(pk=order_id), method="card")


def cancel(order_id: int) -> Order:
    return actions.cancel_order(order=Order.objects.get(pk=order_id))


def pay_or_cancel(action: str, order_id: int) -> str:
    return pay(order_id).status if action == "pay" else cancel(order_id).status


def delete(order_id: int) -> None:
    # Not loaded: all but the first would find nothing to delete.
    actions.delete_order(order=Order(pk=order_id))


def readdress(token: str, order_id: int, address_id: int, conditional: bool) -> object:
    """The status of a change by HTTP, as the name of a type, which is what a contest counts."""
    client = APIClient(HTTP_AUTHORIZATION=f"Bearer {token}")
    path = f"/api/v1/orders/{order_id}/"
    headers = {"If-Match": client.get(path)["ETag"]} if conditional else {}
    response = client.patch(path, {"shipping_address": address_id}, headers=headers)
    return type(str(response.status_code), (), {})()


def trade(address_id: int, product_ids: list[int], seed: int) -> None:
    """Order, pay, ship, cancel, refund and delete as chance has it, eight times."""
    choose = Random(seed).choice  # noqa: S311  # Not a secret.
    for _ in range(8):
        order = buy(address_id, *choose([product_ids, product_ids[::-1]]))
        for step in choose(["cp", "pc", "psr", "pr", "d", "cd", "p"]):
            try:
                STEPS[step](order)
            except Conflict:
                continue


STEPS = {
    "c": lambda order: actions.cancel_order(order=order),
    "d": lambda order: actions.delete_order(order=order),
    "p": lambda order: actions.pay_order(order=order, method="card"),
    "r": lambda order: actions.refund_order(order=order),
    "s": lambda order: actions.ship_order(order=order),
}


def units() -> int:
    """Units on the shelf and in orders that hold them, in one statement: one snapshot."""
    statement = """
        SELECT (SELECT SUM(stock) FROM catalog_product) + COALESCE((
            SELECT SUM(item.quantity) FROM orders_orderitem item
            JOIN orders_order o ON o.id = item.order_id
            WHERE o.status IN ('pending', 'paid', 'shipped')), 0)
    """
    with connection.cursor() as cursor:
        cursor.execute(statement)
        return int(cursor.fetchone()[0])


@pytest.mark.O1
class TestBuyers:
    def test_the_last_unit_has_one_buyer(self):
        product = ProductFactory.create(stock=1)
        addresses = AddressFactory.create_batch(BUYERS)

        outcomes = contest(buy, [(address.pk, product.pk) for address in addresses])

        assert Counter(outcomes) == {"Order": 1, "InsufficientInventory": BUYERS - 1}
        assert Order.objects.count() == OrderItem.objects.count() == 1
        product.refresh_from_db()
        assert product.stock == 0

    def test_opposite_item_order_does_not_deadlock(self):
        first, second = ProductFactory.create_batch(2, stock=BUYERS)
        addresses = AddressFactory.create_batch(BUYERS)
        ways = [(first.pk, second.pk), (second.pk, first.pk)]

        outcomes = contest(
            buy, [(address.pk, *ways[turn % 2]) for turn, address in enumerate(addresses)]
        )

        assert Counter(outcomes) == {"Order": BUYERS}
        assert set(Product.objects.values_list("stock", flat=True)) == {0}


@pytest.mark.O1
class TestOneOrder:
    @pytest.fixture
    def product(self) -> Product:
        return ProductFactory.create(stock=100)

    @pytest.fixture
    def orders(self, product: Product) -> list[int]:
        address = AddressFactory.create()
        return [buy(address.pk, product.pk).pk for _ in range(10)]

    def test_two_payers_make_one_payment(self, orders):
        outcomes = contest(pay, [(order,) for order in orders for _ in range(8)])

        assert Counter(outcomes) == {"Order": 10, "Conflict": 70}
        assert Payment.objects.count() == 10

    def test_paying_or_cancelling_wins_not_both(self, orders, product):
        moves = [(action, order) for order in orders for action in ("pay", "cancel") * 4]
        outcomes = contest(pay_or_cancel, moves)

        assert Counter(outcomes) == {"Status": 10, "Conflict": 70}
        paid = Order.objects.filter(status="paid").count()
        product.refresh_from_db()
        assert Payment.objects.filter(status="succeeded").count() == paid
        assert product.stock == 100 - paid

    def test_cancelling_many_times_restocks_once(self, orders, product):
        outcomes = contest(cancel, [(order,) for order in orders for _ in range(8)])

        assert Counter(outcomes) == {"Order": 10, "Conflict": 70}
        product.refresh_from_db()
        assert product.stock == 100

    def test_deleting_many_times_restocks_once(self, orders, product):
        outcomes = contest(delete, [(order,) for order in orders for _ in range(8)])

        assert set(outcomes) <= {"NoneType", "Conflict"}
        assert not Order.objects.exists()
        product.refresh_from_db()
        assert product.stock == 100

    def test_changing_it_with_if_match_and_without_does_not_deadlock(self, product):
        address = AddressFactory.create()
        other = AddressFactory.create(user=address.user)
        order = buy(address.pk, product.pk).pk
        token = issue_tokens(address.user)["access"]

        # The condition is compared while the order is locked; only then is the address.
        outcomes = contest(
            readdress,
            [
                (token, order, chosen.pk, conditional)
                for chosen in (address, other)
                for conditional in (True, False)
            ]
            * 20,
        )

        assert set(outcomes) <= {"200", "412"}


@pytest.mark.O1
class TestTrade:
    @pytest.mark.long
    def test_no_unit_is_lost_or_made_on_any_snapshot(self):
        products = [product.pk for product in ProductFactory.create_batch(3, stock=1000)]
        traders = AddressFactory.create_batch(12)

        with ThreadPoolExecutor(1) as market:
            trading = market.submit(
                contest,
                trade,
                [(trader.pk, products, seed) for seed, trader in enumerate(traders)],
            )
            snapshots = [units()]
            while not trading.done():
                snapshots.append(units())

        assert Counter(trading.result()) == {"NoneType": len(traders)}
        assert set(snapshots) == {3000}
        held = OrderItem.objects.filter(order__status__in=["pending", "paid", "shipped"])
        stock = Product.objects.aggregate(Sum("stock"))["stock__sum"]
        assert held.aggregate(Sum("quantity"))["quantity__sum"] + stock == 3000
