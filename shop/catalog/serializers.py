"""Bodies of the catalogue, written for v2."""

from decimal import Decimal
from typing import Any

from rest_framework import serializers

from backstay.serializers import ModelSerializer, Serializer
from backstay.versioning import Collapse, Nest, TransformsMixin
from shop.accounts.models import Organization
from shop.catalog.actions import add_product
from shop.catalog.currency import currency_code
from shop.catalog.models import Product


class Seller(ModelSerializer):
    class Meta:
        model = Organization
        fields = ["id", "name"]


class Price(Serializer):
    """An amount beside its currency."""

    amount = serializers.DecimalField(
        source="price", max_digits=8, decimal_places=2, min_value=Decimal(0)
    )
    currency = serializers.CharField(
        min_length=3, max_length=3, validators=[currency_code], default="EUR"
    )


class ProductDetail(TransformsMixin, ModelSerializer):
    """A product; the seller is the organization of whoever creates it."""

    price = Price(source="*")
    organization = Seller(read_only=True)

    class Meta:
        model = Product
        fields = [
            "id",
            "sku",
            "name",
            "description",
            "price",
            "currency",
            "stock",
            "is_active",
            "organization",
            "created_at",
        ]
        read_only_fields = ["currency", "created_at"]
        # A SKU that is taken is found by the constraint itself, also in a race.
        validators: list[object] = []
        transforms = {
            "v2": (
                Nest("price", {"amount": "price", "currency": "currency"}),
                Collapse("organization", to="id"),
            )
        }

    def create(self, validated_data: dict[str, Any]) -> Product:
        return add_product(**validated_data)


class ProductBrief(ModelSerializer):
    """A product as part of an order, the same in every version."""

    class Meta:
        model = Product
        fields = ["id", "sku", "name", "price"]
