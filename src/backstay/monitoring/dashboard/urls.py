"""The page and what it asks for; include it wherever it should be."""

from django.urls import path

from backstay.monitoring.dashboard import views

app_name = "backstay_dashboard"

urlpatterns = [
    path("", views.page, name="page"),
    path("data/", views.DataView.as_view(), name="data"),
    path("budget/", views.BudgetView.as_view(), name="budget"),
    path("budget/clear/", views.ClearView.as_view(), name="clear"),
    path("jobs/retry/", views.RetryView.as_view(), name="retry"),
]
