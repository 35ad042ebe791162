"""What an order list can be narrowed by."""

import django_filters

from backstay.filtering import InstantFilter, PlainNumberFilter
from shop.orders.models import Order


class OrderFilter(django_filters.FilterSet):
    status = django_filters.ChoiceFilter(
        choices=Order.Status.choices, help_text="Orders in this state."
    )
    created_after = InstantFilter(
        field_name="created_at", lookup_expr="gte", help_text="Placed at this time or later."
    )
    created_before = InstantFilter(
        field_name="created_at", lookup_expr="lte", help_text="Placed at this time or earlier."
    )
    customer_email = django_filters.CharFilter(
        field_name="customer__user__email",
        lookup_expr="icontains",
        max_length=254,
        help_text="A part of the customer's e-mail address, in any case.",
    )
    customer_id = PlainNumberFilter(
        field_name="customer_id",
        decimal_places=0,
        max_digits=18,
        min_value=1,
        help_text="Orders of this customer.",
    )

    class Meta:
        model = Order
        fields: list[str] = []
