"""Why an order cannot be placed or paid, one class for each decision a client can take."""

from backstay.errors import Problem


class InvalidOrder(Problem):
    """The order itself is wrong; ``errors`` points at the lines."""

    status_code = 400
    code = "validation_error"
    default_detail = "The order cannot be placed as it is; see errors."


class CustomerBlocked(Problem):
    """The customer may not order until staff lift the block."""

    status_code = 400
    code = "customer_blocked"
    title = "Customer blocked"
    advice = "Contact the shop."
    default_detail = "This customer may not place orders. Contact the shop."


class InsufficientInventory(Problem):
    """Fewer units are left than were asked for; ``errors`` points at the lines."""

    status_code = 409
    code = "insufficient_inventory"
    title = "Not enough stock"
    advice = "Order fewer, or wait until more arrive. Nothing of the order was taken."
    default_detail = "Fewer units are left than were asked for; nothing was ordered."


class PaymentDeclined(Problem):
    """The means of payment was refused; the order is still to be paid."""

    status_code = 402
    code = "payment_declined"
    title = "Payment declined"
    advice = "Pay by other means, or ask the bank."
    default_detail = "The payment was declined; nothing was taken."
