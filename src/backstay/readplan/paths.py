"""
Where the value of a field's ``source`` is: a column, a to-one or a to-many relation.

By allow-list: only what Django's own descriptors do is known. A property, a method or
a descriptor of another make is ``NotCompiled``, with the reason.
"""

import inspect
from dataclasses import dataclass
from typing import Any

from django.db import router
from django.db.models import Field, FileField, ForeignKey, Manager, ManyToOneRel, Model, OneToOneRel
from django.db.models.fields import related_descriptors as related
from django.db.models.fields.files import FileDescriptor, ImageFileDescriptor
from django.db.models.query_utils import DeferredAttribute

COLUMNS = (
    DeferredAttribute,
    related.ForeignKeyDeferredAttribute,
    FileDescriptor,
    ImageFileDescriptor,
)
#: What follows a relation's path in the name of a column that its own table has to tell:
#: null where no row is there. By Django itself it is the column that leads there.
JOINED_KEY = "__pk"
FORWARD = (related.ForwardManyToOneDescriptor, related.ForwardOneToOneDescriptor)


class NotCompiled(Exception):
    """The database cannot be asked for this; the text says why."""


class NotPlanned(Exception):
    """This serializer over this queryset has to be left to DRF as a whole."""


@dataclass(frozen=True, slots=True)
class Guard:
    """A step to a row that may not be there, and the column that tells."""

    column: str
    #: A foreign key that is null, at which DRF takes the field's default; a row that was
    #: looked for and is not there is null for DRF, whatever the default.
    by_default: bool


@dataclass(frozen=True, slots=True)
class Place:
    """A model that was reached, and what may be missing on the way."""

    model: type[Model]
    prefix: str = ""
    guards: tuple[Guard, ...] = ()
    #: The column that led here, where it holds the primary key: nothing has to be joined for that.
    key: str | None = None
    #: The column that is null where there is no row.
    presence: str | None = None


@dataclass(frozen=True, slots=True)
class Column:
    """``field`` is ``None`` for an annotation."""

    path: str
    field: Field | None
    guards: tuple[Guard, ...] = ()


@dataclass(frozen=True, slots=True)
class One:
    """A to-one relation, not yet followed."""

    at: Place
    relation: ForeignKey | OneToOneRel

    @property
    def model(self) -> type[Model]:
        related: Any = self.relation.related_model
        return related  # type: ignore[no-any-return]  # Of a relation that was contributed to its class.

    @property
    def name(self) -> str:
        return self.relation.name

    @property
    def key(self) -> Column:
        """
        What DRF takes for the related row's key.

        Of a foreign key that is its own value, also where it refers to another column.
        """
        if isinstance(self.relation, ForeignKey):
            path = self.at.prefix + self.relation.attname
            return Column(path, self.relation.target_field, self.at.guards)
        refuse_other_rows(self.at.model, self.model)
        return Column(self.presence, self.model._meta.pk, self.at.guards)

    @property
    def back(self) -> Any:
        """What leads back over a one-to-one relation; ``None`` where nothing single does."""
        return self.relation.remote_field if self.relation.one_to_one else None

    @property
    def presence(self) -> str:
        """The column that is null where there is no related row."""
        if isinstance(self.relation, ForeignKey):
            joined = f"{self.at.prefix}{self.name}{JOINED_KEY}"
            return self.key.path if is_held(self.relation) else joined
        return f"{self.at.prefix}{self.name}__{key_name(self.model)}"

    @property
    def sought(self) -> tuple[Guard, ...]:
        """What tells whether there is a row, where no key of ours does."""
        return () if is_held(self.relation) else (Guard(self.presence, by_default=False),)

    def follow(self) -> Place:
        """
        Raises:
            NotCompiled: the relation is over several columns, or a join would find other rows.
        """
        guards = self.at.guards
        refuse_other_rows(self.at.model, self.model)
        if isinstance(self.relation, ForeignKey):
            if len(self.relation.foreign_related_fields) != 1:
                raise NotCompiled("a relation over several columns")
            if self.relation.null:
                guards += (Guard(self.key.path, by_default=True),)
        key = self.key.path if self.key.field is self.model._meta.pk else None
        prefix = f"{self.at.prefix}{self.name}__"
        return Place(self.model, prefix, guards + self.sought, key, self.presence)


@dataclass(frozen=True, slots=True)
class Many:
    """A to-many relation: the rows of ``model`` whose ``link`` is the parent's ``key``."""

    at: Place
    model: type[Model]
    key: str
    link: str
    #: What leads back from a child to its parent, where that is one row.
    back: Field | None


