"""A rule about how long ago an object was made."""

from datetime import timedelta
from typing import Any

from django.db.models import Model, Q
from django.utils import timezone

from backstay.permissions.rules import EVERY_ROW, Rule


class WithinWindow(Rule):
    """
    Only for some time after an object was made: ``WithinWindow(hours=24, methods=("DELETE",))``.

    Elapsed time, so a day is 24 hours also when the clocks change. ``code`` is what a
    client reads when the window is closed.
    """

    def __init__(
        self,
        *,
        hours: float,
        methods: tuple[str, ...],
        field: str = "created_at",
        code: str = "permission_denied",
    ) -> None:
        self.window = timedelta(hours=hours)
        self.methods = methods
        self.field = field
        self.code = code
        self.message = f"This is possible for {hours:g} hours only."

    def rows(self, user: Any, model: type[Model], *, method: str = "GET") -> Q:
        if method not in self.methods:
            return EVERY_ROW
        return Q(**{f"{self.field}__gte": timezone.now() - self.window})

    def holds(self, user: Any, obj: Any, *, method: str = "GET") -> bool:
        if method not in self.methods:
            return True
        opened = getattr(obj, self.field)
        return opened is not None and bool(opened >= timezone.now() - self.window)
