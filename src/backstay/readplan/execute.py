"""
From rows to bodies: columns in, columns out.

Each statement's rows are turned on their side once. A node then makes one column of
each of its keys, whole columns at a time, and turns those back into dicts. No model
instance is made but where a ``Call`` needs one, and then of the same row.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from functools import cache, partial
from typing import Any
from uuid import UUID

from django.db.models import Model, Prefetch, prefetch_related_objects
from rest_framework.fields import SkipField
from rest_framework.relations import PKOnlyObject

from backstay.readplan import peers, plan, sql
from backstay.readplan.paths import Guard, key_name
from backstay.readplan.run import Run

Column = Sequence[Any]

#: In place of the value of a key that is left out.
ABSENT = object()

#: What orjson writes as DRF does; a float it writes alike within these bounds.
_PLAIN = {str, int, bool, type(None), UUID, datetime}
_LEAST, _MOST = 1e-4, 1e16


def read(
    statement: plan.Statement, columns: Mapping[str, Column], run: Run, raw: Collection[str]
) -> list[Any]:
    """What its node shows of rows, given by column; *raw* are as the database has them."""
    if not any(columns.values()):  # There is no row.
        return []
    return list(_Table(statement, columns, run, raw).shown(statement.node))


class _Table:
    """The rows of one statement, by column, and what belongs to them."""

    def __init__(
        self,
        statement: plan.Statement,
        columns: Mapping[str, Column],
        run: Run,
        raw: Collection[str],
    ) -> None:
        self.statement = statement
        self.run = run
        self.raw = raw
        self.columns = columns
        self.size = len(next(iter(columns.values())))
        self.made = {id(node): self._instances(node) for node in statement.instances}
        self.children = {id(one): self._children(one) for one in statement.children}
        self.totals = {id(one): self._totals(one) for one in statement.totals.values()}

    # --- bodies

    def shown(self, node: plan.Node, present: Column | None = None) -> Column:
        """A body for each row; ``None`` where *present*, a column, is null."""
        if node.opaque:
            live = self.run.live(node.serializer)
            represent = partial(type(live).to_representation, live)
            made = [None if one is None else represent(one) for one in self.made[id(node)]]
            self._look_at(made)
            return made
        calls = self._calls(node)
        outputs = [
            calls[id(out)] if isinstance(out, plan.Call) else self._output(out, present)
            for out in node.outs
        ]
        if node.scalar:
            return outputs[0]
        bodies = self._bodies(node, outputs)
        if present is not None and None in present:
            bodies = [
                None if key is None else body for key, body in zip(present, bodies, strict=True)
            ]
        for name in node.finishers:
            finish = getattr(self.run.live(node.serializer), name)()
            if finish is not None:
                bodies = [None if body is None else finish(body) for body in bodies]
                self._look_at(bodies)
        return bodies

    def _bodies(self, node: plan.Node, outputs: list[Column]) -> list[dict[str, Any] | None]:
        names = [out.name for out in node.outs]
        if not names:
            return [{} for _ in range(self.size)]
        bodies: list[Any] = dicts_of(len(names))(outputs, *names)
        for out, output in zip(node.outs, outputs, strict=True):
            if out.guards or isinstance(out, plan.Call):
                for body, value in zip(bodies, output, strict=True):
                    if value is ABSENT:
                        del body[out.name]
        return bodies

    def _output(self, out: plan.Out, present: Column | None) -> Column:
        """One key of every body."""
        output = self._values(out, present)
        broken = [guard for guard in out.guards if None in self.columns[guard.column]]
        if not broken:
            return output
        shown = list(output)
        for index in range(self.size):
            if present is not None and present[index] is None:
                continue  # There is no body, and so nothing missing in it.
            for guard in broken:
                if self.columns[guard.column][index] is None:
                    shown[index] = self._missing(out, guard)
                    break
        return shown

    def _values(self, out: plan.Out, present: Column | None) -> Column:
        if isinstance(out, plan.Value):
            return self._converted(out)
        if isinstance(out, plan.ToOne):
            return self.shown(out.node, self.columns[out.column] if out.column else present)
        if isinstance(out, plan.ToMany):
            found = self.children[id(out.children)]
            return [found.get(key) or [] for key in self.columns[out.children.key]]
        if isinstance(out, plan.Total):
            counted = self.totals[id(out.totals)]
            represent = self.run.live(out.field).to_representation
            nothing = (0,) * (out.index + 1)
            keys = self.columns[out.totals.key]
            shown = [represent(counted.get(key, nothing)[out.index] or 0) for key in keys]
            self._look_at(shown)
            return shown
        raise TypeError(f"{type(out).__name__} has no values.")

    def _converted(self, out: plan.Value) -> Column:
        shown, how = self.columns[out.column], out.convert
        bind = how.bind_raw if how.bind_raw and out.column in self.raw else how.bind
        function = bind(self.run)
        if function is not None:
            shown = [None if value is None else function(value) for value in shown]
        if not how.plain:
            self._look_at(shown)
        return shown

    def _missing(self, out: plan.Out, guard: Guard) -> Any:
        """What DRF shows where a step of the source leads to nothing."""
        if not guard.by_default:
            return None
        shown = represent(self.run.live(out.field), None)
        self._look_at([shown])
        return shown

    # --- what belongs to the rows

    def _children(self, children: plan.Children) -> dict[Any, list[Any]]:
        """Bodies by the key of their parent."""
        keys = {*self.columns[children.key]} - {None}
        if not keys:
            return {}
        given = self.run.prefetches.get(children.path)
        queryset = None if given is None else given.queryset
        may_be_raw = self.run.reads_raw and (queryset is None or sql.may_be_raw(queryset))
        raw = children.statement.raw if may_be_raw else ()
        rows = sql.child_columns(children, queryset, keys, raw, self.run.using)
        found: defaultdict[Any, list[Any]] = defaultdict(list)
        if rows:
            columns = dict(zip(children.statement.columns, rows, strict=True))
            bodies = read(children.statement, columns, self.run, raw)
            for key, body in zip(columns[children.link], bodies, strict=True):
                found[key].append(body)
        return found

    def _totals(self, totals: plan.Totals) -> dict[Any, tuple[Any, ...]]:
        children = totals.children_of(self.statement)
        if children is not None and children.path not in self.run.prefetches:
            width = len(totals.aggregates)
            found = self.children[id(children)]
            return {key: (len(bodies),) * width for key, bodies in found.items()}
        keys = {*self.columns[totals.key]} - {None}
        grouped = (totals.model._default_manager, totals.link, totals.aggregates)
        return sql.totals(grouped, keys, self.run.using, totals.kept)

    def _calls(self, node: plan.Node) -> dict[int, Column]:
        """
        The columns that DRF makes of instances.

        An instance at a time, as DRF does: one method may leave something for the next.
        """
        calls = [out for out in node.outs if isinstance(out, plan.Call)]
        if not calls:
            return {}
        functions = [self._function(call) for call in calls]
        nothing = [None] * len(calls)
        made = [
            nothing if one is None else [function(one) for function in functions]
            for one in self.made[id(node)]
        ]
        columns = list(zip(*made, strict=True))
        for column in columns:
            self._look_at(column)
        return {id(call): column for call, column in zip(calls, columns, strict=True)}

    def _function(self, call: plan.Call) -> Callable[[Any], Any]:
        field = self.run.live(call.field)
        if call.method == "to_representation":
            return field.to_representation  # type: ignore[no-any-return]  # Of DRF's.
        if call.method:
            return getattr(field.parent, call.method)  # type: ignore[no-any-return]  # Of the user's.
        return partial(represent, field)

    def _instances(self, node: plan.Node) -> list[Any]:
        """An instance for each row; ``None`` where a relation is empty."""
        model = node.place.model
        names = [column.attname for column in model._meta.concrete_fields]
        picked = [self.columns[node.place.prefix + name] for name in names]
        present = self.columns[node.place.presence or key_name(model)]
        made: list[Any] = [
            None if key is None else model.from_db(self.run.using, names, values)
            for key, values in zip(present, zip(*picked, strict=True), strict=True)
        ]
        there = [one for one in made if one is not None]
        for name in node.annotations:
            for one, value in zip(made, self.columns[name], strict=True):
                setattr(one, name, value)
        peers.join(there)
        lookups: list[Any] = [*_lookups_below(self.run.prefetches.values(), node.path), *node.needs]
        if lookups:
            prefetch_related_objects(there, *lookups)
        return made

    def _look_at(self, values: Iterable[Any]) -> None:
        """Note what encoders of JSON may write in different ways."""
        if self.run.plain:
            self.run.plain = all(map(plain, values))


@cache
def dicts_of(size: int) -> Callable[..., list[dict[str, Any]]]:
    """
    ``(columns, *names)`` to dicts with so many keys, as somebody would write it by hand.

    Of two it is ``lambda columns, k0, k1: [{k0: v0, k1: v1} for v0, v1, in zip(*columns)]``,
    which takes half the time of ``dict(zip(names, values))`` and less.
    """
    keys, values = [[f"{letter}{index}" for index in range(size)] for letter in "kv"]
    pairs = ", ".join(map("{}: {}".format, keys, values))
    text = f"[{{{pairs}}} for {', '.join(values)}, in zip(*columns)]"
    made: Callable[..., list[dict[str, Any]]] = eval(f"lambda columns, {', '.join(keys)}: {text}")  # noqa: S307  # Made of numbers only.
    return made


def plain(value: Any) -> bool:
    """Whether every encoder of JSON writes *value* alike."""
    kind = type(value)
    if kind in _PLAIN:
        return True
    if kind is float:
        return bool(value == 0 or _LEAST <= abs(value) < _MOST)
    if kind is Decimal:  # A float for DRF's encoder.
        return value.is_finite() and plain(float(value))
    if kind is dict:
        return all(type(key) is str and plain(inner) for key, inner in value.items())
    if kind is list or kind is tuple:
        return all(map(plain, value))
    return value is ABSENT


def represent(field: Any, instance: Model | None) -> Any:
    """What DRF's ``Serializer.to_representation`` does for one field."""
    try:
        attribute = field.get_attribute(instance)
    except SkipField:
        return ABSENT
    value = attribute.pk if isinstance(attribute, PKOnlyObject) else attribute
    return None if value is None else field.to_representation(attribute)


def _lookups_below(prefetches: Iterable[Prefetch], path: str) -> Iterable[Prefetch]:
    """``Prefetch`` objects of the root's queryset, as seen from one of its nodes."""
    for prefetch in prefetches:
        if not path:
            yield prefetch
        elif prefetch.prefetch_through.startswith(path + "__"):
            through = prefetch.prefetch_through[len(path) + 2 :]
            renamed = prefetch.prefetch_to != prefetch.prefetch_through
            yield Prefetch(through, prefetch.queryset, prefetch.to_attr if renamed else None)
