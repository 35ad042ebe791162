"""Placing orders, what may follow which state, and the addresses they name."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db.models import ProtectedError

from backstay.errors import Conflict
from shop.catalog.actions import take_stock
from shop.catalog.models import Product
from shop.orders import actions
from shop.orders.actions import MAX_LINES, Line
from shop.orders.addresses import change_address, remove_address
from shop.orders.errors import CustomerBlocked, InsufficientInventory, InvalidOrder
from shop.orders.models import Address, Order, Payment
from tests.shop import factories

pytestmark = pytest.mark.django_db

STATES = ["pending", "paid", "shipped", "cancelled", "refunded"]

#: Each action: what it does, and the states from which it can.
ACTIONS = {
    "pay": (lambda order: actions.pay_order(order=order, method="card"), {"pending"}),
    "ship": (lambda order: actions.ship_order(order=order), {"paid"}),
    "cancel": (lambda order: actions.cancel_order(order=order), {"pending"}),
    "refund": (lambda order: actions.refund_order(order=order), {"paid", "shipped"}),
    "change": (lambda order: actions.change_order(order=order, note="New"), {"pending"}),
    "delete": (lambda order: actions.delete_order(order=order), {"pending", "cancelled"}),
}


def stock(product: Product) -> int:
    return Product.objects.get(pk=product.pk).stock


def pointers(problem: pytest.ExceptionInfo) -> list[tuple[str, str]]:
    return [(error.pointer, error.code) for error in problem.value.errors]


class TestPlaceOrder:
    @pytest.fixture
    def place(self, customer, address):
        def place(*lines: Line, **changes) -> Order:
            arguments = {"customer": customer.customer, "ship_to": address, "lines": lines}
            return actions.place_order(**arguments | changes)

        return place

    def test_reserves_the_units_at_the_present_price(self, place, product):
        other = factories.ProductFactory.create(price=Decimal("0.99"), stock=3)

        order = place(Line(product.pk, 2), Line(other.pk, 3), note="Ring twice.")

        order.refresh_from_db()
        assert (order.status, order.total_amount) == ("pending", Decimal("27.97"))
        assert (order.currency, order.note) == ("EUR", "Ring twice.")
        assert list(
            order.items.order_by("pk").values_list("product", "quantity", "unit_price")
        ) == [
            (product.pk, 2, Decimal("12.50")),
            (other.pk, 3, Decimal("0.99")),
        ]
        assert (stock(product), stock(other)) == (48, 0)

    def test_the_price_stays_when_the_products_changes(self, place, product):
        order = place(Line(product.pk, 1))
        Product.objects.update(price=99)
        assert order.items.get().unit_price == Decimal("12.50")

    def test_too_little_stock_names_each_item_and_takes_nothing(self, place, product):
        scarce = factories.ProductFactory.create(stock=1)
        with pytest.raises(InsufficientInventory) as problem:
            place(Line(product.pk, 1), Line(scarce.pk, 2))
        assert pointers(problem) == [("/items/1/quantity", "insufficient_inventory")]
        assert (stock(product), stock(scarce)) == (50, 1)
        assert not Order.objects.exists()

    def test_a_hidden_product_is_refused_like_a_missing_one(self, place, product, hidden_product):
        with pytest.raises(InvalidOrder) as problem:
            place(Line(10**6, 1), Line(product.pk, 1), Line(hidden_product.pk, 1))
        assert pointers(problem) == [
            ("/items/0/product", "does_not_exist"),
            ("/items/2/product", "does_not_exist"),
        ]
        assert len({error.detail for error in problem.value.errors}) == 1
        assert stock(product) == 50

    def test_a_product_twice_is_refused(self, place, product):
        with pytest.raises(InvalidOrder) as problem:
            place(Line(product.pk, 1), Line(product.pk, 2))
        assert pointers(problem) == [("/items/1/product", "duplicate")]

    def test_two_currencies_are_refused(self, place, product):
        foreign = factories.ProductFactory.create(currency="CHF")
        with pytest.raises(InvalidOrder, match="see errors") as problem:
            place(Line(product.pk, 1), Line(foreign.pk, 1))
        assert pointers(problem) == [("/items", "mixed_currencies")]
        assert stock(product) == 50

    def test_no_items_are_refused(self, place):
        with pytest.raises(InvalidOrder) as problem:
            place()
        assert pointers(problem) == [("/items", "empty")]

    def test_more_items_than_a_total_can_hold_are_refused(self, place):
        with pytest.raises(InvalidOrder) as problem:
            place(*(Line(number, 1) for number in range(MAX_LINES + 1)))
        assert pointers(problem) == [("/items", "max_length")]

    def test_the_dearest_order_has_a_total(self, place):
        products = factories.ProductFactory.create_batch(
            MAX_LINES, price=Decimal("999999.99"), organization=factories.OrganizationFactory()
        )
        order = place(*(Line(product.pk, 100) for product in products))
        order.refresh_from_db()
        assert order.total_amount == Decimal("9999999900.00")

    def test_a_blocked_customer_is_refused(self, place, customer, product):
        customer.customer.is_blocked = True
        with pytest.raises(CustomerBlocked):
            place(Line(product.pk, 1))

    def test_anothers_address_is_refused(self, place, product, foreign_address):
        with pytest.raises(InvalidOrder) as problem:
            place(Line(product.pk, 1), ship_to=foreign_address)
        assert pointers(problem) == [("/shipping_address", "does_not_exist")]

    def test_an_archived_address_is_refused(self, place, product, order, address):
        remove_address(address=address)
        with pytest.raises(InvalidOrder):
            place(Line(product.pk, 1), ship_to=address)


class TestStates:
    @pytest.mark.parametrize("state", STATES)
    @pytest.mark.parametrize("action", ACTIONS)
    def test_an_action_works_from_its_states_only(self, make_order, customer, action, state):
        order = make_order(customer, state)
        act, states = ACTIONS[action]
        if state in states:
            act(order)
            return
        before = Order.objects.filter(pk=order.pk).values().get(), stock(Product.objects.get())
        with pytest.raises(Conflict, match=f"The order is {state}"):
            act(order)
        after = Order.objects.filter(pk=order.pk).values().get(), stock(Product.objects.get())
        assert after == before

    @pytest.mark.parametrize("action", ACTIONS)
    def test_a_stale_order_is_judged_by_its_row(self, make_order, customer, action):
        order = make_order(customer, "refunded")
        order.status = Order.Status.PENDING
        with pytest.raises(Conflict, match="The order is refunded"):
            ACTIONS[action][0](order)

    @pytest.mark.parametrize("action", ACTIONS)
    def test_an_order_that_is_gone_says_so(self, order, action):
        Order.objects.all().delete()
        with pytest.raises(Conflict, match="gone"):
            ACTIONS[action][0](order)


class TestMeanwhile:
    """Between the reading of the catalogue and the taking of the units."""

    @pytest.fixture
    def meanwhile(self, monkeypatch):
        """Change the product at that moment."""

        def change(**fields: object) -> None:
            def take(**arguments: Any) -> Any:
                Product.objects.update(**fields)
                return take_stock(**arguments)

            monkeypatch.setattr(actions, "take_stock", take)

        return change

    @pytest.mark.parametrize(
        ("change", "refusal"),
        [
            ({"stock": 1}, InsufficientInventory),
            ({"is_active": False}, InvalidOrder),
            ({"price": 99}, Conflict),
        ],
    )
    def test_what_changed_is_told_and_nothing_ordered(
        self, customer, address, product, meanwhile, change, refusal
    ):
        meanwhile(**change)
        with pytest.raises(refusal):
            actions.place_order(
                customer=customer.customer, lines=[Line(product.pk, 2)], ship_to=address
            )
        assert not Order.objects.exists()

    def test_what_does_not_matter_does_not(self, customer, address, product, meanwhile):
        meanwhile(name="Renamed", stock=2)
        actions.place_order(
            customer=customer.customer, lines=[Line(product.pk, 2)], ship_to=address
        )
        assert stock(product) == 0


class TestExpiry:
    PLACED = datetime(2026, 3, 1, 12, tzinfo=UTC)

    @pytest.fixture
    def orders(self, make_order, customer, time_machine):
        time_machine.move_to(self.PLACED, tick=False)
        return {state: make_order(customer, state) for state in STATES}

    def test_after_a_day_what_is_still_pending_is_cancelled(self, orders, product):
        before = stock(product)
        assert (
            actions.expire_orders(now=self.PLACED + timedelta(hours=23, minutes=59), limit=9) == 0
        )
        assert actions.expire_orders(now=self.PLACED + timedelta(hours=24), limit=9) == 1

        orders["pending"].refresh_from_db()
        assert orders["pending"].status == "cancelled"
        assert stock(product) == before + 2
        for state in STATES[1:]:
            orders[state].refresh_from_db()
            assert orders[state].status == state

    def test_no_more_than_asked_for_the_oldest_first(self, orders, make_order, customer):
        make_order(customer)
        assert actions.expire_orders(now=self.PLACED + timedelta(days=9), limit=1) == 1

    def test_an_order_without_a_deadline_stays(self, orders):
        Order.objects.update(expires_at=None)
        assert actions.expire_orders(now=self.PLACED + timedelta(days=999), limit=9) == 0

    def test_one_that_is_paid_meanwhile_stays_paid(self, orders, monkeypatch):
        def pay_first(order: Order) -> Order:
            actions.pay_order(order=Order.objects.get(pk=order.pk), method="card")
            return cancel(order=order)

        cancel = actions.cancel_order
        monkeypatch.setattr(actions, "cancel_order", pay_first)
        assert actions.expire_orders(now=self.PLACED + timedelta(days=9), limit=9) == 0
        orders["pending"].refresh_from_db()
        assert orders["pending"].status == "paid"


class TestPayOrder:
    def test_takes_the_total_once(self, order, time_machine):
        time_machine.move_to("2026-03-01T12:00:00Z", tick=False)
        assert actions.pay_order(order=order, method="card").status == "paid"
        payment = order.payments.get()
        assert (payment.amount, payment.status) == (Decimal("25.00"), "succeeded")
        assert payment.paid_at.isoformat() == "2026-03-01T12:00:00+00:00"


class TestCancelOrder:
    def test_puts_the_units_back(self, order, product):
        assert stock(product) == 48
        actions.cancel_order(order=order)
        assert stock(product) == 50


class TestRefundOrder:
    @pytest.mark.parametrize("state", ["paid", "shipped"])
    def test_gives_money_and_units_back(self, make_order, customer, product, state):
        order = make_order(customer, state)
        actions.refund_order(order=order)
        assert order.payments.get().status == "refunded"
        assert stock(product) == 50


class TestDeleteOrder:
    @pytest.mark.parametrize("state", ["pending", "cancelled"])
    def test_units_come_back_once_and_nothing_is_left(self, make_order, customer, product, state):
        order = make_order(customer, state)
        factories.PaymentFactory.create(order=order, status="failed")

        actions.delete_order(order=order)

        assert stock(product) == 50
        assert not Order.objects.exists()
        assert not Payment.objects.exists()

    def test_an_order_with_money_cannot_be_deleted_at_all(self, make_order, customer):
        make_order(customer, "paid")
        with pytest.raises(ProtectedError):
            Order.objects.all().delete()


class TestChangeOrder:
    def test_changes_what_is_named_only(self, order, address, customer):
        actions.change_order(order=order, note="New")
        order.refresh_from_db()
        assert (order.note, order.shipping_address) == ("New", address)

        other = factories.AddressFactory.create(user=customer)
        actions.change_order(order=order, ship_to=other)
        order.refresh_from_db()
        assert (order.note, order.shipping_address) == ("New", other)

    def test_anothers_address_is_refused(self, order, foreign_address):
        with pytest.raises(InvalidOrder):
            actions.change_order(order=order, ship_to=foreign_address)


class TestAddresses:
    def test_an_unused_one_is_deleted(self, address):
        remove_address(address=address)
        assert not Address.objects.exists()

    def test_one_that_an_order_names_is_archived(self, customer, address, order):
        remove_address(address=address)
        assert not Address.objects.owned_by(customer).exists()
        assert Order.objects.get().shipping_address == address

    @pytest.mark.parametrize("state", STATES)
    def test_changing_one_does_not_change_what_was_sent(self, make_order, customer, address, state):
        make_order(customer, state, ship_to=address)
        if state == "pending":
            assert change_address(address=address, city="Westhill").city == "Westhill"
        else:
            with pytest.raises(Conflict, match="An order names this address"):
                change_address(address=address, city="Westhill")
        address.refresh_from_db()
        assert (address.city == "Westhill") == (state == "pending")

    def test_changing_nothing_is_always_possible(self, make_order, customer, address):
        make_order(customer, "paid", ship_to=address)
        change_address(address=address)
