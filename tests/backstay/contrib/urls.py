"""Two versions of books, documented."""

from decimal import Decimal

from django.urls import include, path
from rest_framework import serializers as drf
from rest_framework import viewsets
from rest_framework.permissions import AllowAny
from rest_framework.routers import SimpleRouter

from backstay.auth import JWTAuthentication
from backstay.caching import CachedResponsesMixin, CachePolicy
from backstay.contrib.spectacular import AutoSchema
from backstay.contrib.spectacular.views import SchemaView
from backstay.errors import Problem
from backstay.filtering import OrderingFilter, SearchFilter
from backstay.idempotency import IdempotencyMixin
from backstay.pagination import CursorPagination
from backstay.serializers import ActionSerializersMixin, ModelSerializer, Serializer, role, staff
from backstay.throttling import AnonRateThrottle
from backstay.versioning import Collapse, Nest, PathVersioning, TransformsMixin
from tests.backstay.testapp.models import Loan, Shelf


class Fee(Serializer):
    amount = drf.DecimalField(source="fee", max_digits=8, decimal_places=2, min_value=Decimal(0))
    urgent = drf.BooleanField(default=False)


class ShelfBrief(ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]


class LoanList(ModelSerializer):
    class Meta:
        model = Loan
        fields = ["id", "reader"]


class LoanCreate(ModelSerializer):
    class Meta:
        model = Loan
        fields = ["shelf", "reader"]


class LoanDetail(TransformsMixin, ModelSerializer):
    """A book that somebody has at home."""

    charge = Fee(source="*")
    shelf = ShelfBrief(read_only=True)
    score = drf.FloatField()

    class Meta:
        model = Loan
        fields = ["id", "reader", "charge", "shelf", "rank", "score"]
        visible_to = {"rank": staff, "score": staff | role("owner")}
        transforms = {
            "v2": (
                Nest("charge", {"amount": "fee", "urgent": "urgent"}),
                Collapse("shelf", to="id"),
            )
        }


class ShelfFull(Problem):
    """No book fits on it."""

    status_code = 409
    code = "shelf_full"
    title = "Shelf full"


class LoanViewSet(
    IdempotencyMixin, CachedResponsesMixin, ActionSerializersMixin, viewsets.ModelViewSet
):
    schema = AutoSchema()  # One object for all threads, unlike the project's default.
    queryset = Loan.objects.select_related("shelf")
    authentication_classes = (JWTAuthentication,)
    permission_classes = (AllowAny,)
    versioning_class = PathVersioning
    serializer_class = LoanDetail
    serializer_classes = {"list": LoanList, "create": LoanCreate}
    pagination_class = CursorPagination
    filter_backends = (SearchFilter, OrderingFilter)
    search_fields = ("reader",)
    ordering_fields = ("rank",)
    throttle_classes = (AnonRateThrottle,)
    cache = {"list": CachePolicy(seconds=60, audience="public")}
    problem_codes = {"create": ("shelf_full",)}


router = SimpleRouter()
router.register("loans", LoanViewSet, basename="loan")

urlpatterns = [
    path("api/token/", include("backstay.auth.urls")),
    path("api/schema/", SchemaView.as_view(authentication_classes=(), permission_classes=())),
    path("api/<str:version>/", include(router.urls)),
]
