"""Who may do what to an order they can see."""

from datetime import timedelta

from django.utils import timezone
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from shop.orders.models import Order

DELETE_WINDOW = timedelta(hours=24)


class IsOrderOwner(BasePermission):
    """Only whoever placed the order; staff see it and still may not."""

    message = "Only the customer of this order may do this."

    def has_object_permission(self, request: Request, view: APIView, obj: Order) -> bool:
        return obj.customer.user_id == request.user.pk


class WithinDeleteWindow(BasePermission):
    """An order can be deleted for 24 hours after it was placed."""

    message = "Orders can be deleted within 24 hours after they were placed."
    code = "delete_window_closed"

    def has_object_permission(self, request: Request, view: APIView, obj: Order) -> bool:
        return timezone.now() - obj.created_at <= DELETE_WINDOW
