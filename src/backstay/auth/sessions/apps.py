"""The opt-in app: add ``"backstay.auth.sessions"`` to ``INSTALLED_APPS`` and migrate."""

from django.apps import AppConfig
from django.conf import settings
from django.db.models.signals import post_save, pre_delete


class SessionsConfig(AppConfig):
    name = "backstay.auth.sessions"
    label = "backstay_sessions"
    verbose_name = "Token sessions"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from backstay.auth.sessions import receivers

        user = settings.AUTH_USER_MODEL
        post_save.connect(receivers.user_saved, sender=user, dispatch_uid="backstay_sessions")
        pre_delete.connect(receivers.user_deleted, sender=user, dispatch_uid="backstay_sessions")
