"""What other apps may want to know about accounts."""

from django.dispatch import Signal

#: ``anonymised(sender=User, user=…)``, inside the transaction that anonymises.
anonymised = Signal()
