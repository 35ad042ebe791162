"""Rules about a user's organization: its plan, the user's role, the objects it has."""

from typing import Any

from django.db.models import Model, Q

from backstay.conf import plan_admits
from backstay.permissions.ownership import related_key, related_rows
from backstay.permissions.rules import EVERY_ROW, Rule


def role_of(user: Any) -> Any:
    """In the organization: ``organization_role`` where users have one, else ``role``."""
    return getattr(user, "organization_role", None) or getattr(user, "role", None)


class HasOrganizationPermission(Rule):
    """
    Members of an organization, on a plan and in a role.

    ``required_plan`` admits that plan of ``PLANS`` and those after it. ``roles`` narrows
    to users in one of them. ``organization`` is the path from an object to its
    organization: with it, only the user's own organization's objects are theirs.
    """

    required_plan: str | None = None
    roles: tuple[str, ...] = ()
    organization: str | None = None
    message = "Only members of an organization with the right role and plan may do this."

    def __init__(
        self,
        *,
        required_plan: str | None = None,
        roles: tuple[str, ...] = (),
        organization: str | None = None,
    ) -> None:
        self.required_plan = required_plan or self.required_plan
        self.roles = roles or self.roles
        self.organization = organization or self.organization
        if self.required_plan is not None:
            self.code = "plan_required"
            self.message = f"This needs an organization on the {self.required_plan} plan or higher."

    @property
    def about_objects(self) -> bool:
        return self.organization is not None

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        organization = getattr(user, "organization", None)
        if organization is None or (self.roles and role_of(user) not in self.roles):
            return False
        return self.required_plan is None or plan_admits(organization.plan, self.required_plan)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        if self.organization is None:
            return EVERY_ROW
        return related_rows(model, self.organization, user.organization.pk)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        if self.organization is None:
            return True
        return bool(related_key(obj, self.organization) == user.organization.pk)


class RequireProPlan(HasOrganizationPermission):
    """An organization on ``pro`` or higher."""

    required_plan = "pro"


def RequirePlan(plan: str) -> HasOrganizationPermission:  # noqa: N802  # Reads as the class it stands for.
    """An organization on *plan* or higher; otherwise 403 ``plan_required``."""
    return HasOrganizationPermission(required_plan=plan)
