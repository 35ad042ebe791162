"""How products are read."""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from shop.accounts.models import User
from shop.catalog.permissions import PRODUCTS

if TYPE_CHECKING:
    from shop.catalog.models import Product  # noqa: F401  # Named in a string below.


class ProductQuerySet(QuerySet["Product"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """Products *user* may see."""
        return self.filter(PRODUCTS.scope(user, self.model))

    def in_stock(self) -> Self:
        return self.filter(stock__gt=0)
