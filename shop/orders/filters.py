"""What an order list can be narrowed by."""

import django_filters

from backstay.filtering import InstantFilter, PlainNumberFilter
from shop.orders.models import Order


class OrderFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(choices=Order.Status.choices)
    created_after = InstantFilter(field_name="created_at", lookup_expr="gte")
    created_before = InstantFilter(field_name="created_at", lookup_expr="lte")
    customer_email = django_filters.CharFilter(
        field_name="customer__user__email", lookup_expr="icontains", max_length=254
    )
    customer_id = PlainNumberFilter(
        field_name="customer_id", decimal_places=0, max_digits=18, min_value=1
    )

    class Meta:
        model = Order
        fields: list[str] = []
