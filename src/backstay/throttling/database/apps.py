"""The opt-in app: add ``"backstay.throttling.database"`` to ``INSTALLED_APPS`` and migrate."""

from django.apps import AppConfig
from django.core.checks import register


class ThrottlingConfig(AppConfig):
    name = "backstay.throttling.database"
    label = "backstay_throttling"
    verbose_name = "Throttling"

    def ready(self) -> None:
        from backstay.throttling.database.checks import check_limits_database

        register(check_limits_database)
