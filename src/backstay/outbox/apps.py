"""The opt-in app: add ``"backstay.outbox"`` to ``INSTALLED_APPS`` and migrate."""

from django.apps import AppConfig
from django.core.checks import register
from django.utils.module_loading import autodiscover_modules


class OutboxConfig(AppConfig):
    name = "backstay.outbox"
    label = "backstay_outbox"
    verbose_name = "Outbox"

    def ready(self) -> None:
        from backstay.outbox.checks import check_outbox_database

        autodiscover_modules("tasks")
        register(check_outbox_database)
