"""Orders as the ORM reads them best: for DRF hand-tuned, and for django-ninja."""

from django.db.models import Func, IntegerField, OuterRef, Prefetch, QuerySet, Subquery

from shop.orders.models import Order, OrderItem, Payment

LIST = [
    *("status", "total_amount", "currency", "created_at"),
    *("customer__user__full_name", "customer__user__email"),
]
ADDRESS = ["line1", "line2", "city", "postcode", "country"]
DETAIL = [*LIST, "note", *(f"shipping_address__{name}" for name in ADDRESS)]
PRODUCT = ["product__sku", "product__name", "product__price"]


def counted(orders: QuerySet[Order]) -> QuerySet[Order]:
    """``item_count`` of the page's rows: a join with GROUP BY would count the whole table."""
    items = OrderItem.objects.filter(order=OuterRef("pk")).order_by()
    count = Func("pk", function="COUNT", output_field=IntegerField())
    return orders.annotate(item_count=Subquery(items.annotate(count=count).values("count")))


def for_list() -> QuerySet[Order]:
    return counted(Order.objects.select_related("customer__user").only(*LIST))


def for_detail() -> QuerySet[Order]:
    items = OrderItem.objects.only("order", "quantity", "unit_price", *PRODUCT)
    payments = Payment.objects.only("order", "amount", "method", "status", "paid_at")
    orders = Order.objects.select_related("customer__user", "shipping_address").only(*DETAIL)
    return counted(orders).prefetch_related(
        Prefetch("items", items.select_related("product").order_by("pk")),
        Prefetch("payments", payments.order_by("pk")),
    )
