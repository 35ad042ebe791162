"""Orders as the ORM reads them best: for DRF hand-tuned, and for django-ninja."""

from django.db.models import Prefetch

from shop.orders.models import Order, OrderItem, Payment
from shop.orders.querysets import OrderQuerySet

LIST = [
    *("status", "total_amount", "currency", "created_at"),
    *("customer__user__full_name", "customer__user__email"),
]
ADDRESS = ["line1", "line2", "city", "postcode", "country"]
DETAIL = [*LIST, "note", *(f"shipping_address__{name}" for name in ADDRESS)]
PRODUCT = ["product__sku", "product__name", "product__price"]


def for_list() -> OrderQuerySet:
    return Order.objects.select_related("customer__user").only(*LIST).with_item_count()


def for_detail() -> OrderQuerySet:
    items = OrderItem.objects.only("order", "quantity", "unit_price", *PRODUCT)
    payments = Payment.objects.only("order", "amount", "method", "status", "paid_at")
    return (
        Order.objects.select_related("customer__user", "shipping_address")
        .only(*DETAIL)
        .with_item_count()
        .prefetch_related(
            Prefetch("items", items.select_related("product").order_by("pk")),
            Prefetch("payments", payments.order_by("pk")),
        )
    )
