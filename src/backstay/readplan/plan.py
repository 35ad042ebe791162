"""
What a serializer is compiled to. Nothing here runs a query or knows DRF.

A ``Statement`` is one SQL query: a model and the columns it has to return, named by
their paths in the ORM (``customer__name``). A ``Node`` is one serializer over some of
these columns, an ``Out`` one key of what it shows. To-one relations are joined, so their
nodes read the same row; each to-many relation is a statement of its own, matched by key.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from django.db.models import Aggregate, Model

if TYPE_CHECKING:
    from backstay.readplan.run import Run

#: What a field makes of a value that is not null.
Converter = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Convert:
    """How a field shows a column; ``bind`` is called once for each run."""

    label: str
    bind: "Callable[[Run], Converter]"
    #: Whether the result is a string, an integer or a boolean, whatever the value.
    plain: bool = False
    #: The same from what the database itself has, in UTC (see ``sql.Raw``), where that is possible.
    from_raw: Converter | None = None


@dataclass(slots=True, eq=False)
class Statement:
    """One SQL query, and the node that its rows become."""

    model: type[Model]
    columns: list[str] = field(default_factory=list)
    children: "list[Children]" = field(default_factory=list)
    totals: "list[Totals]" = field(default_factory=list)
    #: Nodes that need model instances.
    instances: "list[Node]" = field(default_factory=list)
    #: Columns that nobody needs as more than what the database itself has.
    raw: set[str] = field(default_factory=set)
    _node: "Node | None" = None

    @property
    def node(self) -> "Node":
        if self._node is None:
            raise RuntimeError("A statement that is still being compiled has no node.")
        return self._node

    @node.setter
    def node(self, node: "Node") -> None:
        self._node = node

    def column(self, path: str) -> str:
        """Have *path* among the columns."""
        if path not in self.columns:
            self.columns.append(path)
        return path


@dataclass(slots=True, eq=False)
class Node:
    """One serializer over columns that begin with ``prefix``."""

    serializer: Any
    model: type[Model]
    #: ``""`` or ``"customer__"``.
    prefix: str = ""
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


@dataclass(frozen=True, slots=True)
class Guard:
    """A step to a row that may not be there, and the column that tells."""

    column: str
    #: A foreign key that is null, at which DRF takes the field's default; a reverse
    #: one-to-one relation without a row is null for DRF, whatever the default.
    by_default: bool


@dataclass(slots=True, eq=False)
class Out:
    """One key of a body."""

    name: str
    field: Any
    guards: tuple[Guard, ...] = ()


@dataclass(slots=True, eq=False)
class Value(Out):
    """A column, converted."""

    column: str = ""
    convert: Convert | None = None


@dataclass(slots=True, eq=False)
class ToOne(Out):
    """A nested body from the same row; null where ``column`` is. No column: always there."""

    node: Node | None = None
    column: str | None = None


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

    children: Children | None = None


@dataclass(slots=True, eq=False)
class Totals:
    """Aggregates over one to-many relation: one grouped query for all of them."""

    model: type[Model]
    key: str
    link: str
    #: Follows a relation further, whose join multiplies what others count: it stays alone.
    alone: bool = False
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

    totals: Totals | None = None
    index: int = 0


@dataclass(slots=True, eq=False)
class Call(Out):
    """Left to DRF, on a model instance."""

    why: str = ""
    #: The name of the serializer's method, or of the field's; ``""``: as DRF does it.
    method: str = ""


def outs(statement: Statement) -> Iterator[tuple[Node, Out]]:
    """Every key of every body of a plan, and where it is."""
    yield from _outs(statement.node)


def _outs(node: Node) -> Iterator[tuple[Node, Out]]:
    for out in node.outs:
        yield node, out
        if isinstance(out, ToOne) and out.node is not None:
            yield from _outs(out.node)
        elif isinstance(out, ToMany) and out.children is not None:
            yield from outs(out.children.statement)
