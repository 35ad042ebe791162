"""
Taking units off the shelf and putting them back.

Each product is one conditional ``UPDATE``: it takes the units only if they are
there, so stock cannot fall below zero however many buy at once. Products are
visited in the order of their keys, so two orders never wait for each other.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from django.db.models import F

from shop.catalog.models import Product


@dataclass(frozen=True, slots=True)
class Line:
    """``quantity`` units of one product, one at least."""

    product_id: int
    quantity: int

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("A line has one unit at least.")


def in_key_order(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.product_id)


def take_stock(*, lines: Iterable[Line]) -> list[Line]:
    """
    Take the units of all *lines*; return the lines that could not be taken.

    Those have too little stock, or their product is not on sale. A caller who
    wants all or nothing rolls its transaction back.
    """
    return [
        line
        for line in in_key_order(lines)
        if not Product.objects.filter(
            pk=line.product_id, is_active=True, stock__gte=line.quantity
        ).update(stock=F("stock") - line.quantity)
    ]


def return_stock(*, lines: Iterable[Line]) -> None:
    """Put the units of all *lines* back, on sale or not."""
    for line in in_key_order(lines):
        Product.objects.filter(pk=line.product_id).update(stock=F("stock") + line.quantity)
