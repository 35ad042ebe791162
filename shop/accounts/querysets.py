"""How accounts are read."""

from typing import TYPE_CHECKING, Self

from django.db.models import QuerySet
from django.utils import timezone

if TYPE_CHECKING:
    from shop.accounts.models import Invitation, Organization, User  # noqa: F401  # In strings.


class UserQuerySet(QuerySet["User"]):
    def with_membership(self) -> Self:
        """Organization, role and team without a query for each user."""
        return self.select_related("membership__organization", "membership__team")


class OrganizationQuerySet(QuerySet["Organization"]):
    def lock(self, key: int) -> "Organization":
        """
        One organization, as it is now, held until the transaction ends.

        What is true of an organization as a whole, that it has an owner and no more products
        than its plan has room for, is checked and changed under this lock. Rows that refer to
        the organization do not wait for it. SQLite's transactions write one after the other
        anyway.
        """
        return self.select_for_update(no_key=True).get(pk=key)


class InvitationQuerySet(QuerySet["Invitation"]):
    def open(self) -> Self:
        """Invitations that have not expired."""
        return self.filter(expires_at__gt=timezone.now())
