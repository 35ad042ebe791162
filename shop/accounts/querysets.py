"""How accounts are read."""

from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet

if TYPE_CHECKING:
    from shop.accounts.models import User  # noqa: F401  # Named in a string below.


class UserQuerySet(QuerySet["User"]):
    def with_membership(self) -> Self:
        """Organization, role and team without a query for each user."""
        return self.select_related("membership__organization", "membership__team")
