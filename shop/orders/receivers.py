"""What happens to a customer when something happens to the account."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from shop.accounts.models import User
from shop.accounts.signals import anonymised
from shop.orders.addresses import remove_addresses
from shop.orders.models import Customer


@receiver(post_save, sender=User)
def create_customer(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    """Every account is a customer from its own transaction on."""
    # A fixture brings its own customers.
    if created and not raw:
        Customer.objects.create(user=instance)


@receiver(anonymised, sender=User)
def forget_addresses(user: User, **kwargs: Any) -> None:
    remove_addresses(user=user)
