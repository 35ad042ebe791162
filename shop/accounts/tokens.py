"""
What a token of this service says about its user beyond ``user_id``, and who that is.

``org`` and ``plan`` are null for users without an organization. A token of staff does
not tell their role in it, so that is read where it is asked for.
"""

from typing import Any

from backstay.auth import claimed
from backstay.auth.errors import TokenInvalid
from shop.accounts.models import Membership, Organization, User


def claims(user: User) -> dict[str, Any]:
    organization = user.organization
    return {
        "email": user.email,
        "first_name": user.first_name,
        "user_role": user.role,
        "org": organization.pk if organization else None,
        "plan": organization.plan if organization else None,
    }


def user_of(claims: dict[str, Any]) -> User:
    """
    ``request.user``, with the organization and the role in it; no query.

    Raises:
        TokenInvalid: issued before these claims were, or with others of their names.
    """
    try:
        role = claims["user_role"]
        known = {
            "id": claims["user_id"],
            "email": claims["email"],
            "first_name": claims["first_name"],
            "is_active": True,
            "is_staff": role == "staff",
        }
        organization_id, plan = claims["org"], claims["plan"]
    except KeyError:
        raise TokenInvalid from None
    user = claimed(User, known=known)
    if organization_id is None:
        user.know_membership(None)
    elif type(organization_id) is int and plan in Organization.Plan.values:
        user.know_membership(_membership(user, role, organization_id, plan))
    else:
        raise TokenInvalid
    return user


def _membership(user: User, role: str, organization_id: int, plan: str) -> Membership:
    known: dict[str, Any] = {"user_id": user.pk, "organization_id": organization_id}
    if role != "staff":
        known["role"] = role
    membership = claimed(Membership, known=known, user_id=user.pk)
    membership.organization = claimed(Organization, known={"id": organization_id, "plan": plan})
    return membership
