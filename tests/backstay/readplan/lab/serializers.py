"""
Random serializers over the lab.

Everything is drawn from the ``Random`` that is given: hypothesis has one whose draws it
knows, and so shrinks choice by choice; a seeded one makes the same serializer again.
"""

from random import Random
from typing import Any

from rest_framework import serializers

from backstay.readplan import needs
from tests.backstay.readplan.lab.models import Person, Stamp
from tests.backstay.readplan.lab.words import (
    DOTTED,
    MANY,
    NAMES,
    ONE,
    TOTALS,
    UNUSUAL,
    Loud,
    Model,
    Whole,
)

#: A key that begins so shows rows that have no order.
UNORDERED = "unordered_"

MISSING: tuple[dict[str, Any], ...] = (
    *({"read_only": True},) * 3,
    {"read_only": True, "allow_null": True},
    {"read_only": True, "default": "absent"},
    {"read_only": True, "default": None},
    {"required": False},
    {"required": False, "allow_null": True},
)


def of_pk(self: Any, instance: Any) -> Any:
    return instance.pk


def of_text(self: Any, instance: Any) -> str:
    return str(instance)


def of_context(self: Any, instance: Any) -> Any:
    return self.context.get("mark")


def of_parents(self: Any, instance: Any) -> list[str]:
    found, at = [], self
    while at is not None:
        found.append(at.field_name)
        at = at.parent
    return [name for name in found if name]


def of_fields(self: Any, instance: Any) -> list[str]:
    return sorted(self.fields)


METHODS = (of_pk, of_text, of_context, of_parents, of_fields)


class Stamped:
    """Adds to the body what the context says, and stays compiled."""

    def to_representation(self, instance):
        body = super().to_representation(instance)  # type: ignore[misc]  # A mixin.
        finish = self.stamp()
        return finish(body) if finish else body

    to_representation.finished_by = "stamp"  # type: ignore[attr-defined]  # As the plan asks for it.

    def stamp(self):
        mark = self.context.get("mark")  # type: ignore[attr-defined]  # A mixin.
        return (lambda body: {**body, "mark": mark}) if mark else None


class Extended:
    """A representation of its own, which only DRF can make."""

    def to_representation(self, instance):
        body = super().to_representation(instance)  # type: ignore[misc]  # A mixin.
        return {**body, "own": str(instance)}


class Chosen:
    """Shows the fields that the request asks for, and does not say so."""

    def get_fields(self):
        fields = super().get_fields()  # type: ignore[misc]  # A mixin.
        wanted = self.context.get("wanted")  # type: ignore[attr-defined]  # A mixin.
        return {name: one for name, one in fields.items() if not wanted or name[-1] in wanted}


class Declared(Chosen):
    """The same, declared."""

    @classmethod
    def plan_variant(cls, context):
        return context.get("wanted")


class Chatty:
    """Takes fields away when it is made, as the recipe in DRF's documentation does."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for name in list(self.fields)[4:]:  # type: ignore[attr-defined]  # A mixin.
            self.fields.pop(name)  # type: ignore[attr-defined]  # As above.


MIXINS = (Stamped, Stamped, Extended, Chosen, Declared, Chatty)


class Author:
    """Writes serializers."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def write(
        self,
        model: Model,
        depth: int = 3,
        annotations: tuple[str, ...] = (),
        lists: tuple[tuple[str, Model], ...] = (),
    ) -> type[serializers.ModelSerializer[Any]]:
        """A serializer of *model*, nested at most *depth* deep."""
        draw = _Draft(self, model, depth)
        draw.names()
        for _ in range(self.random.randrange(4)):
            self.random.choice(draw.kinds())()
        for name in annotations:
            kind = self.random.choice((serializers.ReadOnlyField, serializers.CharField))
            draw.add(kind(read_only=True), name)
        for name, target in lists:
            draw.add(self.write(target, depth - 1)(many=True, read_only=True), name)
        return draw.finished()


