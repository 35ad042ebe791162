"""
The service's URLs, and one view that runs a query for each order it lists.

With ``PAST`` set, the server begins with an hour of traffic that nobody made: pictures of
the page would show a single minute otherwise.
"""

import os

from django.urls import path
from rest_framework import generics, serializers
from rest_framework.permissions import AllowAny

from shop.orders.models import Order
from shop.urls import urlpatterns as shop_urls
from tests.shop.ops_past import fill


class CarelessOrder(serializers.Serializer[Order]):
    id = serializers.IntegerField()
    buyer = serializers.EmailField(source="customer.user.email")


class CarelessOrders(generics.ListAPIView[Order]):
    queryset = Order.objects.order_by("pk")
    serializer_class = CarelessOrder
    permission_classes = (AllowAny,)
    throttle_classes = ()


urlpatterns = [path("api/v2/careless/", CarelessOrders.as_view()), *shop_urls]

if "PAST" in os.environ:
    fill()
