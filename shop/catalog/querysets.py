"""How products are read."""

from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

if TYPE_CHECKING:
    from shop.catalog.models import Product  # noqa: F401  # Named in a string below.


class ProductQuerySet(QuerySet["Product"]):
    def in_stock(self) -> Self:
        return self.filter(stock__gt=0)

    def running_out(self, units: int) -> Self:
        """On sale, with *units* left at most."""
        return self.filter(is_active=True, stock__lte=units)
