"""Mails about orders, none about one that was deleted meanwhile; and what moves money."""

from datetime import date, datetime, timedelta

from django.utils import timezone

from backstay.outbox import Every, job
from shop import mail
from shop.accounts.models import User
from shop.orders.models import Order, Payment
from shop.orders.payments import provider, provider_key
from shop.orders.sales import sales


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


@job("orders.expire_unpaid", atomic=False, every=Every(timedelta(minutes=5)))
def expire_unpaid_orders(*, moment: str) -> None:
    """Cancel what nobody paid in time; what is left over is for the next run."""
    from shop.orders.actions import expire_orders

    expire_orders(now=timezone.now(), limit=500)


@job("orders.sales_summary", every=Every(timedelta(days=1), timedelta(minutes=30)))
def summarize_sales(*, moment: str) -> None:
    """Have staff told of the day before, if anything was sold."""
    day = datetime.fromisoformat(moment).date() - timedelta(days=1)
    if not sales(day, day):
        return
    staff = User.objects.filter(is_staff=True, is_active=True)
    for pk in staff.order_by("pk").values_list("pk", flat=True):
        send_sales_mail.enqueue(user_id=pk, day=day.isoformat())


@job("orders.sales_mail", atomic=False)
def send_sales_mail(*, user_id: int, day: str) -> None:
    """The totals of one day, by currency."""
    user = User.objects.filter(pk=user_id, is_staff=True, is_active=True).first()
    if user is None:
        return
    sold = sales(date.fromisoformat(day), date.fromisoformat(day))
    lines = [
        f"{one['total_amount']:.2f} {one['currency']} by {one['orders']} orders" for one in sold
    ]
    body = f"Sold on {day} (UTC):\n\n" + "\n".join(lines) + "\n"
    mail.send(to=user.email, subject=f"Sales of {day}", body=body)


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
