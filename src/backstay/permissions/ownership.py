"""Rules about whose an object is, and the paths that lead from one to its owner."""

from typing import Any

from django.db.models import ForeignKey, Model, Q
from rest_framework.permissions import SAFE_METHODS

from backstay.permissions.rules import EVERY_ROW, NO_ROW, Rule


class IsOwner(Rule):
    """
    Only the user an object belongs to, by a dotted path of to-one relations.

    ``IsOwner("customer.user")``, or ``owner = "customer.user"`` in a subclass.
    """

    owner = "owner"
    message = "Only the owner may do this."

    def __init__(self, owner: str | None = None) -> None:
        if owner is not None:
            self.owner = owner

    def is_open(self, user: Any, method: str) -> bool:
        """Whether *user*, once admitted, may use *method* on every object."""
        return False

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return bool(user.is_authenticated)

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        return EVERY_ROW if self.is_open(user, method) else related_rows(model, self.owner, user.pk)

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        own = user.pk is not None and related_key(obj, self.owner) == user.pk
        return own or self.is_open(user, method)


class IsOwnerOrReadOnly(IsOwner):
    """Everyone reads, the owner writes."""

    def is_open(self, user: Any, method: str) -> bool:
        return method in SAFE_METHODS

    def admits(self, user: Any, *, method: str = "GET") -> bool:
        return method in SAFE_METHODS or super().admits(user, method=method)


class IsOwnerOrAdmin(IsOwner):
    """
    The owner and staff write; other users read what the view's list shows them.

    Add a rule that narrows reading, ``IsOwnerOrAdmin & …``, where not every user may
    read every row.
    """

    message = "Only the owner or staff may do this."

    def is_open(self, user: Any, method: str) -> bool:
        return method in SAFE_METHODS or bool(user.is_staff)


def related_rows(model: type[Model], path: str, key: Any) -> Q:
    """
    Rows whose dotted *path* leads to *key*.

    Where the way goes over one row at most (``customer.user`` with one customer a user), that
    row is a scalar subquery: planners then know it is one value, and read a page off an index
    over it in order; a join they would sort.
    """
    first, _, rest = path.partition(".")
    if key is None:
        return NO_ROW
    if not rest or "." in rest:
        return Q(**{path.replace(".", "__"): key})
    through = model._meta.get_field(first).related_model
    if not isinstance(through, type) or not getattr(through._meta.get_field(rest), "unique", False):
        return Q(**{path.replace(".", "__"): key})
    return Q(**{first: through._base_manager.filter(**{rest: key}).values("pk")[:1]})


def related_key(obj: Any, path: str) -> Any:
    """The key at the end of *path*, ``None`` where a relation on the way is empty."""
    *steps, last = path.split(".")
    for step in steps:
        obj = getattr(obj, step, None)
    if obj is None:
        return None
    field = type(obj)._meta.get_field(last)
    return getattr(obj, field.attname if isinstance(field, ForeignKey) else last, None)
