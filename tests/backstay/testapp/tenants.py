"""
Documents that belong to people and organizations, by ways of every length.

Tables of apps without migrations are made first, so those of accounts, which have
some, are not there yet when these are: hence no constraints to them.
"""

from django.conf import settings
from django.db import models
from django.utils import timezone


class Desk(models.Model):
    """A user has one at most."""

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, db_constraint=False
    )

    def __str__(self) -> str:
        return f"Desk of {self.user}"


class Folder(models.Model):
    organization = models.ForeignKey(
        "accounts.Organization", on_delete=models.CASCADE, null=True, db_constraint=False
    )

    def __str__(self) -> str:
        return f"Folder {self.pk}"


class Document(models.Model):
    """Whoever wrote it, the desk it lies on and the folder it is in may each be missing."""

    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, db_constraint=False
    )
    desk = models.ForeignKey(Desk, on_delete=models.CASCADE, null=True)
    folder = models.ForeignKey(Folder, on_delete=models.CASCADE, null=True)
    title = models.CharField(max_length=50, default="Untitled")
    created_at = models.DateTimeField(default=timezone.now, null=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.title
