"""
One row a login: the family of all tokens that come of it.

Of refresh tokens there are hashes only, of the one in force and of the one before.
A row stays until its last token has expired, also when it was ended, so that an old
token is known for what it is; ``manage.py auth_cleanup`` then deletes it.
"""

from datetime import datetime
from typing import Self
from uuid import uuid4

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils import timezone


class FamilyQuerySet(models.QuerySet["Family"]):
    def live(self, now: datetime | None = None) -> Self:
        """Those that can still be refreshed."""
        return self.filter(ended_at=None, expires_at__gt=now or timezone.now())


class Family(models.Model):
    """One login on one device."""

    class End(models.TextChoices):
        """Why it ended."""

        LOGOUT = "logout"
        #: Somebody came with a token that had been spent.
        REUSE = "reuse"
        PASSWORD = "password"  # noqa: S105  # A reason.
        #: The user was deactivated or deleted.
        USER = "user"

    id = models.UUIDField(primary_key=True, default=uuid4, editable=False)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        related_name="+",
        db_index=False,
    )
    device = models.CharField(max_length=100, blank=True)
    ip = models.GenericIPAddressField(null=True)
    created_at = models.DateTimeField(default=timezone.now)
    #: Of the last refresh, or of the login.
    last_used_at = models.DateTimeField(default=timezone.now)
    expires_at = models.DateTimeField()

    #: ``iat`` of the tokens in force: seconds since 1970.
    issued = models.BigIntegerField()
    refresh_hash = models.CharField(max_length=64)
    previous_hash = models.CharField(max_length=64, blank=True)

    #: Of the password, and of the own claims, that the tokens in force stand for.
    password_hash = models.CharField(max_length=64)
    claims_hash = models.CharField(max_length=64)
    #: What an access token with an earlier ``iat`` claims is not true any more.
    claims_from = models.BigIntegerField(default=0)

    ended_at = models.DateTimeField(null=True)
    ended_for = models.CharField(max_length=10, choices=End, blank=True)
    #: Of the last end or change of ``claims_from``: what a denylist has to know.
    changed_at = models.DateTimeField(null=True)

    objects = FamilyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "families"
        indexes = [
            models.Index(fields=["user", "-created_at", "-id"], name="backstay_session_newest"),
            models.Index(fields=["expires_at"], name="backstay_session_expiry"),
            models.Index(
                fields=["changed_at"],
                condition=Q(changed_at__isnull=False),
                name="backstay_session_changes",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.device or 'unknown device'} {self.pk}"
