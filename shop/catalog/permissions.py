"""Who may see and write products."""

from typing import Any

from django.db.models import Model, Q

from backstay.permissions import HasOrganizationPermission, IsStaff, ReadOnly, Rule


class OnSale(Rule):
    """A product that is offered at present."""

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return Q(is_active=True)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return bool(obj.is_active)


MEMBERS = HasOrganizationPermission(organization="organization")
SELLERS = HasOrganizationPermission(organization="organization", roles=("owner", "manager"))

#: Everyone reads what is on sale, members and staff the rest too; sellers write.
PRODUCTS = (ReadOnly() & (OnSale() | MEMBERS | IsStaff())) | SELLERS
