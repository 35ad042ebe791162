"""Products: anyone reads, their sellers write."""

from rest_framework import viewsets

from backstay.filtering import DjangoFilterBackend, OrderingFilter, SearchFilter
from backstay.pagination import PagePagination
from backstay.serializers import ActionSerializersMixin
from shop.catalog.filters import ProductFilter
from shop.catalog.models import Product
from shop.catalog.permissions import SellsProducts
from shop.catalog.querysets import ProductQuerySet
from shop.catalog.serializers import ProductDetail


class ProductViewSet(ActionSerializersMixin, viewsets.ModelViewSet):
    """
    Products on sale.

    Members of an organization also see what it does not offer at present.
    A product that was ever ordered cannot be deleted, only set inactive.
    """

    http_method_names = ["get", "post", "patch", "delete", "head", "options"]
    queryset = Product.objects.all()
    permission_classes = (SellsProducts,)
    serializer_class = ProductDetail
    pagination_class = PagePagination
    filter_backends = (DjangoFilterBackend, SearchFilter, OrderingFilter)
    filterset_class = ProductFilter
    search_fields = ("name", "description", "sku")
    ordering_fields = ("price", "created_at")
    ordering = ("-created_at",)
    lookup_value_converter = "int"

    def get_queryset(self) -> ProductQuerySet:
        return Product.objects.visible_to(self.request.user).select_related("organization")
