"""
Who may see and change accounts and what an organization has.

Members read what their organization has, staff read everyone's; its owners change
it. Staff change nothing here: they have the admin.
"""

from typing import Any

from django.db.models import Model, Q

from backstay.permissions import NO_ROW, HasOrganizationPermission, IsOwner, IsStaff, ReadOnly

OWNER = ("owner",)
LEADERS = ("owner", "manager")


class InOwnOrganization(HasOrganizationPermission):
    """
    Whoever is logged in may ask; the answer is about the object alone.

    Another organization's object is then missing (404) for everybody, also for those
    whose role, or lack of an organization, would forbid them the method.
    """

    def __init__(self, *, organization: str, roles: tuple[str, ...] = ()) -> None:
        super().__init__(organization=organization, roles=roles)
        who = " or ".join(roles) or "member"
        self.message = f"Only an organization's own {who} may do this."

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return bool(user.is_authenticated)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        fits = super().admits(user, method=method)
        return super().rows(user, model, method=method) if fits else NO_ROW

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        return super().admits(user, method=method) and super().holds(user, obj, method=method)


#: Oneself, and the members of one's own organization; staff see everyone.
USERS = IsOwner("id") | IsStaff() | InOwnOrganization(organization="membership.organization")

MEMBER = InOwnOrganization(organization="id")
ORGANIZATIONS = (IsStaff() | MEMBER) & (
    ReadOnly() | InOwnOrganization(organization="id", roles=OWNER)
)

#: Addresses of people who have not agreed to anything yet, so for owners only.
INVITATIONS = InOwnOrganization(organization="organization", roles=OWNER)

#: What the caller's own organization has; a member can be put into one of these teams.
OWN = InOwnOrganization(organization="organization")
MEMBERS = (IsStaff() | OWN) & (ReadOnly() | INVITATIONS)
TEAMS = (IsStaff() | OWN) & (
    ReadOnly() | InOwnOrganization(organization="organization", roles=LEADERS)
)
