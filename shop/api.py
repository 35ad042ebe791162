"""Every versioned resource, mounted once for each way to say the version."""

from typing import Any

from django.urls import include, path
from rest_framework.routers import SimpleRouter

from shop.articles.views import ArticleViewSet, CommentViewSet
from shop.catalog.views import ProductViewSet
from shop.orders.reports import SalesReportView
from shop.orders.views import AddressViewSet, OrderViewSet

router = SimpleRouter(use_regex_path=False)
router.register("products", ProductViewSet, basename="product")
router.register("addresses", AddressViewSet, basename="address")
router.register("orders", OrderViewSet, basename="order")
router.register("articles", ArticleViewSet, basename="article")

comments = SimpleRouter(use_regex_path=False)
comments.register("comments", CommentViewSet, basename="comment")

urlpatterns = [
    path("", include("shop.accounts.urls")),
    path("", include(router.urls)),
    path("reports/sales/", SalesReportView.as_view(), name="sales-report"),
    path("articles/<int:article_id>/", include(comments.urls)),
]


def documented(endpoints: list[tuple[Any, ...]], **_: Any) -> list[tuple[Any, ...]]:
    """What the OpenAPI document covers: the API and its tokens."""
    covered = ("/api/{version}/", "/api/token/")
    return [endpoint for endpoint in endpoints if endpoint[0].startswith(covered)]
