"""What one reading is of: the serializer at hand, its context, the ``Prefetch`` objects."""

import copy
from collections.abc import Callable
from typing import Any

from django.db.models import Prefetch
from rest_framework.relations import PKOnlyObject

from backstay.readplan import sql


class Run:
    """One reading: the serializer at hand, its context, the ``Prefetch`` objects in force."""

    def __init__(
        self, template: Any, serializer: Any, prefetches: dict[str, Prefetch], using: str
    ) -> None:
        self.serializer = serializer
        self.context = serializer.context
        self.prefetches = prefetches
        self.using = using
        #: Whether columns may be as the database itself has them.
        self.reads_raw = sql.reads_raw(using)
        #: Whether nothing was shown that encoders of JSON write in different ways.
        self.plain = True
        self._own = template is serializer
        self._live = {id(template): serializer}

    def live(self, template: Any) -> Any:
        """
        The plan's own field or serializer, as a part of the serializer of this run.

        A copy beneath the live parent, since DRF's ``fields`` would copy all of them in depth.
        A plan that was compiled for this run alone has the live ones.
        """
        if self._own:
            return template
        if id(template) not in self._live:
            parent = self.live(template.parent)
            if id(template) not in self._live:  # It may have come with its parent.
                self._adopt(template, parent)
        return self._live[id(template)]

    def linker(self, template: Any) -> Callable[[Any], Any]:
        """From a key to the link that a hyperlinked field makes of it."""
        field, known = self.live(template), {}

        def link(value: Any) -> Any:
            if value not in known:
                # Of a saved row, whatever is looked up; none without a key has a link.
                stub = PKOnlyObject(pk=1)
                setattr(stub, field.lookup_field, value)
                known[value] = field.to_representation(stub)
            return known[value]

        return link

    def _adopt(self, template: Any, parent: Any) -> Any:
        found = self._live[id(template)] = copy.copy(template)
        found.parent = parent
        vars(found).pop("fields", None)  # DRF makes them anew if someone asks.
        for name in ("child", "child_relation"):
            inner = vars(found).get(name)
            if inner is not None:
                setattr(found, name, self._adopt(inner, found))
        return found
