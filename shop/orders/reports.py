"""The report of sales by day."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from backstay.errors import QueryParameterError
from backstay.permissions import IsStaff
from shop.orders.models import Order
from shop.orders.sales import sales
from shop.resources import MountedView

DEFAULT_DAYS = 30
MAX_DAYS = 366


class Period(serializers.Serializer):
    """``from`` and ``to`` are both part of it."""

    to = serializers.DateField(required=False, help_text="The day of the newest order.")

    def get_fields(self) -> dict[str, Any]:
        begin = serializers.DateField(required=False, help_text=f"{DEFAULT_DAYS} days in all.")
        return {"from": begin, **super().get_fields()}


class DaySales(serializers.Serializer):
    date = serializers.DateField()
    currency = serializers.CharField()
    orders = serializers.IntegerField()
    total_amount = serializers.DecimalField(max_digits=20, decimal_places=2)


class SalesReport(serializers.Serializer):
    to = serializers.DateField()
    days = DaySales(many=True)

    def get_fields(self) -> dict[str, Any]:
        return {"from": serializers.DateField(), **super().get_fields()}


class SalesReportView(MountedView):
    """What was sold, by day and currency, oldest day first; days without a sale are left out."""

    permission_classes = (IsStaff,)
    query_parameters = ("from", "to")

    @extend_schema(summary="Report sales by day", parameters=[Period], responses=SalesReport)
    def get(self, request: Request, **kwargs: Any) -> Response:
        first, last = read_period(request)
        report = {"from": first, "to": last, "days": sales(first, last)}
        return Response(SalesReport(report).data)


def read_period(request: Request) -> tuple[date, date]:
    """
    Raises:
        QueryParameterError: not dates, the wrong way round, or too far apart.
    """
    period = Period(data=request.query_params)
    if not period.is_valid():
        name, errors = next(iter(period.errors.items()))
        raise QueryParameterError(str(name), str(errors[0]))
    last = period.validated_data.get("to") or newest_day()
    span = timedelta(days=min(DEFAULT_DAYS - 1, (last - date.min).days))
    first = period.validated_data.get("from") or last - span
    if not 0 <= (last - first).days < MAX_DAYS:
        raise QueryParameterError(
            "from", f"The period is from 1 to {MAX_DAYS} days long, and from is not after to."
        )
    return first, last


def newest_day() -> date:
    newest = Order.objects.order_by("-created_at").values_list("created_at", flat=True).first()
    return (newest or datetime.now(UTC)).astimezone(UTC).date()
