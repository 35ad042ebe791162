"""Lists of loans: by cursor, by number, filtered and searched."""

import django_filters
from django.urls import include, path
from rest_framework import viewsets
from rest_framework.filters import BaseFilterBackend
from rest_framework.pagination import BasePagination
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.routers import SimpleRouter

from backstay.filtering import (
    DjangoFilterBackend,
    FlagFilter,
    InstantFilter,
    MoneyFilter,
    OrderingFilter,
    SearchFilter,
)
from backstay.pagination import (
    AdaptivePagination,
    CursorPagination,
    LimitOffsetPagination,
    PagePagination,
)
from backstay.serializers import ModelSerializer
from tests.backstay.testapp.models import Loan


class LoanSerializer(ModelSerializer):
    class Meta:
        model = Loan
        fields = ["id", "reader", "rank"]


class ByRank(CursorPagination):
    ordering = "rank"
    page_size = 5


class FivePerPage(PagePagination):
    page_size = 5


class CappedAtTen(FivePerPage):
    counting = "capped"
    count_cap = 10


class GuessedFromTen(FivePerPage):
    counting = "estimated"
    count_cap = 10


class Uncounted(FivePerPage):
    counting = "none"


class ByOffset(LimitOffsetPagination):
    default_limit = 5
    max_limit = 10


class UncountedByOffset(ByOffset):
    counting = "none"


class LargeFromThirteen(AdaptivePagination):
    page_size = 5
    threshold = 12
    ordering = ("rank",)


class LoanFilter(django_filters.FilterSet):
    fee_min = MoneyFilter(field_name="fee", lookup_expr="gte")
    lent_after = InstantFilter(field_name="lent_at", lookup_expr="gte")
    lent_before = InstantFilter(field_name="lent_at", lookup_expr="lt")
    urgent = FlagFilter()
    shelf = django_filters.CharFilter(field_name="shelf__name")

    class Meta:
        model = Loan
        fields: list[str] = []


class Loans(viewsets.ReadOnlyModelViewSet):
    """What the lists have in common."""

    queryset = Loan.objects.all()
    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    versioning_class = None
    serializer_class = LoanSerializer
    filter_backends: tuple[type[BaseFilterBackend], ...] = (
        DjangoFilterBackend,
        SearchFilter,
        OrderingFilter,
    )


class LoanViewSet(Loans):
    pagination_class = ByRank
    filterset_class = LoanFilter
    search_fields: tuple[str, ...] = ("reader",)
    ordering_fields = ("rank", "score", "lent_at", "shelf__name")


class OtherLoanViewSet(LoanViewSet):
    """The same rows under another path."""


class NumberedLoanViewSet(Loans):
    pagination_class: type[BasePagination] = FivePerPage
    ordering = ("rank",)
    ordering_fields = ("rank",)


class CappedLoanViewSet(NumberedLoanViewSet):
    pagination_class = CappedAtTen


class GuessedLoanViewSet(NumberedLoanViewSet):
    pagination_class = GuessedFromTen


class UncountedLoanViewSet(NumberedLoanViewSet):
    pagination_class = Uncounted


class OffsetLoanViewSet(NumberedLoanViewSet):
    pagination_class = ByOffset


class UncountedOffsetLoanViewSet(NumberedLoanViewSet):
    pagination_class = UncountedByOffset


class AdaptiveLoanViewSet(Loans):
    pagination_class = LargeFromThirteen
    filterset_class = LoanFilter


class FullTextLoanViewSet(LoanViewSet):
    search_fields = ("@reader", "@shelf__name")


class EnglishLoanViewSet(LoanViewSet):
    search_fields = ("@reader",)
    search_config = "english"


class MixedTextLoanViewSet(LoanViewSet):
    search_fields = ("@reader", "shelf__name")


class PlainLoanViewSet(Loans):
    """Nothing can be searched or filtered."""

    pagination_class = ByRank
    filter_backends = (DjangoFilterBackend, SearchFilter)


class OnlyFilteredViewSet(LoanViewSet):
    filter_backends = (DjangoFilterBackend,)


class OnlySearchedViewSet(LoanViewSet):
    filter_backends = (SearchFilter,)


class OnlyOrderedViewSet(LoanViewSet):
    filter_backends = (OrderingFilter,)


router = SimpleRouter()
router.register("loans", LoanViewSet, basename="loan")
router.register("others", OtherLoanViewSet, basename="other")
router.register("numbered", NumberedLoanViewSet, basename="numbered")
router.register("capped", CappedLoanViewSet, basename="capped")
router.register("guessed", GuessedLoanViewSet, basename="guessed")
router.register("uncounted", UncountedLoanViewSet, basename="uncounted")
router.register("offset", OffsetLoanViewSet, basename="offset")
router.register("uncounted-offset", UncountedOffsetLoanViewSet, basename="uncounted-offset")
router.register("adaptive", AdaptiveLoanViewSet, basename="adaptive")
router.register("full-text", FullTextLoanViewSet, basename="full-text")
router.register("english", EnglishLoanViewSet, basename="english")
router.register("mixed-text", MixedTextLoanViewSet, basename="mixed-text")
router.register("plain", PlainLoanViewSet, basename="plain")
router.register("only-filtered", OnlyFilteredViewSet, basename="only-filtered")
router.register("only-searched", OnlySearchedViewSet, basename="only-searched")
router.register("only-ordered", OnlyOrderedViewSet, basename="only-ordered")

urlpatterns = [path("", include(router.urls))]
