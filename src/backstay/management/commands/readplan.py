"""
``manage.py readplan orders.OrderDetail``: what a serializer asks the database for.

A serializer is an app's label and its class in that app's ``serializers`` module, or the
dotted path of the class.
"""

from importlib import import_module
from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.module_loading import import_string
from rest_framework.serializers import ModelSerializer

from backstay.readplan.explain import explain
from backstay.readplan.paths import NotPlanned


class Command(BaseCommand):
    help = "Show the queries of a serializer, and what runs from instances."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("serializer", nargs="+", help="app.Class, or the class's dotted path")

    def handle(self, *_: Any, serializer: list[str], **__: Any) -> None:
        for name in serializer:
            try:
                self.stdout.write(explain(serializer_of(name)))
            except NotPlanned as reason:
                self.stdout.write(f"{name}: left to DRF, {reason}")


def serializer_of(name: str) -> type[Any]:
    """
    Raises:
        CommandError: there is no such serializer of a model.
    """
    label, _, kind = name.rpartition(".")
    try:
        if label in apps.app_configs:
            module = import_module(f"{apps.get_app_config(label).name}.serializers")
            found = getattr(module, kind)
        else:
            found = import_string(name)
    except (ImportError, AttributeError) as error:
        raise CommandError(f"There is no serializer {name!r} ({error}).") from None
    if not isinstance(found, type) or not issubclass(found, ModelSerializer):
        raise CommandError(f"{name!r} is no ModelSerializer.")
    return found
