"""Bodies of orders and addresses, written for v2."""

from typing import Any

from django.db.models import BigIntegerField
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    extend_schema_field,
    extend_schema_serializer,
)
from rest_framework import serializers

from backstay.permissions import PermittedRelatedField
from backstay.readplan import CountField
from backstay.serializers import ModelSerializer, Serializer, staff
from backstay.versioning import Nest, TransformsMixin
from shop.catalog.serializers import ProductBrief
from shop.orders import actions
from shop.orders.addresses import change_address
from shop.orders.models import MAX_QUANTITY, Address, Customer, Order, OrderItem, Payment
from shop.orders.permissions import SHIPPING_ADDRESSES


class CustomerBrief(ModelSerializer):
    name = serializers.CharField(source="user.full_name", read_only=True)
    email = serializers.EmailField(source="user.email", read_only=True)

    class Meta:
        model = Customer
        fields = ["id", "name", "email"]


class AddressDetail(ModelSerializer):
    class Meta:
        model = Address
        fields = ["id", "line1", "line2", "city", "postcode", "country"]

    def update(self, instance: Address, validated_data: dict[str, Any]) -> Address:
        return change_address(address=instance, **validated_data)


class ItemDetail(ModelSerializer):
    product = ProductBrief(read_only=True)

    class Meta:
        model = OrderItem
        fields = ["id", "quantity", "unit_price", "product"]


class PaymentDetail(ModelSerializer):
    class Meta:
        model = Payment
        fields = ["id", "amount", "method", "status", "paid_at"]


class Total(Serializer):
    """An amount beside its currency."""

    amount = serializers.DecimalField(source="total_amount", max_digits=12, decimal_places=2)
    currency = serializers.CharField()


class OrderList(TransformsMixin, ModelSerializer):
    """An order in a list."""

    total = Total(source="*", read_only=True)
    customer = CustomerBrief(read_only=True)
    item_count = CountField("items")

    class Meta:
        model = Order
        fields = ["id", "status", "total", "created_at", "customer", "item_count"]
        transforms = {
            "v2": (Nest("total", {"amount": "total_amount", "currency": "currency"}),),
        }


class OrderDetail(OrderList):
    """An order with everything that belongs to it."""

    items = ItemDetail(many=True, read_only=True)
    payments = PaymentDetail(many=True, read_only=True)
    shipping_address = AddressDetail(read_only=True)

    class Meta(OrderList.Meta):
        fields = [*OrderList.Meta.fields, "note", "items", "payments", "shipping_address"]


class OrderRow(ModelSerializer):
    """An order as a row of a table."""

    customer_name = serializers.CharField(source="customer.user.full_name", read_only=True)
    customer_email = serializers.EmailField(source="customer.user.email", read_only=True)
    item_count = CountField("items")

    class Meta:
        model = Order
        fields = [
            "id",
            "status",
            "total_amount",
            "currency",
            "created_at",
            "customer_id",
            "customer_name",
            "customer_email",
            "item_count",
            "note",
        ]


@extend_schema_field(OpenApiTypes.INT)
class ShippingAddressField(PermittedRelatedField):
    """One of the caller's addresses; another's is like one that does not exist."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(rule=SHIPPING_ADDRESSES, queryset=Address.objects.current(), **kwargs)


class LineRequest(Serializer):
    product = serializers.IntegerField(min_value=1, max_value=BigIntegerField.MAX_BIGINT)
    quantity = serializers.IntegerField(min_value=1, max_value=MAX_QUANTITY)


@extend_schema_serializer(
    examples=[
        OpenApiExample(
            "Three products",
            request_only=True,
            value={
                "items": [
                    {"product": 1, "quantity": 2},
                    {"product": 2, "quantity": 1},
                    {"product": 3, "quantity": 1},
                ],
                "shipping_address": 1,
                "note": "Leave it with the neighbours.",
            },
        )
    ]
)
class OrderCreate(Serializer):
    """What a customer asks for; prices are the catalogue's."""

    items = serializers.ListField(
        child=LineRequest(), allow_empty=False, max_length=actions.MAX_LINES
    )
    shipping_address = ShippingAddressField()
    note = serializers.CharField(max_length=1000, allow_blank=True, default="")
    customer = serializers.PrimaryKeyRelatedField(
        queryset=Customer.objects.select_related("user"), required=False
    )

    class Meta:
        visible_to = {"customer": staff}

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        attrs.setdefault("customer", self.context["request"].user.customer)
        refuse_foreign(attrs["shipping_address"], attrs["customer"])
        return attrs

    def create(self, validated_data: dict[str, Any]) -> Order:
        return actions.place_order(
            customer=validated_data["customer"],
            lines=[
                actions.Line(line["product"], line["quantity"]) for line in validated_data["items"]
            ],
            ship_to=validated_data["shipping_address"],
            note=validated_data["note"],
        )


class OrderChange(Serializer):
    """What can be changed while an order is pending."""

    note = serializers.CharField(max_length=1000, allow_blank=True, required=False)
    shipping_address = ShippingAddressField(required=False)

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        if "shipping_address" in attrs and self.instance is not None:
            refuse_foreign(attrs["shipping_address"], self.instance.customer)
        return attrs

    def update(self, instance: Order, validated_data: dict[str, Any]) -> Order:
        return actions.change_order(
            order=instance,
            note=validated_data.get("note"),
            ship_to=validated_data.get("shipping_address"),
        )


class PaymentRequest(Serializer):
    method = serializers.ChoiceField(choices=Payment.Method.choices)


def refuse_foreign(address: Address, customer: Customer) -> None:
    """
    Raises:
        ValidationError: staff named an address that is not the customer's.
    """
    if address.user_id != customer.user_id:
        raise serializers.ValidationError(
            {"shipping_address": "This is not an address of the customer."}, code="foreign_address"
        )
