"""
Placing orders, and everything that may happen to one.

Each function is one transaction, all or nothing. A state changes by one
conditional ``UPDATE``, and its row count decides: of twins in any number of
processes, one wins and the others get ``Conflict``. Rows are locked in one order,
order, address, product by key, so no two actions wait for each other; the order is
first because a request with ``If-Match`` has it already.

    pending → paid → shipped       pending → cancelled       paid, shipped → refunded

Units of pending, paid and shipped orders are off the shelf; cancelling, refunding
and deleting put them back once. A pending order that is not paid in time is cancelled.

Money only moves by jobs, which leave with the transaction: see ``shop.orders.payments``.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from backstay.errors import Conflict, FieldError
from shop.catalog.actions import Line, return_stock, take_stock
from shop.catalog.models import Product
from shop.orders.errors import CustomerBlocked, InsufficientInventory, InvalidOrder
from shop.orders.models import Address, Customer, Order, OrderItem, Payment
from shop.orders.payments import provider, provider_key
from shop.orders.tasks import send_order_confirmation, settle_payment

__all__ = [
    "MAX_LINES",
    "Line",
    "cancel_order",
    "change_order",
    "delete_order",
    "expire_orders",
    "pay_order",
    "place_order",
    "refund_order",
    "ship_order",
]

#: With the largest price and quantity, the total of so many lines still has a column.
MAX_LINES = 100

#: For so long an order keeps its units without being paid.
PAY_WITHIN = timedelta(hours=24)

#: Which states each state can be reached from.
SOURCES: Mapping[Order.Status, Sequence[Order.Status]] = {
    Order.Status.PAID: [Order.Status.PENDING],
    Order.Status.SHIPPED: [Order.Status.PAID],
    Order.Status.CANCELLED: [Order.Status.PENDING],
    Order.Status.REFUNDED: [Order.Status.PAID, Order.Status.SHIPPED],
}


@transaction.atomic
def place_order(
    *, customer: Customer, lines: Sequence[Line], ship_to: Address, note: str = ""
) -> Order:
    """
    Reserve the units and record the order, at the prices of this moment.

    Raises:
        CustomerBlocked: the customer may not order.
        InvalidOrder: no lines, too many, a product twice or not on sale, more
            than one currency, or an address that is not the customer's.
        InsufficientInventory: fewer units are left than asked.
        Conflict: a price changed, or units came back, while this was at work.
    """
    if customer.is_blocked:
        raise CustomerBlocked
    check_lines(lines)
    hold_address(ship_to, customer)
    keys = [line.product_id for line in lines]
    products = Product.objects.in_bulk(keys)
    check_offer(lines, products)
    currencies = {product.currency for product in products.values()}
    if len(currencies) > 1:
        detail = f"One order has one currency, not {' and '.join(sorted(currencies))}."
        raise InvalidOrder(errors=[FieldError("/items", "mixed_currencies", detail)])
    prices = {key: product.price for key, product in products.items()}
    now = timezone.now()
    order = Order.objects.create(
        customer=customer,
        shipping_address=ship_to,
        total_amount=sum(prices[line.product_id] * line.quantity for line in lines),
        currency=currencies.pop(),
        note=note,
        created_at=now,
        expires_at=now + PAY_WITHIN,
    )
    OrderItem.objects.bulk_create(
        OrderItem(
            order=order,
            product_id=line.product_id,
            quantity=line.quantity,
            unit_price=prices[line.product_id],
        )
        for line in lines
    )
    send_order_confirmation.enqueue(order_id=order.pk)
    # Last of all: whoever wants the same units waits from here to the commit, no longer.
    if take_stock(lines=lines, prices=prices):
        check_offer(lines, Product.objects.in_bulk(keys))
        raise Conflict("What is ordered has just changed. Look at it, and order again.")
    return order


def check_lines(lines: Sequence[Line]) -> None:
    """Refuse what is wrong with the lines whatever the catalogue says."""
    if not lines:
        error = FieldError("/items", "empty", "An order has one item at least.")
        raise InvalidOrder(errors=[error])
    if len(lines) > MAX_LINES:
        error = FieldError("/items", "max_length", f"An order has at most {MAX_LINES} items.")
        raise InvalidOrder(errors=[error])
    first: dict[int, int] = {}
    errors = [
        FieldError(pointer(index), "duplicate", f"Item {first[line.product_id]} has this product.")
        for index, line in enumerate(lines)
        if first.setdefault(line.product_id, index) != index
    ]
    if errors:
        raise InvalidOrder(errors=errors)


def hold_address(address: Address, customer: Customer) -> None:
    """Keep *address* from being removed until commit; refuse another's or an archived one."""
    own = Address.objects.owned_by(customer.user).select_for_update(no_key=True)
    if own.filter(pk=address.pk).first() is None:
        detail = "The customer has no such address."
        raise InvalidOrder(errors=[FieldError("/shipping_address", "does_not_exist", detail)])


