"""What a token of this service says about its user beyond ``user_id``."""

from typing import Any

from shop.accounts.models import User


def claims(user: User) -> dict[str, Any]:
    """``org`` and ``plan`` are null for users without an organization."""
    organization = user.organization
    return {
        "email": user.email,
        "first_name": user.first_name,
        "user_role": user.role,
        "org": organization.pk if organization else None,
        "plan": organization.plan if organization else None,
    }
