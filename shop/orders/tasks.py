"""Mails about orders, none about one that was deleted meanwhile; and what moves money."""

from backstay.outbox import job
from shop import mail
from shop.orders.models import Order, Payment
from shop.orders.payments import provider, provider_key


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


@job("orders.settle_payment", atomic=False)
def settle_payment(*, payment_id: int) -> None:
    """Bring the provider to what our books say now, whichever of two such jobs comes first."""
    payment = Payment.objects.get(pk=payment_id)
    key = provider_key(payment.order_id)
    if payment.status == Payment.Status.SUCCEEDED:
        provider().capture(key=key)
    elif payment.status == Payment.Status.REFUNDED:
        provider().refund(key=key)


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
