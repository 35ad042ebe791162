"""
A plan in words: its statements, its columns, what runs from instances and why.

Advice is about what costs a query for each object whatever the plan does: a method that
filters or counts a relation. It is read off the method's source, so what the method calls
in turn is not looked at.
"""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from typing import Any

from backstay.readplan.compile import compile_serializer
from backstay.readplan.plan import Call, Node, Out, Statement, ToMany, ToOne, Total, Value, outs
from backstay.readplan.shapes import EMPTY, Shape

#: Methods of a relation that ask the database, and those that count.
_ASKING = frozenset(
    {
        *("aggregate", "annotate", "dates", "distinct", "earliest", "exclude", "filter", "first"),
        *("get", "in_bulk", "iterator", "last", "latest", "only", "order_by", "reverse"),
        *("values", "values_list"),
    }
)
_COUNTING = frozenset({"count", "exists"})


def explain(serializer: type[Any] | Any, shape: Shape = EMPTY) -> str:
    """
    The plan of a serializer class, or of an instance, in words.

    Raises:
        NotPlanned: DRF itself shows all of it; the text says why.
    """
    made = serializer() if isinstance(serializer, type) else serializer
    return told(compile_serializer(made, shape))


def told(statement: Statement) -> str:
    """A plan in words; lines with ``!`` are advice."""
    name = type(statement.node.serializer).__name__
    lines = [f"{name}: {count_of(statement)}", *_statement(statement, "")]
    return "\n".join(lines + [f"! {line}" for line in advice(statement)])


def count_of(statement: Statement) -> str:
    """How many queries it is, as far as the plan knows."""
    number = _queries(statement)
    calls = any(isinstance(out, Call) for _, out in outs(statement.node)) or statement.instances
    more = ", and those of what runs from instances" if calls else ""
    return f"{number} {'query' if number == 1 else 'queries'} for any number of rows{more}"


def advice(statement: Statement) -> Iterator[str]:
    """What costs a query for each object, and what to do about it."""
    for node, out in outs(statement.node):
        if isinstance(out, Call) and out.method:
            method = getattr(type(node.serializer), out.method, None)
            where = f"{type(node.serializer).__name__}.{out.method}()"
            for source, name in asking_for_each(method):
                if name in _COUNTING:
                    hint = "declare a CountField"
                else:
                    hint = "choose in Python from .all(), which is loaded for all objects at once"
                yield f"{where}: {source}.{name}() is a query for each object; {hint}."


def asking_for_each(method: Any) -> Iterator[tuple[str, str]]:
    """``("order.items", "filter")`` for each such call in the method's source."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(method)))
    except (OSError, TypeError, SyntaxError):
        return  # No source to read: nothing to say.
    function = tree.body[0]
    arguments = getattr(getattr(function, "args", None), "args", [])
    if len(arguments) < 2:
        return
    of = arguments[1].arg
    for call in ast.walk(tree):
        called = getattr(call, "func", None)
        if isinstance(call, ast.Call) and isinstance(called, ast.Attribute):
            source = _attribute_of(called.value, of)
            if source and called.attr in _ASKING | _COUNTING:
                yield source, called.attr


def _attribute_of(value: ast.expr, name: str) -> str | None:
    """``order.items`` as text, also with ``.all()``; ``None`` for what is not of the argument."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Attribute):
        return _attribute_of(value.func.value, name) if value.func.attr == "all" else None
    text = ast.unparse(value)
    return text if isinstance(value, ast.Attribute) and text.startswith(f"{name}.") else None


def _queries(statement: Statement) -> int:
    below = sum(_queries(children.statement) for children in statement.children)
    totals = [one for one in statement.totals.values() if one.children_of(statement) is None]
    return 1 + len(totals) + below


def _statement(statement: Statement, pad: str) -> Iterator[str]:
    yield f"{pad}{statement.model.__name__}: {', '.join(statement.columns)}"
    yield from _node(statement.node, statement, pad + "  ")


def _node(node: Node, statement: Statement, pad: str) -> Iterator[str]:
    if node.opaque:
        yield f"{pad}all of it from an instance: {node.opaque}"
        return
    for out in node.outs:
        yield f"{pad}{out.name or 'each'}: {_how(out, statement)}"
        if isinstance(out, ToOne):
            yield from _node(out.node, statement, pad + "  ")
        elif isinstance(out, ToMany):
            yield from _statement(out.children.statement, pad + "  ")


def _how(out: Out, statement: Statement) -> str:
    if isinstance(out, Value):
        return f"{out.column}, {out.convert.label}"
    if isinstance(out, ToOne):
        return "joined" if out.column else "of the same row"
    if isinstance(out, ToMany):
        return f"one query by {out.children.link}"
    if isinstance(out, Total):
        if out.totals.children_of(statement) is not None:
            return f"the number of {out.totals.model.__name__} that are read anyway"
        return f"one grouped query of {out.totals.model.__name__} by {out.totals.link}"
    return f"from an instance: {out.why}" if isinstance(out, Call) else ""
