"""What the service clears away by night."""

from datetime import timedelta

from django.core.management import call_command

from backstay.outbox import Every, job


@job("shop.cleanup", atomic=False, every=Every(timedelta(days=1), timedelta(hours=4)))
def clean_up(*, moment: str) -> None:
    """Delete sessions and stored answers that nobody can use any more, in batches."""
    call_command("auth_cleanup", verbosity=0)
    call_command("idempotency_cleanup", verbosity=0)
