"""A project with the dashboard and the admin, and nothing else."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("ops/", include("backstay.monitoring.dashboard.urls")),
    path("admin/", admin.site.urls),
]
