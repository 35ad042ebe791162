"""DRF's own viewset three times: with a plan, tuned by hand, and as it is first written."""

from django.urls import URLPattern, path
from rest_framework.pagination import CursorPagination
from rest_framework.viewsets import ModelViewSet

from backstay.readplan import ReadPlanMixin
from benchmarks.peers import SIZE, querysets, serializers
from shop.orders.models import Order


class Pages(CursorPagination):
    page_size = SIZE
    ordering = ("-created_at", "-id")


class Viewset(ModelViewSet):
    """Nothing but the reading: who asks, how often and in which version is not measured."""

    pagination_class = Pages
    authentication_classes = []
    permission_classes = []
    throttle_classes = []
    versioning_class = None


class Planned(ReadPlanMixin, Viewset):
    queryset = Order.objects.all()


class PlannedList(Planned):
    serializer_class = serializers.OrderList


class PlannedDetail(Planned):
    serializer_class = serializers.OrderDetail


class PlannedLabelled(Planned):
    serializer_class = serializers.OrderLabelled


class TunedList(Viewset):
    queryset = querysets.for_list()
    serializer_class = serializers.TunedList


class TunedDetail(Viewset):
    queryset = querysets.for_detail()
    serializer_class = serializers.TunedDetail


class TunedLabelled(TunedDetail):
    serializer_class = serializers.TunedLabelled


class Untuned(Viewset):
    queryset = Order.objects.all()
    serializer_class = serializers.UntunedDetail


def routes(
    name: str, brief: type[Viewset], full: type[Viewset], labelled: type[Viewset]
) -> list[URLPattern]:
    return [
        path(f"{name}/list", brief.as_view({"get": "list"})),
        path(f"{name}/full", full.as_view({"get": "list"})),
        path(f"{name}/labelled", labelled.as_view({"get": "list"})),
        path(f"{name}/one/<int:pk>", full.as_view({"get": "retrieve"})),
    ]


urlpatterns = [
    *routes("plan", PlannedList, PlannedDetail, PlannedLabelled),
    *routes("tuned", TunedList, TunedDetail, TunedLabelled),
    path("untuned/full", Untuned.as_view({"get": "list"})),
]
