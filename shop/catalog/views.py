"""Products: anyone reads, their sellers write."""

from rest_framework.serializers import BaseSerializer

from backstay.caching import CachePolicy
from backstay.filtering import DjangoFilterBackend, OrderingFilter, SearchFilter
from backstay.pagination import PagePagination
from shop.catalog.filters import ProductFilter
from shop.catalog.models import Product
from shop.catalog.permissions import PRODUCTS
from shop.catalog.serializers import ProductDetail
from shop.resources import Resource


class ProductViewSet(Resource):
    """
    Products on sale.

    Members of an organization also see what it does not offer at present.
    A product that was ever ordered cannot be deleted, only set inactive.
    """

    queryset = Product.objects.all()
    permission_classes = (PRODUCTS,)
    serializer_class = ProductDetail
    pagination_class = PagePagination
    filter_backends = (DjangoFilterBackend, SearchFilter, OrderingFilter)
    filterset_class = ProductFilter
    search_fields = ("name", "description", "sku")
    ordering_fields = ("price", "created_at")
    ordering = ("-created_at",)
    problem_codes = {"create": ("plan_required",)}
    cache = CachePolicy(seconds=300, audience="anonymous")

    def perform_create(self, serializer: BaseSerializer) -> None:
        seller = getattr(self.request.user, "organization", None)
        self.save_permitted(serializer, organization=seller)
