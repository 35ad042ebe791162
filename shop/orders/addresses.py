"""
Changing and removing addresses that orders may name.

What a paid order was sent to is part of its record: such an address cannot be
changed, and removing it hides it from its owner without touching the order.
"""

from typing import TypedDict, Unpack

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from backstay.errors import Conflict
from shop.accounts.models import User
from shop.orders.models import Address, Order


class AddressFields(TypedDict, total=False):
    line1: str
    line2: str
    city: str
    postcode: str
    country: str


def change_address(*, address: Address, **changes: Unpack[AddressFields]) -> Address:
    """
    Change the given fields.

    Raises:
        Conflict: an order that has left pending names the address.
    """
    if not changes:
        return address
    settled = Order.objects.filter(shipping_address=OuterRef("pk")).exclude(
        status=Order.Status.PENDING
    )
    if not Address.objects.filter(~Exists(settled), pk=address.pk).update(**changes):
        raise Conflict("An order names this address; add a new one instead.")
    for name, value in changes.items():
        setattr(address, name, value)
    return address


def remove_address(*, address: Address) -> None:
    """Delete the address, or archive it when an order names it."""
    _remove(Address.objects.filter(pk=address.pk))


def remove_addresses(*, user: User) -> None:
    """Remove all addresses of *user*."""
    _remove(Address.objects.owned_by(user))


@transaction.atomic
def _remove(addresses: QuerySet[Address]) -> None:
    # An order that is being placed holds the same rows: it is seen, or it sees this.
    held = list(addresses.order_by("pk").select_for_update().values_list("pk", flat=True))
    named = Exists(Order.objects.filter(shipping_address=OuterRef("pk")))
    rows = Address.objects.filter(pk__in=held)
    rows.filter(named).update(archived_at=timezone.now())
    rows.filter(~named).delete()
