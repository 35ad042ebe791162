"""
Who holds, takes and returns the money: any provider that can be asked twice.

A request only has the amount held. Taking it, and giving it back, are left to a job
that commits with the order's new state. So a transaction that is rolled back, or a
process that is killed inside one, has taken nothing: the amount that was held is free
again when the provider lets go of it, and a second try for the order holds it once.

``PAYMENT_PROVIDER`` in the settings names the class.
"""

from decimal import Decimal
from typing import Protocol

from django.conf import settings
from django.utils.module_loading import import_string


class Provider(Protocol):
    """
    Each call happens once for its *key*, however often it is made. One that was declined has
    not happened: asked again, the card is tried again.

    Raises:
        PaymentDeclined: by ``authorize`` alone.
        ServiceUnavailable: it does not answer, within a time that a request can wait.
    """

    def authorize(self, *, key: str, amount: Decimal, currency: str, method: str) -> None:
        """Hold *amount* for a few days."""

    def capture(self, *, key: str) -> None:
        """Take what is held; nothing, if it was given back before."""

    def refund(self, *, key: str) -> None:
        """Give back what was taken, and let go of what is held."""


class InProcess:
    """Takes every card and moves no money: for demonstrations. It has no books but ours."""

    def authorize(self, *, key: str, amount: Decimal, currency: str, method: str) -> None:
        pass

    def capture(self, *, key: str) -> None:
        pass

    def refund(self, *, key: str) -> None:
        pass


def provider() -> Provider:
    made: Provider = import_string(settings.PAYMENT_PROVIDER)()
    return made


def provider_key(order_id: int) -> str:
    """What the provider knows an order's money by."""
    return f"order-{order_id}"
