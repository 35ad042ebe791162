"""Plain views of Django over ``values_list``, bodies made by hand."""

from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import path

from benchmarks.peers import SIZE, bodies, keyset
from benchmarks.peers.querysets import ADDRESS
from shop.orders.models import Order, OrderItem, Payment

LIST = [
    *("id", "status", "total_amount", "currency", "created_at"),
    *("customer_id", "customer__user__full_name", "customer__user__email"),
]
DETAIL = [
    *(*LIST, "note", "shipping_address_id"),
    *(f"shipping_address__{name}" for name in ADDRESS),
]
ITEM = [
    *("order_id", "id", "quantity", "unit_price"),
    *("product_id", "product__sku", "product__name", "product__price"),
]
PAYMENT = ["order_id", "id", "amount", "method", "status", "paid_at"]


def newest(request: HttpRequest) -> QuerySet[Order]:
    """A page of orders, and the next one."""
    orders = Order.objects.order_by("-created_at", "-id")
    after = keyset.parse(request.GET.get("after"))
    if after:
        made, key = after
        earlier = Q(created_at__lt=made) | Q(created_at=made, id__lt=key)
        orders = orders.filter(earlier, created_at__lte=made)
    return orders[: SIZE + 1]


def brief(request: HttpRequest) -> HttpResponse:
    rows = list(newest(request).values_list(*LIST))
    shown = rows[:SIZE]
    items = OrderItem.objects.filter(order__in=[row[0] for row in shown])
    counts = dict(items.values_list("order").annotate(Count("pk")))
    return _page(request, rows, bodies.briefs(shown, counts))


def full(request: HttpRequest) -> HttpResponse:
    rows = list(newest(request).values_list(*DETAIL))
    return _page(request, rows, _details(rows[:SIZE]))


def one(request: HttpRequest, pk: int) -> HttpResponse:
    rows = list(Order.objects.filter(pk=pk).values_list(*DETAIL))
    if not rows:
        raise Http404
    [body] = _details(rows)
    return _json(bodies.dumps(body))


def _details(rows: list[bodies.Row]) -> list[bodies.Body]:
    keys = [row[0] for row in rows]
    items = OrderItem.objects.filter(order__in=keys).order_by("pk").values_list(*ITEM)
    payments = Payment.objects.filter(order__in=keys).order_by("pk").values_list(*PAYMENT)
    return bodies.details(rows, items, payments)


def _page(request: HttpRequest, rows: list[bodies.Row], results: list[bodies.Body]) -> HttpResponse:
    url = request.build_absolute_uri(request.path)
    return _json(bodies.page(url, bodies.last_of(rows), results))


def _json(body: bytes) -> HttpResponse:
    return HttpResponse(body, content_type="application/json")


urlpatterns = [
    path("values/list", brief),
    path("values/full", full),
    path("values/one/<int:pk>", one),
]
