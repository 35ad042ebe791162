"""
Putting products into the catalogue, taking their units off the shelf and back.

Products are added to an organization one after the other, so that any number of
sellers at once stay within the quota of its plan.

Units are taken by one conditional ``UPDATE`` a product, which takes them only if
they are there, so stock cannot fall below zero however many buy at once. Products
are visited in the order of their keys, so two orders never wait for each other.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.db.models import F

from shop.accounts.errors import PlanRequired
from shop.accounts.models import Organization
from shop.accounts.plans import quota_of
from shop.catalog.models import Product


@dataclass(frozen=True, slots=True)
class Line:
    """``quantity`` units of one product, one at least."""

    product_id: int
    quantity: int

    def __post_init__(self) -> None:
        if self.quantity < 1:
            raise ValueError("A line has one unit at least.")


@transaction.atomic
def add_product(*, organization: Organization, **fields: Any) -> Product:
    """
    Add a product to what *organization* sells.

    Raises:
        PlanRequired: its plan, as it is now, has no room for another one.
    """
    seller = Organization.objects.lock(organization.pk)
    room = quota_of(seller).products
    if room is not None and Product.objects.filter(organization=seller).count() >= room:
        raise PlanRequired(
            f"The {seller.plan} plan has room for {room} products, on sale or not. "
            "Delete one, or ask an owner of the organization to change its plan."
        )
    return Product.objects.create(organization=seller, **fields)


def in_key_order(lines: Iterable[Line]) -> list[Line]:
    return sorted(lines, key=lambda line: line.product_id)


def take_stock(*, lines: Iterable[Line], prices: Mapping[int, Decimal]) -> list[Line]:
    """
    Take the units of all *lines*; return the lines that could not be taken.

    Those have too little stock, or their product is not on sale at its price of
    *prices*. A caller who wants all or nothing rolls its transaction back.
    """
    return [
        line
        for line in in_key_order(lines)
        if not Product.objects.filter(
            pk=line.product_id,
            is_active=True,
            stock__gte=line.quantity,
            price=prices[line.product_id],
        ).update(stock=F("stock") - line.quantity)
    ]


def return_stock(*, lines: Iterable[Line]) -> None:
    """Put the units of all *lines* back, on sale or not."""
    for line in in_key_order(lines):
        Product.objects.filter(pk=line.product_id).update(stock=F("stock") + line.quantity)
