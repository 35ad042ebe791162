"""
From a serializer to a ``Statement``.

By allow-list: a class that is not named here, a method that is not DRF's own and a
source that is no descriptor of Django's become a ``Call``: DRF's own code on a model
instance, with the reason. Nothing is guessed, so what is shown cannot differ. The methods
of ``_Compiler`` are one recursion over a tree of serializers, which is why they are together.

What only changes the finished body may say so and stay compiled::

    def to_representation(self, instance):
        body = super().to_representation(instance)
        finish = self.finisher()
        return finish(body) if finish else body

    to_representation.finished_by = "finisher"  # () -> (body) -> body, or None
"""

from typing import Any

from django.db import models
from rest_framework import fields as drf
from rest_framework import relations, serializers

from backstay.readplan import convert
from backstay.readplan.allowed import (
    finishers,
    own_code,
    refuse_own_instances,
    refuse_unknown_manager,
)
from backstay.readplan.fields import TotalMixin
from backstay.readplan.paths import (
    Column,
    Many,
    NotCompiled,
    NotPlanned,
    One,
    Place,
    Target,
    attribute,
    key_of,
    resolve,
    slug_of,
)
from backstay.readplan.plan import (
    Call,
    Children,
    Convert,
    Node,
    Out,
    Statement,
    ToMany,
    ToOne,
    Total,
    Totals,
    Value,
)
from backstay.readplan.shapes import EMPTY, Shape, annotations_of

#: SQLite joins 64, and the queryset may have joins of its own.
MOST_TABLES = 48

#: Of any other, DRF's code would take the name of a file for the file.
FILES = (drf.FileField, drf.ImageField)


def compile_serializer(serializer: Any, shape: Shape = EMPTY) -> Statement:
    """
    The plan of one ``ModelSerializer`` over a queryset of this shape.

    Raises:
        NotPlanned: only DRF itself can show this.
    """
    model: type[models.Model] = serializer.Meta.model
    statement = _Compiler(shape).statement(serializer, model, "", shape)
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


