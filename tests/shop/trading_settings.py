"""The service's settings for the random run: a dead worker's jobs come up soon; money has books."""

from datetime import timedelta

from shop.settings import *  # noqa: F403  # Django's way to derive settings.
from shop.settings import BACKSTAY

globals().update(BACKSTAY={**BACKSTAY, "OUTBOX_LEASE": timedelta(seconds=5)})
PAYMENT_PROVIDER = "tests.shop.orders.ledger.Ledger"
