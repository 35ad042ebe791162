"""Who may write to the catalogue."""

from django.contrib.auth.models import AnonymousUser
from rest_framework.permissions import SAFE_METHODS, BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from shop.accounts.models import Membership, User
from shop.catalog.models import Product

SELLERS = (Membership.Role.OWNER, Membership.Role.MANAGER)


class SellsProducts(BasePermission):
    """Everyone reads; owners and managers write what their organization sells."""

    message = "Only an owner or manager of the selling organization may do this."

    def has_permission(self, request: Request, view: APIView) -> bool:
        return request.method in SAFE_METHODS or _is_seller(request.user)

    def has_object_permission(self, request: Request, view: APIView, obj: Product) -> bool:
        if request.method in SAFE_METHODS:
            return True
        return _is_seller(request.user, obj.organization_id)


def _is_seller(user: User | AnonymousUser, organization_id: int | None = None) -> bool:
    """Whether *user* sells for the organization, for any where none is named."""
    membership: Membership | None = getattr(user, "membership", None)
    if membership is None or membership.role not in SELLERS:
        return False
    return organization_id in (None, membership.organization_id)
