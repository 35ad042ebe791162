from importlib import import_module

from django.apps import AppConfig


class OrdersConfig(AppConfig):
    name = "shop.orders"

    def ready(self) -> None:
        import_module("shop.orders.receivers")
