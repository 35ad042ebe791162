"""What a product list can be narrowed by."""

import django_filters
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field

from backstay.filtering import FlagFilter, MoneyFilter
from shop.catalog.models import Product
from shop.catalog.querysets import ProductQuerySet


class ProductFilter(django_filters.FilterSet):
    price_min = MoneyFilter(field_name="price", lookup_expr="gte", help_text="This price or more.")
    price_max = MoneyFilter(field_name="price", lookup_expr="lte", help_text="This price or less.")
    in_stock = FlagFilter(method="by_stock", help_text="Whether any unit is left.")

    class Meta:
        model = Product
        fields: list[str] = []

    @extend_schema_field(OpenApiTypes.BOOL)
    def by_stock(self, products: ProductQuerySet, name: str, wanted: bool) -> ProductQuerySet:
        return products.in_stock() if wanted else products.filter(stock=0)
