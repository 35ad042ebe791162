"""What a project may want to act upon: a mail to the user, a line for the auditor."""

from django.dispatch import Signal

#: ``refresh_reused(sender=Family, family=…)``: a spent refresh token came; its family is ended.
refresh_reused = Signal()

#: ``sessions_ended(sender=Family, families=[…ids], reason=…)``, after the commit.
sessions_ended = Signal()
