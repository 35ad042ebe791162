"""The answers that retries get, for a day."""

from datetime import timedelta

from django.db import models
from django.utils import timezone

LIFETIME = timedelta(hours=24)


class AnswerQuerySet(models.QuerySet["StoredAnswer"]):
    def expired(self) -> "AnswerQuerySet":
        return self.filter(created_at__lte=timezone.now() - LIFETIME)


class StoredAnswer(models.Model):
    """What was answered to one key of one caller."""

    #: A digest of caller, method, address and key, in hexadecimal: none is kept itself.
    id = models.CharField(max_length=64, primary_key=True)
    #: A digest of what was asked.
    fingerprint = models.CharField(max_length=64)
    status = models.PositiveSmallIntegerField()
    headers = models.JSONField()
    body = models.BinaryField()
    created_at = models.DateTimeField(default=timezone.now, db_index=True)

    objects = AnswerQuerySet.as_manager()

    def __str__(self) -> str:
        return self.pk
