"""The Django app: add ``"backstay"`` to ``INSTALLED_APPS`` to have its checks run."""

from django.apps import AppConfig
from django.core.checks import register


class BackstayConfig(AppConfig):
    name = "backstay"
    verbose_name = "backstay"

    def ready(self) -> None:
        from backstay import checks

        register(checks.check_setting_names)
        register(checks.check_setting_values)