def check_offer(lines: Sequence[Line], products: Mapping[int, Product]) -> None:
    """
    Refuse what *products*, as they were read, do not allow.

    Raises:
        InvalidOrder: a product is missing or not on sale.
        InsufficientInventory: fewer units are left than asked.
    """
    absent = [
        FieldError(pointer(index), "does_not_exist", "No such product is on sale.")
        for index, line in enumerate(lines)
        if line.product_id not in products or not products[line.product_id].is_active
    ]
    if absent:
        raise InvalidOrder(errors=absent)
    short = [
        FieldError(
            f"/items/{index}/quantity",
            "insufficient_inventory",
            f"{products[line.product_id].stock} left, {line.quantity} asked.",
        )
        for index, line in enumerate(lines)
        if products[line.product_id].stock < line.quantity
    ]
    if short:
        raise InsufficientInventory(errors=short)


def pointer(index: int) -> str:
    return f"/items/{index}/product"


@transaction.atomic
def pay_order(*, order: Order, method: str) -> Order:
    """
    Have the order's total held, and take it once that has committed.

    Raises:
        Conflict: the order is not pending.
        PaymentDeclined: the provider refuses; the order stays pending.
        ServiceUnavailable: the provider does not answer.
    """
    move(order, Order.Status.PAID)
    provider().authorize(
        key=provider_key(order.pk),
        amount=order.total_amount,
        currency=order.currency,
        method=method,
    )
    payment = Payment.objects.create(
        order=order,
        amount=order.total_amount,
        method=method,
        status=Payment.Status.SUCCEEDED,
        paid_at=timezone.now(),
    )
    settle_payment.enqueue(payment_id=payment.pk)
    return order


@transaction.atomic
def ship_order(*, order: Order) -> Order:
    """
    Send the order off.

    Raises:
        Conflict: the order is not paid.
    """
    return move(order, Order.Status.SHIPPED)


@transaction.atomic
def cancel_order(*, order: Order) -> Order:
    """
    Give the order up and put its units back.

    Raises:
        Conflict: the order is not pending.
    """
    move(order, Order.Status.CANCELLED)
    restock(order)
    return order


@transaction.atomic
def refund_order(*, order: Order) -> Order:
    """
    Give the money back and put the units back.

    Raises:
        Conflict: the order is neither paid nor shipped.
    """
    move(order, Order.Status.REFUNDED)
    for payment in order.payments.filter(status=Payment.Status.SUCCEEDED):
        payment.status = Payment.Status.REFUNDED
        payment.save(update_fields=["status"])
        settle_payment.enqueue(payment_id=payment.pk)
    restock(order)
    return order


def expire_orders(*, now: datetime, limit: int) -> int:
    """Cancel up to *limit* orders that nobody paid in time; how many were cancelled."""
    unpaid = Order.objects.filter(status=Order.Status.PENDING, expires_at__lte=now)
    cancelled = 0
    for order in unpaid.order_by("expires_at")[:limit]:
        # One that is paid or gone by now was in time.
        with suppress(Conflict):
            cancel_order(order=order)
            cancelled += 1
    return cancelled


@transaction.atomic
def delete_order(*, order: Order) -> None:
    """
    Forget a pending order, whose units go back, or a cancelled one.

    Raises:
        Conflict: the order is in another state, or gone.
    """
    rows = Order.objects.filter(pk=order.pk)
    if rows.filter(status=Order.Status.PENDING).update(status=Order.Status.CANCELLED):
        restock(order)
    elif not rows.filter(status=Order.Status.CANCELLED).exists():
        raise refusal(order, "deleted", [Order.Status.PENDING, Order.Status.CANCELLED])
    # An attempt that took no money goes with the order; any other payment protects it.
    unpaid = [Payment.Status.PENDING, Payment.Status.FAILED]
    Payment.objects.filter(order=order.pk, status__in=unpaid).delete()
    rows.delete()


@transaction.atomic
def change_order(*, order: Order, note: str | None = None, ship_to: Address | None = None) -> Order:
    """
    Change what is given of a pending order.

    Raises:
        InvalidOrder: the address is not the customer's.
        Conflict: the order is not pending.
    """
    changes: dict[str, object] = {}
    if note is not None:
        changes["note"] = note
    if ship_to is not None:
        changes["shipping_address"] = ship_to
    # Written even if nothing is to change, so that the state is checked all the same.
    changes["status"] = Order.Status.PENDING
    if not Order.objects.filter(pk=order.pk, status=Order.Status.PENDING).update(**changes):
        raise refusal(order, "changed", [Order.Status.PENDING])
    if ship_to is not None:
        hold_address(ship_to, order.customer)
    for name, value in changes.items():
        setattr(order, name, value)
    return order


def move(order: Order, to: Order.Status) -> Order:
    """Bring *order* into the state *to*, if it is in one that leads there."""
    rows = Order.objects.filter(pk=order.pk, status__in=SOURCES[to])
    if not rows.update(status=to):
        raise refusal(order, to.value, SOURCES[to])
    order.status = to
    return order


def refusal(order: Order, participle: str, sources: Sequence[Order.Status]) -> Conflict:
    state = Order.objects.filter(pk=order.pk).values_list("status", flat=True).first()
    if state is None:
        return Conflict("The order is gone.")
    allowed = " or ".join(source.value for source in sources)
    return Conflict(f"The order is {state}; only one that is {allowed} can be {participle}.")


def restock(order: Order) -> None:
    items = OrderItem.objects.filter(order=order.pk).values_list("product_id", "quantity")
    return_stock(lines=[Line(*item) for item in items])
