"""
Sales by day.

A sale is an order that was paid and not refunded, on the day (UTC) it was placed.
"""

from datetime import UTC, date, datetime, time
from typing import Any

from django.db.models import Count, Sum
from django.db.models.functions import TruncDate

from shop.orders.models import Order

SOLD = (Order.Status.PAID, Order.Status.SHIPPED)


def sales(first: date, last: date) -> Any:
    """Totals of the days from *first* to *last*, both included."""
    begin = datetime.combine(first, time.min, UTC)
    end = datetime.combine(last, time.max, UTC)
    orders = Order.objects.filter(created_at__range=(begin, end), status__in=SOLD)
    days = orders.annotate(date=TruncDate("created_at", tzinfo=UTC)).values("date", "currency")
    totals = days.annotate(orders=Count("pk"), total_amount=Sum("total_amount"))
    return totals.order_by("date", "currency")
