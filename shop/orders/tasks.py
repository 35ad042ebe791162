"""Mails about orders. None is sent about an order that was deleted meanwhile."""

from backstay.outbox import job
from shop import mail
from shop.orders.models import Order


# Not atomic: it writes nothing, and a slow mail server must not hold a transaction.
@job("orders.confirmation_mail", atomic=False)
def send_order_confirmation(*, order_id: int) -> None:
    """Repeat to the customer what was ordered, at which prices."""
    orders = Order.objects.select_related("customer__user")
    order = orders.filter(pk=order_id, customer__user__is_active=True).first()
    if order is None:
        return
    mail.send(
        to=order.customer.email,
        subject=f"Your order {order.pk}",
        body=confirmation(order),
    )


def confirmation(order: Order) -> str:
    items = order.items.select_related("product").order_by("pk")
    lines = "\n".join(
        f"{item.quantity} x {item.product.name}, {item.unit_price} {order.currency} each"
        for item in items
    )
    return f"""\
Hello,

we have received your order {order.pk}:

{lines}

Total: {order.total_amount} {order.currency}
"""
