"""
The table of buckets.

A row is a few dozen bytes, of a busy window up to a kilobyte. Nothing in it says whose
it is: the key is a hash.
"""

from django.db import models


class BucketRow(models.Model):
    """What was counted for one caller under one limit."""

    #: Of the bucket's name.
    key = models.UUIDField(primary_key=True, editable=False)
    #: ``Bucket.dump``.
    state = models.BinaryField()
    #: When it has emptied or some time later, in seconds since 1970. It changes once in a
    #: window, so that most updates leave the index alone.
    expires_at_seconds = models.BigIntegerField(db_index=True)

    class Meta:
        db_table = "backstay_throttling_bucket"

    def __str__(self) -> str:
        return str(self.key)
