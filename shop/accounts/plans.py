"""
What each plan has room for: the one place for such numbers.

A quota stops what would be added. What is there stays, also after a downgrade to
a plan that has no room for it.
"""

from dataclasses import dataclass

from shop.accounts.models import Organization


@dataclass(frozen=True, slots=True)
class Quota:
    """``None`` is without a bound."""

    products: int | None = None


QUOTAS = {
    Organization.Plan.FREE: Quota(products=10),
    Organization.Plan.PRO: Quota(),
    Organization.Plan.ENTERPRISE: Quota(),
}


def quota_of(organization: Organization) -> Quota:
    return QUOTAS[Organization.Plan(organization.plan)]
