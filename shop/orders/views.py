"""Orders and the addresses they are shipped to."""

from typing import Any

from django.http import StreamingHttpResponse
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.decorators import action
from rest_framework.permissions import IsAuthenticated
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.serializers import BaseSerializer

from backstay.caching import CachePolicy
from backstay.filtering import DjangoFilterBackend, OrderingFilter
from backstay.idempotency import IdempotencyMixin
from backstay.permissions import IsStaff
from shop.orders import actions
from shop.orders.addresses import remove_address
from shop.orders.export import CSV, NDJSON, FormatNegotiation, csv_lines, ndjson_lines
from shop.orders.filters import OrderFilter
from shop.orders.models import Address, Order
from shop.orders.permissions import ADDRESSES, DELETE_WINDOW, EXPORT, ORDERS, OWN_ORDER
from shop.orders.serializers import (
    AddressDetail,
    OrderChange,
    OrderCreate,
    OrderDetail,
    OrderList,
    OrderRow,
    PaymentRequest,
)
from shop.resources import Resource, refuse_body


class OrderViewSet(IdempotencyMixin, Resource):
    """Orders: a customer's own, for staff everyone's."""

    queryset = Order.objects.all()
    permission_classes = (IsAuthenticated, ORDERS)
    serializer_class = OrderDetail
    serializer_classes = {
        "list": OrderList,
        "create": OrderCreate,
        "partial_update": OrderChange,
        "pay": PaymentRequest,
    }
    filter_backends = (DjangoFilterBackend, OrderingFilter)
    filterset_class = OrderFilter
    ordering_fields = ("created_at", "total_amount")
    ordering = ("-created_at",)
    cache = CachePolicy(seconds=60, audience="user")
    problem_codes = {
        "create": ("customer_blocked", "insufficient_inventory"),
        "destroy": ("delete_window_closed",),
        "export": ("plan_required",),
        "pay": ("payment_declined",),
    }

    def get_renderers(self) -> list[Any]:
        """What OPTIONS says is JSON, also where rows are not."""
        asked = self.request is not None and self.request.method == "OPTIONS"
        return [JSONRenderer()] if asked else list(super().get_renderers())

    def get_permissions(self) -> list[Any]:
        deleting = [OWN_ORDER(), DELETE_WINDOW()] if self.action == "destroy" else []
        return [*super().get_permissions(), *deleting]

    def perform_destroy(self, instance: Order) -> None:
        actions.delete_order(order=instance)

    @extend_schema(
        filters=True,
        parameters=[
            OpenApiParameter(
                "format",
                enum=["ndjson", "csv"],
                default="ndjson",
                description="One JSON object a line, or a table.",
            )
        ],
        responses={
            (200, "application/x-ndjson"): OrderList,
            (200, "text/csv"): OpenApiTypes.STR,
        },
    )
    @action(
        detail=False,
        permission_classes=[IsAuthenticated, EXPORT],
        renderer_classes=[NDJSON, CSV],
        content_negotiation_class=FormatNegotiation,
        pagination_class=None,
        throttle_scope="export",
    )
    def export(self, request: Request, **kwargs: Any) -> StreamingHttpResponse:
        """All orders of one's organization as a stream, filtered as the list."""
        everyone = Order.objects.filter(EXPORT.scope(request.user, Order))
        orders = self.filter_queryset(everyone)
        context = self.get_serializer_context()
        media_type = request.accepted_renderer.media_type
        if media_type == CSV.media_type:
            lines = csv_lines(orders, OrderRow(context=context))
        else:
            lines = ndjson_lines(orders, OrderList(context=context))
        return StreamingHttpResponse(lines, content_type=f"{media_type}; charset=utf-8")

    @extend_schema(responses=OrderDetail)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated, ORDERS, OWN_ORDER])
    def pay(self, request: Request, **kwargs: Any) -> Response:
        """Pay a pending order."""
        order = self.get_object()
        serializer = self.get_serializer(data=request.data)
        serializer.is_valid(raise_exception=True)
        actions.pay_order(order=order, method=serializer.validated_data["method"])
        return self.respond(order)

    @extend_schema(request=None, responses=OrderDetail)
    @action(detail=True, methods=["post"], permission_classes=[IsAuthenticated, ORDERS, OWN_ORDER])
    def cancel(self, request: Request, **kwargs: Any) -> Response:
        """Cancel a pending order; its units go back on sale."""
        order = self.get_object()
        refuse_body(request)
        actions.cancel_order(order=order)
        return self.respond(order)

    @extend_schema(request=None, responses=OrderDetail)
    @action(detail=True, methods=["post"], permission_classes=[IsStaff])
    def ship(self, request: Request, **kwargs: Any) -> Response:
        """Mark a paid order as shipped."""
        order = self.get_object()
        refuse_body(request)
        actions.ship_order(order=order)
        return self.respond(order)

    @extend_schema(request=None, responses=OrderDetail)
    @action(detail=True, methods=["post"], permission_classes=[IsStaff])
    def refund(self, request: Request, **kwargs: Any) -> Response:
        """Refund a paid or shipped order; its units go back on sale."""
        order = self.get_object()
        refuse_body(request)
        actions.refund_order(order=order)
        return self.respond(order)


class AddressViewSet(Resource):
    """One's own addresses. One that an order was shipped to cannot change any more."""

    queryset = Address.objects.current()
    permission_classes = (ADDRESSES,)  # type: ignore[assignment]  # The stubs know classes only.
    serializer_class = AddressDetail

    def perform_create(self, serializer: BaseSerializer) -> None:
        self.save_permitted(serializer, user=self.request.user)

    def perform_destroy(self, instance: Address) -> None:
        remove_address(address=instance)
