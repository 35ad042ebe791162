"""The opt-in app: add ``"backstay.caching"`` to ``INSTALLED_APPS``; it has no tables."""

from django.apps import AppConfig


class CachingConfig(AppConfig):
    name = "backstay.caching"
    label = "backstay_caching"
    verbose_name = "Response cache"

    def ready(self) -> None:
        from backstay.caching import freshness

        freshness.install()
