"""The Django app that holds the service's commands, and Celery where there is a broker."""

from importlib import import_module

from django.apps import AppConfig
from django.conf import settings


class ShopConfig(AppConfig):
    name = "shop"
    verbose_name = "Shop"

    def ready(self) -> None:
        from backstay.contrib import prometheus
        from backstay.monitoring import add_sink
        from backstay.monitoring.logs import log_request

        add_sink(log_request)
        prometheus.observe()
        if settings.ENVIRONMENT.celery_broker_url is not None:
            import_module("shop.celery")
