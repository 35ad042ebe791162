"""Every account that is created is a customer from the same transaction on."""

from typing import Any

from django.db.models.signals import post_save
from django.dispatch import receiver

from shop.accounts.models import User
from shop.orders.models import Customer


@receiver(post_save, sender=User)
def create_customer(instance: User, created: bool, raw: bool, **kwargs: Any) -> None:
    # A fixture brings its own customers.
    if created and not raw:
        Customer.objects.create(user=instance)
