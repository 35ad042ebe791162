"""The list of 301 queries, left to DRF and by plan."""

import pytest
from rest_framework import serializers

from backstay.readplan import CountField, read
from shop.orders.models import Order, OrderItem
from tests.shop import factories

pytestmark = pytest.mark.L1

ORDERS = 100


class Naive(serializers.ModelSerializer):
    """Where it goes, how many items it has, and what they cost: as it comes to mind first."""

    town = serializers.CharField(source="shipping_address.city", read_only=True)
    number = serializers.SerializerMethodField()
    total = serializers.SerializerMethodField()

    class Meta:
        model = Order
        fields = ["id", "town", "number", "total"]

    def get_number(self, order):
        return order.items.count()

    def get_total(self, order):
        return str(sum(item.unit_price * item.quantity for item in order.items.all()))


class Declared(Naive):
    """The same with its count declared."""

    number = CountField("items")  # type: ignore[assignment]  # As DRF has it.


@pytest.fixture
def orders(customer):
    address = factories.AddressFactory.create(user=customer)
    products = factories.ProductFactory.create_batch(2)
    orders = Order.objects.bulk_create(
        Order(customer=customer.customer, shipping_address=address, total_amount=1)
        for _ in range(ORDERS)
    )
    OrderItem.objects.bulk_create(
        OrderItem(order=order, product=product, quantity=2, unit_price=product.price)
        for order in orders
        for product in products
    )
    return Order.objects.order_by("pk")


def test_drf_asks_three_times_for_each_order_and_a_plan_three_times_in_all(
    orders, django_assert_num_queries
):
    with django_assert_num_queries(1 + 3 * ORDERS):
        by_drf = [Naive().to_representation(order) for order in orders]
    with django_assert_num_queries(3):
        by_plan = read(orders, Declared())
    assert by_plan == by_drf


def test_what_a_method_counts_stays_a_query_for_each(orders, django_assert_num_queries):
    class Counted(Naive):
        class Meta(Naive.Meta):
            fields = ["id", "number"]

        total = None  # type: ignore[assignment]  # As DRF has it.

    with django_assert_num_queries(1 + ORDERS):
        read(orders, Counted())
