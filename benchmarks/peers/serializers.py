"""What all answers look like, as plain serializers of DRF; nothing in them is tuned."""

from rest_framework import serializers

from backstay.readplan import CountField
from shop.catalog.models import Product
from shop.orders.models import Address, Customer, Order, OrderItem, Payment


class CustomerBrief(serializers.ModelSerializer):
    name = serializers.CharField(source="user.full_name")
    email = serializers.EmailField(source="user.email")

    class Meta:
        model = Customer
        fields = ["id", "name", "email"]


class AddressDetail(serializers.ModelSerializer):
    class Meta:
        model = Address
        fields = ["id", "line1", "line2", "city", "postcode", "country"]


class ProductBrief(serializers.ModelSerializer):
    class Meta:
        model = Product
        fields = ["id", "sku", "name", "price"]


class ItemDetail(serializers.ModelSerializer):
    product = ProductBrief()

    class Meta:
        model = OrderItem
        fields = ["id", "quantity", "unit_price", "product"]


class PaymentDetail(serializers.ModelSerializer):
    class Meta:
        model = Payment
        fields = ["id", "amount", "method", "status", "paid_at"]


class Total(serializers.Serializer):
    amount = serializers.DecimalField(source="total_amount", max_digits=12, decimal_places=2)
    currency = serializers.CharField()


class OrderList(serializers.ModelSerializer):
    total = Total(source="*")
    customer = CustomerBrief()
    item_count: serializers.Field = CountField("items")

    class Meta:
        model = Order
        fields = ["id", "status", "total", "created_at", "customer", "item_count"]


class OrderDetail(OrderList):
    items = ItemDetail(many=True)
    payments = PaymentDetail(many=True)
    shipping_address = AddressDetail()

    class Meta(OrderList.Meta):
        fields = [*OrderList.Meta.fields, "note", "items", "payments", "shipping_address"]


class OrderLabelled(OrderDetail):
    reference = serializers.SerializerMethodField()

    class Meta(OrderDetail.Meta):
        fields = [*OrderDetail.Meta.fields, "reference"]

    def get_reference(self, order: Order) -> str:
        return f"{order.created_at:%Y}-{order.pk}"


# The number of items as whoever has no plan writes it: annotated by the queryset that is
# tuned, or one by one.


class TunedList(OrderList):
    item_count = serializers.IntegerField()


class TunedDetail(OrderDetail):
    item_count = serializers.IntegerField()


class TunedLabelled(OrderLabelled):
    item_count = serializers.IntegerField()


class UntunedDetail(OrderDetail):
    item_count = serializers.IntegerField(source="items.count")
