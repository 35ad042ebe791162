"""Deleting many rows in small transactions, which hold no lock for long."""

from argparse import ArgumentParser
from collections.abc import Iterator
from typing import Any

from django.db.models import QuerySet


def add_batch_argument(parser: ArgumentParser) -> None:
    parser.add_argument("--batch", type=_count, default=1_000, help="rows in one transaction")


def delete_in_batches(rows: QuerySet[Any], size: int) -> Iterator[int]:
    """
    Delete *rows*, *size* at a time in their order; after each batch, how many are gone.

    A row that is none of *rows* any more when its batch is deleted stays.
    """
    deleted = 0
    while some := list(rows.values_list("pk", flat=True)[:size]):
        deleted += rows.filter(pk__in=some).delete()[0]
        yield deleted


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number
