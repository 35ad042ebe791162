"""Who calls, what there is to be found, and what was found that should not be."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

#: The key of an object, as it stands in paths and bodies.
Id = int | str


class IncompleteWalk(AssertionError):
    """The walk would prove less than it seems to; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Someone who calls; ``client`` makes their Django or DRF test client."""

    name: str
    client: Callable[[], Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """
    One kind of object.

    ``name`` is the path segment before its id: ``orders`` of ``/orders/{id}/``.
    ``foreign`` is an object that only the actors in ``seen_by`` may see, ``missing``
    an id that none has. ``visible`` is one that every actor may see, or one for each
    actor by name; it fills the other places of a path and a body. ``references`` are
    the names by which bodies and query parameters mean one: ``customer`` stands for
    ``customer``, ``customer_id`` and the plurals of both. ``finders`` are query
    parameters that would find the foreign one in a list: ``{"search": "its title"}``.
    """

    name: str
    foreign: Id
    missing: Id = 987_654_321
    seen_by: Collection[str] = ()
    visible: Id | Mapping[str, Id] | None = None
    references: Collection[str] = ()
    finders: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.foreign) is not type(self.missing):
            raise ValueError(f"{self.name}: foreign and missing ids must be of one type.")

    def hidden_from(self, actor: str) -> bool:
        return actor not in self.seen_by

    def visible_to(self, actor: str) -> Id | None:
        if isinstance(self.visible, Mapping):
            return self.visible.get(actor)
        return self.visible

    def is_meant_by(self, name: str) -> bool:
        """Whether a query parameter or a member of a body called *name* holds its id."""
        endings = ("", "_id", "s", "_ids")
        return any(
            name == reference + ending for reference in self.references for ending in endings
        )


@dataclass(frozen=True, slots=True)
class Leak:
    """One request that tells *actor* of an object that is not theirs to know of."""

    route: str
    method: str
    actor: str
    what: str

    def __str__(self) -> str:
        return f"{self.method} {self.route} as {self.actor}: {self.what}"


@dataclass(frozen=True, slots=True)
class Call:
    """One request as data."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