class _Compiler:
    """Compiles one tree; ``shape`` is that of the root's queryset."""

    def __init__(self, shape: Shape) -> None:
        self.prefetches = dict(shape.prefetches)
        self.attributes = dict(shape.attributes)
        #: The relations that lead back along the path to the node being compiled, and
        #: whether to another class than theirs: that of a child table, or a proxy.
        self.back: list[tuple[Any, bool]] = []

    def statement(
        self, serializer: Any, model: type[models.Model], path: str, shape: Shape
    ) -> Statement:
        statement = Statement(model)
        if model._meta.pk is not None:
            statement.column(model._meta.pk.attname)
        statement.node = self.node(statement, serializer, Place(model), path, shape.annotations)
        return statement

    # --- bodies

    def node(
        self,
        statement: Statement,
        serializer: Any,
        place: Place,
        path: str,
        annotations: tuple[str, ...] = (),
    ) -> Node:
        node = Node(serializer, place.model, place.prefix, path, annotations=annotations)
        try:
            node.finishers = tuple(finishers(serializer))
            refuse_own_instances(place.model)
        except NotCompiled as reason:
            node.opaque = str(reason)
            self.instances(statement, node)
            return node
        for field in serializer._readable_fields:  # noqa: SLF001  # As ``to_representation`` does.
            node.outs.append(self.out(statement, node, field))
        return node

    def instances(self, statement: Statement, node: Node) -> None:
        """
        Have *node* made into model instances too.

        Raises:
            NotPlanned: from them, code may reach a parent that would be another; see ``_Back``.
        """
        for known, other_class in self.back:
            if other_class or (known and self.prefetches):
                raise NotPlanned("an instance leads back to one of which only DRF's knows")
        if node not in statement.instances:
            statement.instances.append(node)
            for column in node.model._meta.concrete_fields:
                statement.raw.discard(statement.column(node.prefix + column.attname))
            for name in node.annotations:
                statement.column(name)

    def out(self, statement: Statement, node: Node, field: Any) -> Out:
        try:
            return self.compiled(statement, node, field)
        except NotCompiled as reason:
            return self.call(statement, node, field, str(reason))

    def call(
        self, statement: Statement, node: Node, field: Any, why: str, method: str = ""
    ) -> Call:
        self.instances(statement, node)
        return Call(field.field_name, field, why=why, method=method)

    # --- fields

    def compiled(self, statement: Statement, node: Node, field: Any) -> Out:
        """
        Raises:
            NotCompiled: the field needs an instance.
        """
        kind = type(field)
        if getattr(kind, "get_attribute", None) is TotalMixin.get_attribute:
            return self.total(statement, node, field)
        if kind is drf.SerializerMethodField:
            why = f"{field.method_name}() takes one"
            method = getattr(type(node.serializer), field.method_name, None)
            node.needs += getattr(method, "needs", ())
            return self.call(statement, node, field, why, field.method_name)
        if kind is relations.HyperlinkedIdentityField:
            return self.link(statement, node, field, attribute(_place(node), field.lookup_field))
        if kind is drf.ModelField or own_code(field, "get_attribute"):
            raise NotCompiled(f"{kind.__name__} looks at one")
        if field.source == "*":
            if not isinstance(field, serializers.Serializer):
                raise NotCompiled('its source is "*"')
            own = self.node(statement, field, _place(node), node.path, node.annotations)
            return ToOne(str(field.field_name), field, node=own)
        return self.sourced(statement, node, field)

    def sourced(self, statement: Statement, node: Node, field: Any) -> Out:
        """A field whose class says what kind of source it takes."""
        if isinstance(field, serializers.ListSerializer):
            if own_code(field, "to_representation"):
                raise NotCompiled(f"{type(field).__name__}.to_representation is its own")
            return self.to_many(statement, node, field, field.child)
        if type(field) is relations.ManyRelatedField:
            return self.to_many(statement, node, field, field.child_relation)
        if isinstance(field, serializers.Serializer):
            return self.to_one(statement, node, field)
        if isinstance(field, relations.RelatedField):
            return self.related(statement, node, field)
        if isinstance(field, serializers.BaseSerializer | relations.ManyRelatedField):
            raise NotCompiled(f"{type(field).__name__} is no serializer of DRF's")
        return self.plain(statement, node, field)

    def plain(self, statement: Statement, node: Node, field: Any) -> Value:
        if display := self.display(node, field):
            return self.value(statement, field, *display)
        target = resolve(_place(node), field.source_attrs, node.annotations)
        if not isinstance(target, Column):
            raise NotCompiled(f"its source {field.source!r} is a relation")
        if isinstance(target.field, models.FileField) and type(field) not in FILES:
            raise NotCompiled("a file in a field that is no FileField of DRF's")
        return self.value(statement, field, target, convert.converter(field, target.field))

    def display(self, node: Node, field: Any) -> tuple[Column, Convert] | None:
        """``get_status_display``, where it is Django's own and the column never null."""
        name = field.source_attrs[-1]
        method: Any = vars(node.model).get(name)
        if len(field.source_attrs) > 1 or (
            getattr(method, "func", None) is not models.Model._get_FIELD_display  # type: ignore[attr-defined]  # noqa: SLF001  # Django's own.
        ):
            return None
        column = method.keywords["field"]
        if column.null or type(field) not in (drf.CharField, drf.ReadOnlyField):
            raise NotCompiled("a choice's name in an unusual field")
        return Column(node.prefix + column.attname, column), convert.choice_name(field, column)

    def value(self, statement: Statement, field: Any, column: Column, how: Convert | None) -> Value:
        from_raw = how is not None and how.from_raw is not None
        if from_raw and column.path not in statement.columns:
            statement.raw.add(column.path)
        elif not from_raw:
            statement.raw.discard(column.path)
        guards = self.guarded(statement, column)
        return Value(
            field.field_name, field, guards, column=statement.column(column.path), convert=how
        )

    def guarded(self, statement: Statement, target: Any) -> tuple[Any, ...]:
        """The guards on the way to *target*, with their columns among those to read."""
        guards: tuple[Any, ...] = target.guards if isinstance(target, Column) else target.at.guards
        for guard in guards:
            statement.raw.discard(statement.column(guard.column))
        return guards

    # --- relations

    def related(self, statement: Statement, node: Node, field: Any) -> Value:
        """A to-one relation shown as a key, a slug or a link."""
        kind = type(field)
        if own_code(field, "use_pk_only_optimization") or own_code(field, "to_representation"):
            raise NotCompiled(f"{kind.__name__} shows it in its own way")
        target = resolve(_place(node), field.source_attrs)
        if isinstance(field, relations.PrimaryKeyRelatedField):
            return self.value(statement, field, key_of(target), _key_convert(field))
        if not isinstance(target, One):
            raise NotCompiled(f"its source {field.source!r} is no to-one relation")
        if isinstance(field, relations.SlugRelatedField):
            slug = slug_of(field, target.follow())
            # A relation without a row is null, whatever the field's default.
            shown = Column(slug.path, slug.field, target.at.guards)
            return self.value(statement, field, shown, None)
        if isinstance(field, relations.HyperlinkedRelatedField) and len(field.source_attrs) == 1:
            if field.lookup_field == "pk":
                return self.link(statement, node, field, target.key)
            return self.link(statement, node, field, attribute(target.follow(), field.lookup_field))
        raise NotCompiled(f"{kind.__name__} takes the related one")

    def link(self, statement: Statement, node: Node, field: Any, target: Target) -> Value:
        if own_code(field, "get_url") or own_code(field, "to_representation"):
            raise NotCompiled(f"{type(field).__name__} makes its own links")
        if not isinstance(target, Column):
            raise NotCompiled(f"its lookup_field {field.lookup_field!r} is no column")
        how = Convert("link", lambda run: run.linker(field), plain=True)
        return self.value(statement, field, Column(target.path, target.field), how)

    def to_one(self, statement: Statement, node: Node, field: Any) -> ToOne:
        target = resolve(_place(node), field.source_attrs)
        if not isinstance(target, One):
            raise NotCompiled(f"its source {field.source!r} is no to-one relation")
        self.refuse_back(node, field.source_attrs)
        place = target.follow()
        guards = self.guarded(statement, target)
        column = statement.column(target.presence)
        statement.raw.discard(column)
        path = "__".join([*filter(None, [node.path]), *field.source_attrs])
        with _Back(self, target, backwards(target.relation)):
            inside = Place(place.model, place.prefix)
            nested = self.node(statement, field, inside, path)
        return ToOne(field.field_name, field, guards, node=nested, column=column)

    def to_many(self, statement: Statement, node: Node, field: Any, child: Any) -> ToMany:
        path = "__".join([*filter(None, [node.path]), *field.source_attrs])
        *steps, last = field.source_attrs
        relation = self.attributes.get(path, last).rsplit("__", 1)[-1]
        target = resolve(_place(node), [*steps, relation])
        if not isinstance(target, Many):
            raise NotCompiled(f"its source {field.source!r} is no to-many relation")
        refuse_unknown_manager(target.model, node.model)
        children = Children(Statement(target.model), target.key, target.link, path)
        inner = children.statement
        inner.column(target.link)
        added = annotations_of(target.model._default_manager)
        shape = self.prefetches.get(path, Shape(annotations=added))
        self.refuse_back(node, steps)
        with _Back(self, target, target.back):
            if isinstance(child, serializers.BaseSerializer):
                inner.node = self.node(inner, child, Place(target.model), path, shape.annotations)
            else:
                inner.node = Node(child, target.model, path=path, scalar=True)
                inner.node.outs = [self.element(inner, inner.node, child)]
        guards = self.guarded(statement, target)
        statement.raw.discard(statement.column(target.key))
        statement.children.append(children)
        return ToMany(field.field_name, field, guards, children=children)

    def refuse_back(self, node: Node, steps: list[str]) -> None:
        """
        Raises:
            NotPlanned: a step leads back to a row that is another for DRF; see ``_Back``.
        """
        place = _place(node)
        for step in steps:
            target = attribute(place, step)
            if not isinstance(target, One):  # Of many rows, which are nobody's parent.
                return
            for known, other_class in self.back:
                if known == target.relation and (self.prefetches or other_class):
                    raise NotPlanned("it leads back to one of which only DRF's instance knows")
            place = target.follow()

    def element(self, statement: Statement, node: Node, child: Any) -> Out:
        """One of many, shown as a key, a slug or a link."""
        kind, place = type(child), Place(node.model)
        try:
            if own_code(child, "to_representation"):
                raise NotCompiled(f"{kind.__name__} shows it in its own way")
            if isinstance(child, relations.PrimaryKeyRelatedField):
                key: Any = attribute(place, "pk")
                return self.value(statement, child, key, _key_convert(child))
            if isinstance(child, relations.SlugRelatedField):
                return self.value(statement, child, slug_of(child, place), None)
            if isinstance(child, relations.HyperlinkedRelatedField):
                target = attribute(place, child.lookup_field)
                return self.link(statement, node, child, target)
            raise NotCompiled(f"{kind.__name__} takes one")
        except NotCompiled as reason:
            return self.call(statement, node, child, str(reason), "to_representation")

    def total(self, statement: Statement, node: Node, field: Any) -> Total:
        """An aggregate over a to-many relation of the body's own row."""
        target = field.many(_place(node))
        refuse_unknown_manager(target.model, node.model)
        key = statement.column(target.key)
        statement.raw.discard(key)
        alone = not _own_column(target.model, field.column)
        for totals in statement.totals:
            same = (totals.model, totals.key, totals.link) == (target.model, key, target.link)
            if same and not totals.alone and not alone:
                break
        else:
            totals = Totals(target.model, key, target.link, alone)
            statement.totals.append(totals)
        totals.aggregates.append(field.aggregate())
        totals.rows_only &= field.counts_rows
        index = len(totals.aggregates) - 1
        return Total(field.field_name, field, totals=totals, index=index)


class _Back:
    """
    Knows what leads back while what *target* leads to is compiled.

    Django gives a child the very parent it was read for: with the children that a
    ``Prefetch`` chose, and of the parent's own class. A join would find another.
    """

    def __init__(self, compiler: _Compiler, target: One | Many, back: Any) -> None:
        self.compiler = compiler
        self.back = back, back is not None and back.related_model is not target.at.model

    def __enter__(self) -> None:
        self.compiler.back.append(self.back)

    def __exit__(self, *_: object) -> None:
        self.compiler.back.pop()


def backwards(relation: Any) -> Any:
    """What leads back over a one-to-one relation; ``None`` where nothing single does."""
    return relation.remote_field if relation.one_to_one else None


def _own_column(model: type[models.Model], name: str) -> bool:
    return name == "pk" or any(
        name in (column.name, column.attname) for column in model._meta.concrete_fields
    )


def _place(node: Node) -> Place:
    return Place(node.model, node.prefix)


def _key_convert(field: Any) -> Convert | None:
    if field.pk_field is None:
        return None
    return Convert("pk_field", lambda run: run.live(field).pk_field.to_representation)
