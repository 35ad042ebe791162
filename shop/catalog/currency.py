"""Currency columns: three capital letters (ISO 4217)."""

from django.core.validators import RegexValidator
from django.db.models import CheckConstraint, F, Q, Value
from django.db.models.functions import Length, Upper
from django.db.models.lookups import Exact

currency_code = RegexValidator(r"^[A-Z]{3}\Z", "Three capital letters (ISO 4217).")


def currency_check(name: str) -> CheckConstraint:
    """
    The column ``currency`` holds three characters, none of them a small letter.

    Not a regular expression, which SQLite knows only on Django's own connections.
    """
    return CheckConstraint(
        name=name,
        condition=Q(Exact(Length("currency"), Value(3))) & Q(currency=Upper(F("currency"))),
    )
