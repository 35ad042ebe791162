"""A shelf of books: unique, unique-together, check and foreign-key constraints."""

import datetime
import uuid

from django.db import models
from django.db.models.functions import Lower

from tests.backstay.testapp.tenants import Desk, Document, Folder

__all__ = ["Book", "Desk", "Document", "Folder", "Inventory", "Loan", "Shelf"]


class Shelf(models.Model):
    name = models.CharField(max_length=50, unique=True)

    def __str__(self) -> str:
        return self.name


class Book(models.Model):
    shelf = models.ForeignKey(Shelf, on_delete=models.PROTECT, related_name="books")
    position = models.IntegerField(default=0)
    pages = models.IntegerField(default=1)
    title = models.CharField(max_length=50)
    isbn = models.CharField(max_length=20, default="", blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shelf", "position"], name="testapp_book_one_per_position"
            ),
            models.UniqueConstraint(
                Lower("isbn"),
                name="testapp_book_isbn",
                condition=~models.Q(isbn=""),
                violation_error_message="This ISBN is taken.",
            ),
            models.CheckConstraint(
                condition=models.Q(pages__gte=1),
                name="testapp_book_has_pages",
                violation_error_code="no_pages",
                violation_error_message="A book has at least one page.",
            ),
        ]

    def __str__(self) -> str:
        return self.title


class Inventory(models.Model):
    """An internal table: no client ever names its fields."""

    number = models.IntegerField(unique=True)
    note = models.CharField(max_length=50)

    def __str__(self) -> str:
        return self.note


class Loan(models.Model):
    """One column of each kind, to order, filter and page by."""

    shelf = models.ForeignKey(Shelf, on_delete=models.CASCADE)
    reader = models.CharField(max_length=50)
    rank = models.IntegerField(default=0)
    score = models.FloatField(default=0)
    fee = models.DecimalField(max_digits=8, decimal_places=2, default=0)
    urgent = models.BooleanField(default=False)
    due_on = models.DateField(default=datetime.date(2026, 1, 1))
    lent_at = models.DateTimeField(default=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    lasts = models.DurationField(default=datetime.timedelta(days=14))
    ticket = models.UUIDField(default=uuid.uuid4)
    returned_at = models.DateTimeField(null=True)
    books = models.ManyToManyField(Book)

    def __str__(self) -> str:
        return self.reader