class _Draft:
    def __init__(self, author: Author, model: Model, depth: int) -> None:
        self.author, self.random = author, author.random
        self.model, self.depth = model, depth
        self.body: dict[str, Any] = {}
        self.fields: list[str] = []

    def names(self) -> None:
        known = NAMES[self.model]
        for _ in range(self.random.randrange(1, 7)):
            name = self.random.choice(known)
            if name not in self.fields:
                self.fields.append(name)

    def kinds(self) -> list[Any]:
        kinds = [self.method, self.whole]
        if DOTTED[self.model]:
            kinds.append(self.dotted)
        if ONE[self.model]:
            kinds.append(self.related)
        if MANY[self.model]:
            kinds.append(self.many_related)
        if self.model is Person:
            kinds += [self.unusual] * 4 + [self.total]
        if self.depth:
            kinds.append(self.itself)
            kinds += [self.nested] * 3 * bool(ONE[self.model])
            kinds += [self.many_nested] * 3 * bool(MANY[self.model])
        return kinds

    def add(self, field: Any, name: str = "") -> None:
        name = name or f"x{len(self.body)}"
        self.body[name] = field
        self.fields.append(name)

    def missing(self) -> dict[str, Any]:
        return self.random.choice(MISSING)

    def method(self) -> None:
        name = f"m{len(self.body)}"
        method = self.random.choice(METHODS)
        if self.model is Person and self.random.random() < 0.3:
            method = needs("labels", "city__country")(of_text_too)
        self.add(serializers.SerializerMethodField(), name)
        self.body[f"get_{name}"] = method

    def whole(self) -> None:
        self.add(Whole(source="*", read_only=True))

    def dotted(self) -> None:
        kind = self.random.choice((serializers.CharField, serializers.ReadOnlyField, Loud))
        source = self.random.choice(DOTTED[self.model])
        options = {} if kind is serializers.ReadOnlyField else self.missing()
        self.add(kind(source=source, **options))

    def related(self) -> None:
        source = self.random.choice([*ONE[self.model]])
        if self.random.random() < 0.5:
            self.add(serializers.StringRelatedField(source=source))
        else:
            self.add(serializers.PrimaryKeyRelatedField(source=source, **self.shown_key()))

    def shown_key(self) -> dict[str, Any]:
        return {"read_only": True, **self.random.choice(({}, {"default": None}, {"default": "d"}))}

    def many_related(self) -> None:
        source, target = self.random.choice([*MANY[self.model].items()])
        kind = self.random.choice(
            (serializers.StringRelatedField, serializers.PrimaryKeyRelatedField)
        )
        self.add(kind(source=source, many=True, read_only=True), self.name_of_many(target))

    def unusual(self) -> None:
        self.add(self.random.choice(UNUSUAL)())

    def total(self) -> None:
        self.add(self.random.choice(TOTALS)())

    def itself(self) -> None:
        self.add(self.author.write(self.model, self.depth - 1)(source="*", read_only=True))

    def nested(self) -> None:
        source, target = self.random.choice([*ONE[self.model].items()])
        serializer = self.author.write(target, self.depth - 1)
        self.add(serializer(source=source, **self.missing()))

    def many_nested(self) -> None:
        source, target = self.random.choice([*MANY[self.model].items()])
        serializer = self.author.write(target, self.depth - 1)
        field = serializer(source=source, many=True, read_only=True)
        self.add(field, self.name_of_many(target))

    def name_of_many(self, target: Model) -> str:
        return f"{UNORDERED if target is Stamp else 'x'}{len(self.body)}"

    def finished(self) -> type[serializers.ModelSerializer[Any]]:
        self.random.shuffle(self.fields)
        meta: dict[str, Any] = {"model": self.model, "fields": self.fields}
        if self.depth and self.random.random() < 0.1:
            meta["depth"] = 1
        bases: tuple[type, ...] = (serializers.ModelSerializer,)
        if self.random.random() < 0.2:
            bases = (self.random.choice(MIXINS), *bases)
        self.body["Meta"] = type("Meta", (), meta)
        return type(f"{self.model.__name__}Serializer", bases, self.body)


def of_text_too(self: Any, instance: Any) -> str:
    return f"{[label.text for label in instance.labels.all()]} {instance.city.country.name}"
