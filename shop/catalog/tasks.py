"""Mails to sellers about what they sell."""

from datetime import timedelta

from backstay.outbox import Every, job
from shop import mail
from shop.accounts.models import Membership
from shop.catalog.models import Product

#: Units from which on a seller is told.
LOW_STOCK = 5


@job("catalog.low_stock_notice", every=Every(timedelta(days=1), timedelta(hours=6)))
def notice_low_stock(*, moment: str) -> None:
    """Have the owners of each organization told what it is running out of."""
    short = Product.objects.running_out(LOW_STOCK).values("organization")
    owners = Membership.objects.filter(
        organization__in=short, role=Membership.Role.OWNER, user__is_active=True
    )
    for pk in owners.order_by("pk").values_list("pk", flat=True):
        send_low_stock_mail.enqueue(membership_id=pk)


# Not atomic: it writes nothing, and a slow mail server must not hold a transaction.
@job("catalog.low_stock_mail", atomic=False)
def send_low_stock_mail(*, membership_id: int) -> None:
    """Name what is running out now; nothing, if it was restocked or the owner has left."""
    owner = Membership.objects.select_related("user").filter(pk=membership_id).first()
    if owner is None or not owner.user.is_active:
        return
    short = Product.objects.running_out(LOW_STOCK).filter(organization=owner.organization_id)
    lines = [f"{one.stock} x {one.name} ({one.sku})" for one in short.order_by("stock", "pk")]
    if lines:
        body = "Hello,\n\nyou are running out of:\n\n" + "\n".join(lines) + "\n"
        mail.send(to=owner.user.email, subject="Low stock", body=body)
