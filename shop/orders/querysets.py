"""How addresses are read."""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import QuerySet

from shop.accounts.models import User
from shop.orders.permissions import ADDRESSES

if TYPE_CHECKING:
    from shop.orders.models import Address  # noqa: F401  # Named in a string below.


class AddressQuerySet(QuerySet["Address"]):
    def owned_by(self, user: User | AnonymousUser) -> Self:
        """Addresses that *user* has and did not remove."""
        return self.current().filter(ADDRESSES.scope(user, self.model))

    def current(self) -> Self:
        """All but those that were removed and are kept for an order."""
        return self.filter(archived_at=None)
