"""
E-mail addresses in one spelling, so that one address is one account.

The canonical form is what is stored, compared and shown: surrounding whitespace
gone, compatibility characters folded (NFKC), lower case. Every way into the
database goes through it, lookups, ``update()`` and the bulk methods included;
``contains`` and its like compare the text they are given.

The local part is folded too. RFC 5321 section 2.4 lets a host tell ``A@`` from
``a@``; none in use does, and two accounts that read alike are a way to steal one.
"""

import unicodedata
from typing import TYPE_CHECKING, Any

from django.db import models

if TYPE_CHECKING:
    EmailField = models.EmailField[str, str]
else:
    # Generic in the stubs only.
    EmailField = models.EmailField


def canonical_email(text: str) -> str:
    r"""
    The one spelling of *text*.

    >>> canonical_email("  \uff2fwner@Shop.Example ")
    'owner@shop.example'
    """
    folded = unicodedata.normalize("NFKC", text).strip().lower()
    return unicodedata.normalize("NFKC", folded)


class CanonicalEmailField(EmailField):
    """An address that is the same for everyone who spells it differently."""

    def to_python(self, value: Any) -> Any:
        value = super().to_python(value)
        return canonical_email(value) if isinstance(value, str) else value

    def get_prep_value(self, value: Any) -> Any:
        value = super().get_prep_value(value)
        return canonical_email(value) if isinstance(value, str) else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:
        """Show on the instance what is stored."""
        value = super().pre_save(model_instance, add)
        if isinstance(value, str):
            value = canonical_email(value)
            setattr(model_instance, self.attname, value)
        return value
