"""The opt-in app: add ``"backstay.idempotency"`` to ``INSTALLED_APPS`` and migrate."""

from django.apps import AppConfig


class IdempotencyConfig(AppConfig):
    name = "backstay.idempotency"
    label = "backstay_idempotency"
    verbose_name = "Idempotency keys"
