from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "shop.accounts"

    def ready(self) -> None:
        from shop.accounts import receivers  # noqa: F401  # Connects them.
