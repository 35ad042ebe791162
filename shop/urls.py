"""The service's whole URL space; ``shop.api`` is what the versions share."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from backstay.auth.views import jwks
from backstay.conf import settings as backstay
from backstay.contrib.prometheus import metrics
from backstay.contrib.spectacular.views import SchemaView
from shop import example, health
from shop.limits import OwnLimitsView

#: The methods of what is for people to read.
PAGE = ["get", "head"]

urlpatterns = [
    path("", RedirectView.as_view(pattern_name="docs")),
    path("api/token/", include("backstay.auth.urls")),
    path(".well-known/jwks.json", jwks, name="jwks"),
    path("api/rate-limits/", OwnLimitsView.as_view(), name="rate-limits"),
    path("api/schema/", SchemaView.as_view(throttle_classes=()), name="schema"),
    path(
        "api/docs/",
        SpectacularSwaggerView.as_view(
            url_name="schema", http_method_names=PAGE, throttle_classes=()
        ),
        name="docs",
    ),
    path(
        "api/docs/redoc/",
        SpectacularRedocView.as_view(
            url_name="schema",
            template_name="shop/redoc.html",
            http_method_names=PAGE,
            throttle_classes=(),
        ),
        name="redoc",
    ),
    path("api/<str:version>/", include("shop.api")),
    # The same resources by ``Accept: application/json; version=2``, and by namespace.
    path("mobile/", include("shop.api")),
    *(
        path(f"partners/{version}/", include(("shop.api", version)))
        for version in backstay.VERSIONS
    ),
    path("ops/", include("backstay.monitoring.dashboard.urls")),
    path("errors/", include("backstay.errors.urls")),
    path("health/live/", health.live),
    path("health/ready/", health.ready),
    path("health/<str:name>/", health.dependency),
    path("metrics", metrics),
    path("admin/", admin.site.urls),
]

if settings.DEBUG:
    urlpatterns.append(path("example/", example.page, name="example"))

if settings.DEBUG_TOOLBAR:
    from debug_toolbar.toolbar import debug_toolbar_urls

    urlpatterns += debug_toolbar_urls()