Target = Column | One | Many


def resolve(place: Place, attributes: list[str], annotations: tuple[str, ...] = ()) -> Target:
    """
    Follow a source such as ``["customer", "user", "email"]``.

    Raises:
        NotCompiled: a step is none of Django's own descriptors, or leads through many rows.
    """
    *steps, last = attributes
    for step in steps:
        target = attribute(place, step)
        if not isinstance(target, One):
            raise NotCompiled(f"{step!r} is no to-one relation")
        place = target.follow()
    if last in annotations and not place.prefix and not hasattr(place.model, last):
        return Column(last, None)
    return attribute(place, last)


def is_as_read(model: type[Model], name: str) -> bool:
    """Whether an instance has, as the attribute *name*, what was read: a file is more than that."""
    kind = type(inspect.getattr_static(model, name, None))
    return kind in (DeferredAttribute, related.ForeignKeyDeferredAttribute, type(None))


def destination(model: type[Model], path: str) -> Target | None:
    """Where relations, ``"pets__owner"``, end; ``None`` where nobody knows."""
    place = Place(model)
    target: Target | None = None
    try:
        for step in path.split("__"):
            target = attribute(place, step)
            if isinstance(target, One):
                place = target.follow()
            elif isinstance(target, Many):
                place = Place(target.model)
    except NotCompiled:
        return None
    return target


def key_name(model: type[Model]) -> str:
    """The attribute of the primary key."""
    return model._meta.pk.attname if model._meta.pk else "pk"


def attribute(place: Place, name: str) -> Target:
    """One step of ``resolve``."""
    name = key_name(place.model) if name == "pk" else name
    found: Any = inspect.getattr_static(place.model, name, None)
    kind = type(found)
    if kind in COLUMNS:
        known = place.key if found.field is place.model._meta.pk else None
        return Column(known or place.prefix + found.field.attname, found.field, place.guards)
    if kind in FORWARD:
        return One(place, found.field)
    if kind is related.ReverseOneToOneDescriptor:
        return One(place, found.related)
    if kind is related.ReverseManyToOneDescriptor:
        return _reverse(place, found.rel)
    if kind is related.ManyToManyDescriptor:
        return _many_to_many(place, found)
    what = "nothing the database knows" if found is None else f"a {kind.__name__}"
    raise NotCompiled(f"{place.model.__name__}.{name} is {what}")


def _reverse(place: Place, rel: ManyToOneRel) -> Many:
    key = rel.field
    target = key.target_field.attname
    return Many(place, rel.related_model, place.prefix + target, key.attname, key)


def _many_to_many(place: Place, found: Any) -> Many:
    rel, reverse = found.rel, found.reverse
    model = rel.related_model if reverse else rel.model
    link = rel.field.name if reverse else rel.field.related_query_name()
    through = rel.field.m2m_reverse_field_name() if reverse else rel.field.m2m_field_name()
    target = rel.through._meta.get_field(through).target_field
    if link.endswith("+") or not target.primary_key:
        raise NotCompiled("a many-to-many relation that cannot be read backwards by key")
    return Many(place, model, place.prefix + target.attname, link, None)


def is_held(relation: Any) -> bool:
    """Whether it is a key, and a constraint that Django made says that its row is there."""
    return (
        isinstance(relation, ForeignKey)
        and relation.db_constraint  # type: ignore[attr-defined]  # The stubs do not know it.
        and relation.model._meta.managed is True
    )


def is_loose(relation: Any) -> bool:
    """Whether it is a key that may be null, and may lead nowhere where it is not."""
    return isinstance(relation, ForeignKey) and relation.null and not is_held(relation)


def refuse_other_rows(model: type[Model], related: type[Model]) -> None:
    """
    Raises:
        NotCompiled: Django looks for a related row where a join does not.
    """
    if type(related._base_manager) is not Manager:
        raise NotCompiled(f"{related.__name__} has a base manager of its own")
    if router.db_for_read(related) != router.db_for_read(model):
        raise NotCompiled(f"{related.__name__} is in another database")


def slug_of(field: Any, place: Place) -> Column:
    """
    The column that a ``SlugRelatedField`` shows of a related row.

    Raises:
        NotCompiled: it may be missing, or is more than a column.
    """
    place = Place(place.model, place.prefix)
    column = resolve(place, field.slug_field.split("__"))
    if not isinstance(column, Column) or column.guards:
        raise NotCompiled("its slug_field leads to what may be missing")
    if isinstance(column.field, FileField):
        raise NotCompiled("a file as a slug")
    return column
