"""The opt-in app: add ``"backstay.monitoring.dashboard"`` to ``INSTALLED_APPS``."""

from django.apps import AppConfig
from django.core.checks import register


class DashboardConfig(AppConfig):
    name = "backstay.monitoring.dashboard"
    label = "backstay_dashboard"
    verbose_name = "Dashboard"

    def ready(self) -> None:
        from backstay.monitoring.dashboard.checks import check_admin
        from backstay.monitoring.dashboard.sink import keep
        from backstay.monitoring.sinks import add_sink

        add_sink(keep)
        register(check_admin)
