"""django-ninja over the tuned querysets, with orjson as its documentation has it."""

from datetime import datetime
from decimal import Decimal
from typing import Any

import orjson
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.urls import path
from ninja import Field, NinjaAPI, Schema
from ninja.renderers import BaseRenderer

from benchmarks.peers import SIZE, keyset, querysets
from shop.orders.models import Order


class ORJSONRenderer(BaseRenderer):
    media_type = "application/json"

    def render(self, request: HttpRequest, data: Any, *, response_status: int) -> bytes:
        return orjson.dumps(data, default=str, option=orjson.OPT_UTC_Z)


class CustomerBrief(Schema):
    id: int
    name: str = Field(alias="user.full_name")
    email: str = Field(alias="user.email")


class AddressDetail(Schema):
    id: int
    line1: str
    line2: str
    city: str
    postcode: str
    country: str


class ProductBrief(Schema):
    id: int
    sku: str
    name: str
    price: Decimal


class ItemDetail(Schema):
    id: int
    quantity: int
    unit_price: Decimal
    product: ProductBrief


class PaymentDetail(Schema):
    id: int
    amount: Decimal
    method: str
    status: str
    paid_at: datetime | None


class Total(Schema):
    amount: Decimal = Field(alias="total_amount")
    currency: str


class OrderList(Schema):
    id: int
    status: str
    total: Total
    created_at: datetime
    customer: CustomerBrief
    item_count: int

    @staticmethod
    def resolve_total(order: Order) -> Order:
        return order


class OrderDetail(OrderList):
    note: str
    items: list[ItemDetail]
    payments: list[PaymentDetail]
    shipping_address: AddressDetail


class ListPage(Schema):
    next: str | None
    previous: str | None
    results: list[OrderList]


class DetailPage(Schema):
    next: str | None
    previous: str | None
    results: list[OrderDetail]


api = NinjaAPI(renderer=ORJSONRenderer(), openapi_url=None, urls_namespace="benchmark")


@api.get("/list", response=ListPage)
def brief(request: HttpRequest, after: str | None = None) -> dict[str, Any]:
    return page(request, querysets.for_list(), after)


@api.get("/full", response=DetailPage)
def full(request: HttpRequest, after: str | None = None) -> dict[str, Any]:
    return page(request, querysets.for_detail(), after)


@api.get("/one/{pk}", response=OrderDetail)
def one(request: HttpRequest, pk: int) -> Order:
    return get_object_or_404(querysets.for_detail(), pk=pk)


def page(request: HttpRequest, orders: QuerySet[Order], after: str | None) -> dict[str, Any]:
    orders = orders.order_by("-created_at", "-id")
    if position := keyset.parse(after):
        made, key = position
        earlier = Q(created_at__lt=made) | Q(created_at=made, id__lt=key)
        orders = orders.filter(earlier, created_at__lte=made)
    found = list(orders[: SIZE + 1])
    results = found[:SIZE]
    last = (results[-1].created_at, results[-1].pk) if len(found) > SIZE else None
    url = keyset.link(request.build_absolute_uri(request.path), last)
    return {"next": url, "previous": None, "results": results}


urlpatterns = [path("ninja/", api.urls)]
