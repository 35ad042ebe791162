"""How products are read."""

from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import AnonymousUser
from django.db.models import Q, QuerySet

from shop.accounts.models import Membership, User

if TYPE_CHECKING:
    from shop.catalog.models import Product  # noqa: F401  # Named in a string below.


class ProductQuerySet(QuerySet["Product"]):
    def visible_to(self, user: User | AnonymousUser) -> Self:
        """
        Products *user* may see: the only place that scopes them.

        Everyone sees what is on sale. What is not is seen by staff, and by the
        members of the organization that sells it.
        """
        if user.is_staff:
            return self.all()
        if not user.is_authenticated:
            return self.filter(is_active=True)
        own = Membership.objects.filter(user=user.pk).values("organization")
        return self.filter(Q(is_active=True) | Q(organization__in=own))

    def in_stock(self) -> Self:
        return self.filter(stock__gt=0)
