"""What the database keeps about orders, and who sees which."""

from decimal import Decimal

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import IntegrityError, transaction
from django.db.models import Model

from shop.orders.models import Address, Order, OrderItem, Payment
from shop.orders.permissions import ORDERS
from tests.shop import factories

pytestmark = pytest.mark.django_db

REFUSED: list[tuple[type[factories.DjangoModelFactory], dict[str, object]]] = [
    (factories.OrderFactory, {"status": "lost"}),
    (factories.OrderFactory, {"total_amount": Decimal("-0.01")}),
    (factories.OrderFactory, {"currency": "eur"}),
    (factories.OrderItemFactory, {"quantity": 0}),
    (factories.OrderItemFactory, {"quantity": 101}),
    (factories.OrderItemFactory, {"unit_price": Decimal("-0.01")}),
    (factories.PaymentFactory, {"amount": Decimal("-0.01")}),
    (factories.PaymentFactory, {"method": "shells"}),
    (factories.PaymentFactory, {"status": "lost"}),
    (factories.AddressFactory, {"country": "at"}),
    (factories.AddressFactory, {"country": "AUT"[:1]}),
]


class TestConstraints:
    @pytest.mark.parametrize(("make", "change"), REFUSED, ids=str)
    def test_refused_on_update_and_in_bulk(self, make, change):
        row: Model = make.create()
        rows = type(row)._default_manager
        with pytest.raises(IntegrityError), transaction.atomic():
            rows.filter(pk=row.pk).update(**change)
        row.pk = None
        for name, value in change.items():
            setattr(row, name, value)
        with pytest.raises(IntegrityError):
            rows.bulk_create([row])

    def test_one_line_for_each_product_of_an_order(self):
        item = factories.OrderItemFactory.create()
        with pytest.raises(IntegrityError):
            OrderItem.objects.bulk_create(
                [OrderItem(order=item.order, product=item.product, quantity=1, unit_price=1)]
            )

    def test_one_payment_of_an_order_succeeds(self, order):
        factories.PaymentFactory.create_batch(2, order=order, status="failed")
        factories.PaymentFactory.create(order=order, status="succeeded")
        with pytest.raises(IntegrityError):
            Payment.objects.filter(status="failed").update(status="succeeded")


@pytest.mark.P1
class TestScope:
    @pytest.fixture(autouse=True)
    def _orders(self, order, foreign_order):
        """One order of the customer, one of another."""

    def test_anonymous_sees_none(self):
        assert not Order.objects.filter(ORDERS.scope(AnonymousUser(), Order)).exists()

    def test_customer_sees_own(self, customer, order):
        assert list(Order.objects.filter(ORDERS.scope(customer, Order))) == [order]

    def test_seller_sees_none_of_its_customers(self, owner):
        assert not Order.objects.filter(ORDERS.scope(owner, Order)).exists()

    def test_staff_see_all(self, staff):
        assert Order.objects.filter(ORDERS.scope(staff, Order)).count() == 2

    def test_addresses_are_their_owners_alone(self, customer, staff, address):
        assert list(Address.objects.owned_by(customer)) == [address]
        assert not Address.objects.owned_by(staff).exists()
        assert not Address.objects.owned_by(AnonymousUser()).exists()
