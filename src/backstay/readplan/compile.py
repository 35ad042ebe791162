"""
From a serializer to a ``Statement``.

By allow-list: a class that is not named here, a method that is not DRF's own and a
source that is no descriptor of Django's become a ``Call``: DRF's own code on a model
instance, with the reason. Nothing is guessed, so what is shown cannot differ. A
``_Body`` compiles one serializer.

What only changes the finished body may say so and stay compiled::

    def to_representation(self, instance):
        body = super().to_representation(instance)
        finish = self.finisher()
        return finish(body) if finish else body

    to_representation.finished_by = "finisher"  # () -> (body) -> body, or None
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from django.db import models
from rest_framework import fields as drf
from rest_framework import relations, serializers

from backstay.readplan import allowed, convert, plan
from backstay.readplan.fields import TotalMixin
from backstay.readplan.paths import (
    Column,
    Guard,
    Many,
    NotCompiled,
    NotPlanned,
    One,
    Place,
    Target,
    attribute,
    key_name,
    resolve,
    slug_of,
)
from backstay.readplan.plan import Convert, Node, Statement, Value
from backstay.readplan.shapes import EMPTY, Shape, annotations_of

#: SQLite joins 64, and the queryset may have joins of its own.
MOST_TABLES = 48


def compile_serializer(serializer: Any, shape: Shape = EMPTY) -> Statement:
    """
    The plan of one ``ModelSerializer`` over a queryset of this shape.

    Raises:
        NotPlanned: only DRF itself can show this.
    """
    node = Node(serializer, Place(serializer.Meta.model), annotations=shape.annotations)
    statement = Statement(node.place.model, node)
    statement.column(key_name(node.place.model))
    _Body(shape, statement, node).fill()
    _refuse_wide(statement)
    return statement


def _refuse_wide(statement: Statement) -> None:
    """
    Raises:
        NotPlanned: one statement would join more tables than SQLite can.
    """
    joined = {path.rpartition("__")[0] for path in statement.columns}
    if len(joined) > MOST_TABLES:
        raise NotPlanned(f"it joins more than {MOST_TABLES} tables")
    for children in statement.children:
        _refuse_wide(children.statement)


@dataclass(frozen=True, slots=True)
class _Body:
    """Compiles the fields of one node."""

    #: Of the root's queryset.
    shape: Shape
    statement: Statement
    node: Node
    #: Relations that lead back, along the path to the node, to a row that is another for DRF.
    back: tuple[Any, ...] = ()

    def fill(self) -> None:
        """Have the node show what its serializer shows."""
        node = self.node
        try:
            node.finishers = tuple(allowed.finishers(node.serializer))
            allowed.refuse_own_instances(node.place.model)
        except NotCompiled as reason:
            node.opaque = str(reason)
            self.instances()
            return
        for field in node.serializer._readable_fields:  # noqa: SLF001  # As ``to_representation`` does.
            node.outs.append(self.out(field))

    def below(self, statement: Statement, node: Node, target: One | Many) -> "_Body":
        """
        What compiles the node that *target* leads to.

        Django gives a child the very parent it was read for: with the children that a
        ``Prefetch`` chose, and of the parent's own class. A join would find another.
        """
        back = target.back
        known = self.back
        if back and (self.shape.prefetches or back.related_model is not target.at.model):
            known += (back,)
        return _Body(self.shape, statement, node, known)

    def out(self, field: Any) -> plan.Out:
        try:
            return self.compiled(field)
        except NotCompiled as reason:
            return self.call(field, str(reason))

    def call(self, field: Any, why: str, method: str = "") -> plan.Call:
        self.instances()
        return plan.Call(field.field_name, field, why, method)

    def instances(self) -> None:
        """
        Have the node made into model instances too.

        Raises:
            NotPlanned: from them, code may reach a parent that would be another.
        """
        if self.back:
            raise NotPlanned("an instance leads back to one of which only DRF's knows")
        if self.node not in self.statement.instances:
            self.statement.instances.append(self.node)
            for column in self.node.place.model._meta.concrete_fields:
                self.statement.column(self.node.place.prefix + column.attname)
            for name in self.node.annotations:
                self.statement.column(name)

    # --- fields

    def compiled(self, field: Any) -> plan.Out:
        """
        Raises:
            NotCompiled: the field needs an instance.
        """
        kind = type(field)
        if getattr(kind, "get_attribute", None) is TotalMixin.get_attribute:
            return self.total(field)
        if kind is drf.SerializerMethodField:
            method = getattr(type(self.node.serializer), field.method_name, None)
            self.node.needs += getattr(method, "needs", ())
            return self.call(field, f"{field.method_name}() takes one", field.method_name)
        if kind is relations.HyperlinkedIdentityField:
            return self.link(field, attribute(self.node.place, field.lookup_field))
        if kind is drf.ModelField or allowed.own_code(field, "get_attribute"):
            raise NotCompiled(f"{kind.__name__} looks at one")
        if field.source == "*":
            if not isinstance(field, serializers.Serializer):
                raise NotCompiled('its source is "*"')
            same = Node(field, self.node.place, self.node.path, annotations=self.node.annotations)
            replace(self, node=same).fill()
            return plan.ToOne(str(field.field_name), field, same, None)
        return self.sourced(field)

    def sourced(self, field: Any) -> plan.Out:
        """A field whose class says what kind of source it takes."""
        if isinstance(field, serializers.ListSerializer):
            if allowed.own_code(field, "to_representation"):
                raise NotCompiled(f"{type(field).__name__}.to_representation is its own")
            return self.to_many(field, field.child)
        if type(field) is relations.ManyRelatedField:
            return self.to_many(field, field.child_relation)
        if isinstance(field, serializers.Serializer):
            return self.to_one(field)
        if isinstance(field, relations.RelatedField):
            target = self.one(field)
            return self.reference(field, target.key, target.follow, target.sought)
        if isinstance(field, serializers.BaseSerializer | relations.ManyRelatedField):
            raise NotCompiled(f"{type(field).__name__} is no serializer of DRF's")
        return self.plain(field)

    def plain(self, field: Any) -> Value:
        method: Any = vars(self.node.place.model).get(field.source)
        if getattr(method, "func", None) is models.Model._get_FIELD_display:  # type: ignore[attr-defined]  # noqa: SLF001  # Django's own.
            return self.choice_name(field, method.keywords["field"])
        target = resolve(self.node.place, field.source_attrs, self.node.annotations)
        if not isinstance(target, Column):
            raise NotCompiled(f"its source {field.source!r} is a relation")
        return self.value(field, target, convert.converter(field, target.field))

    def choice_name(self, field: Any, column: models.Field) -> Value:
        """``get_status_display``, where it is Django's own and the column never null."""
        if column.null or type(field) not in (drf.CharField, drf.ReadOnlyField):
            raise NotCompiled("a choice's name in an unusual field")
        path = self.node.place.prefix + column.attname
        return self.value(field, Column(path, column), convert.choice_name(field, column))

    def value(self, field: Any, column: Column, how: Convert) -> Value:
        path = self.statement.column(column.path, raw=how.bind_raw is not None)
        return Value(field.field_name, field, path, how, guards=self.guarded(column.guards))

    def guarded(self, guards: tuple[Guard, ...]) -> tuple[Guard, ...]:
        """*guards*, with their columns among those to read."""
        for guard in guards:
            self.statement.column(guard.column)
        return guards

    # --- relations

    def one(self, field: Any) -> One:
        """
        Raises:
            NotCompiled: the source is no to-one relation.
        """
        target = resolve(self.node.place, field.source_attrs)
        if not isinstance(target, One):
            raise NotCompiled(f"its source {field.source!r} is no to-one relation")
        return target

    def reference(
        self,
        field: Any,
        key: Column,
        follow: Callable[[], Place],
        sought: tuple[Guard, ...] = (),
    ) -> Value:
        """
        A row that ``follow`` leads to, shown as a key, a slug or a link.

        One that is not there is null, whatever the field's default; its key is shown.
        """
        for method in ("use_pk_only_optimization", "to_representation"):
            if allowed.own_code(field, method):
                raise NotCompiled(f"{type(field).__name__} shows it in its own way")
        guards = key.guards + sought
        if isinstance(field, relations.PrimaryKeyRelatedField):
            return self.value(field, key, _key_convert(field))
        if isinstance(field, relations.SlugRelatedField):
            slug = slug_of(field, follow())
            return self.value(field, replace(slug, guards=guards), convert.AS_READ)
        if isinstance(field, relations.HyperlinkedRelatedField) and len(field.source_attrs) == 1:
            if field.lookup_field == "pk":
                return self.link(field, key)
            return self.link(field, attribute(follow(), field.lookup_field), guards)
        raise NotCompiled(f"{type(field).__name__} takes the row itself")

    def element(self, child: Any) -> plan.Out:
        """One of many, shown as a key, a slug or a link."""
        place = self.node.place
        key: Any = attribute(place, "pk")
        try:
            return self.reference(child, key, lambda: place)
        except NotCompiled as reason:
            return self.call(child, str(reason), "to_representation")

    def link(self, field: Any, target: Target, guards: tuple[Guard, ...] = ()) -> Value:
        if allowed.own_code(field, "get_url"):
            raise NotCompiled(f"{type(field).__name__} makes its own links")
        if not isinstance(target, Column):
            raise NotCompiled(f"its lookup_field {field.lookup_field!r} is no column")
        how = Convert("link", lambda run: run.linker(field), plain=True)
        return self.value(field, replace(target, guards=guards), how)

    def to_one(self, field: Any) -> plan.ToOne:
        target = self.one(field)
        self.refuse_back(field.source_attrs)
        place = replace(target.follow(), guards=())
        guards = self.guarded(target.at.guards)
        column = self.statement.column(target.presence)
        node = Node(field, place, self.path(field))
        self.below(self.statement, node, target).fill()
        return plan.ToOne(field.field_name, field, node, column, guards=guards)

    def to_many(self, field: Any, child: Any) -> plan.ToMany:
        path = self.path(field)
        *steps, last = field.source_attrs
        chosen = self.shape.prefetch(path)
        target = resolve(self.node.place, [*steps, chosen.relation if chosen else last])
        if not isinstance(target, Many):
            raise NotCompiled(f"its source {field.source!r} is no to-many relation")
        allowed.refuse_unknown_manager(target.model, self.node.place.model)
        added = annotations_of(target.model._default_manager)
        self.refuse_back(steps)
        annotations = chosen.annotations if chosen else added
        node = Node(child, Place(target.model), path, annotations=annotations)
        statement = Statement(target.model, node)
        statement.column(target.link)
        body = self.below(statement, node, target)
        if isinstance(child, serializers.BaseSerializer):
            body.fill()
        else:
            node.scalar = True
            node.outs = [body.element(child)]
        children = plan.Children(statement, self.statement.column(target.key), target.link, path)
        self.statement.children.append(children)
        return plan.ToMany(field.field_name, field, children, guards=self.guarded(target.at.guards))

    def path(self, field: Any) -> str:
        """What a ``Prefetch`` of the field's source would be called at the root."""
        return "__".join([*filter(None, [self.node.path]), *field.source_attrs])

    def refuse_back(self, steps: list[str]) -> None:
        """
        Raises:
            NotPlanned: a step leads back to a row that is another for DRF; see ``below``.
        """
        place = self.node.place
        for step in steps:
            target: Any = attribute(place, step)
            if target.relation in self.back:
                raise NotPlanned("it leads back to one of which only DRF's instance knows")
            place = target.follow()

    def total(self, field: Any) -> plan.Total:
        """An aggregate over a to-many relation of the body's own row."""
        target = field.many(self.node.place)
        allowed.refuse_unknown_manager(target.model, self.node.place.model)
        key = self.statement.column(target.key)
        # One that follows a relation further has a join, which multiplies what others count.
        own = {"pk"}.union(*((one.name, one.attname) for one in target.model._meta.concrete_fields))
        further = None if field.column in own else field.column
        name = (target.model, key, target.link, further)
        totals = plan.Totals(target.model, key, target.link)
        totals = self.statement.totals.setdefault(name, totals)
        totals.aggregates.append(field.aggregate())
        totals.rows_only &= field.counts_rows
        return plan.Total(field.field_name, field, totals, len(totals.aggregates) - 1)


def _key_convert(field: Any) -> Convert:
    if field.pk_field is None:
        return convert.AS_READ
    return Convert("pk_field", lambda run: run.live(field).pk_field.to_representation)
