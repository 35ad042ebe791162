"""
What a serializer is compiled to. Nothing here runs a query or knows DRF.

A ``Statement`` is one SQL query: a model and the columns it has to return, named by
their paths in the ORM (``customer__name``). A ``Node`` is one serializer over some of
these columns, an ``Out`` one key of what it shows. To-one relations are joined, so their
nodes read the same row; each to-many relation is a statement of its own, matched by key.
"""

from collections.abc import Callable, Iterator
from dataclasses import KW_ONLY, dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Aggregate, Model

from backstay.readplan.paths import Guard, Place

if TYPE_CHECKING:
    from backstay.readplan.run import Run

#: What a field makes of a value that is not null; ``None``: nothing, it is shown as it is.
Converter = Callable[[Any], Any] | None


@dataclass(frozen=True, slots=True)
class Convert:
    """How a field shows a column; what makes a converter is called once for each run."""

    label: str
    bind: "Callable[[Run], Converter]"
    #: Whether the result is a string, an integer or a boolean, whatever the value.
    plain: bool = False
    #: The same from what the database itself has, in UTC (see ``sql.Raw``), where that is possible.
    bind_raw: "Callable[[Run], Converter] | None" = None


@dataclass(slots=True, eq=False)
class Statement:
    """One SQL query, and the node that its rows become."""

    model: type[Model]
    node: "Node"
    #: By path, whether what the database itself has is enough for all who need it.
    columns: dict[str, bool] = field(default_factory=dict)
    children: "list[Children]" = field(default_factory=list)
    #: By what they have in common.
    totals: "dict[Any, Totals]" = field(default_factory=dict)
    #: Nodes that need model instances.
    instances: "list[Node]" = field(default_factory=list)

    @property
    def raw(self) -> set[str]:
        return {path for path, raw in self.columns.items() if raw}

    def column(self, path: str, *, raw: bool = False) -> str:
        """Have *path* among the columns."""
        self.columns[path] = raw and self.columns.get(path, True)
        return path


@dataclass(slots=True, eq=False)
class Node:
    """One serializer over the columns of one place."""

    serializer: Any
    place: Place
    #: Accessors from the root, ``"items__product"``: what a ``Prefetch`` would be called.
    path: str = ""
    outs: "list[Out]" = field(default_factory=list)
    #: Methods of the serializer that finish a body, the innermost first.
    finishers: tuple[str, ...] = ()
    #: Why all of it is left to DRF, where it is.
    opaque: str = ""
    #: Whether it shows one value and not a dict: an element of a list of keys.
    scalar: bool = False
    #: Annotations of the queryset that its instances carry.
    annotations: tuple[str, ...] = ()
    #: What its methods declare to need (``needs``), loaded with its instances.
    needs: tuple[str, ...] = ()


@dataclass(slots=True, eq=False)
class Out:
    """One key of a body."""

    name: str
    field: Any
    _: KW_ONLY
    guards: tuple[Guard, ...] = ()


@dataclass(slots=True, eq=False)
class Value(Out):
    """A column, converted."""

    column: str
    convert: Convert


@dataclass(slots=True, eq=False)
class ToOne(Out):
    """A nested body from the same row; null where ``column`` is. No column: always there."""

    node: Node
    column: str | None


@dataclass(slots=True, eq=False)
class Children:
    """The statement of a to-many relation."""

    statement: Statement
    #: The parent's column, and the child's that has the same value.
    key: str
    link: str
    path: str
    #: Queries whose text is kept, by what it depends on; see ``sql``.
    kept: dict[Any, Any] = field(default_factory=dict)


@dataclass(slots=True, eq=False)
class ToMany(Out):
    """A list of nested bodies."""

    children: Children


@dataclass(slots=True, eq=False)
class Totals:
    """Aggregates over one to-many relation: one grouped query for all of them."""

    model: type[Model]
    key: str
    link: str
    aggregates: list[Aggregate] = field(default_factory=list)
    #: Whether only rows are counted, which tells nothing new of children that are read.
    rows_only: bool = True
    #: Its query, where its text is kept; see ``sql``.
    kept: dict[Any, Any] = field(default_factory=dict)

    def children_of(self, statement: Statement) -> "Children | None":
        """Where the same rows are read anyway and nothing but their number is asked for."""
        same = (self.model, self.key, self.link)
        for children in statement.children if self.rows_only else ():
            if (children.statement.model, children.key, children.link) == same:
                return children
        return None


@dataclass(slots=True, eq=False)
class Total(Out):
    """One of the aggregates."""

    totals: Totals
    index: int


@dataclass(slots=True, eq=False)
class Call(Out):
    """Left to DRF, on a model instance."""

    why: str
    #: The name of the serializer's method, or of the field's; ``""``: as DRF does it.
    method: str = ""


def outs(node: Node) -> Iterator[tuple[Node, Out]]:
    """Every key of a body and of those in it, and where it is."""
    for out in node.outs:
        yield node, out
        if isinstance(out, ToOne):
            yield from outs(out.node)
        elif isinstance(out, ToMany):
            yield from outs(out.children.statement.node)
