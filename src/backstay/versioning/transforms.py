"""
How one version's body differs from that of the version before: pure functions.

A transform knows four ways: a request's body forward to the newer version, and
a response's body, its validation errors and its JSON Schema back to the older.
It takes and returns plain JSON data and changes nothing in place.

| what the newer version did | transform |
|---|---|
| gave a field another name | ``Rename`` |
| gathered flat fields into an object | ``Nest`` |
| has several fields for the parts of one text | ``Split`` |
| shows an object, or a list of them, where one member of it was | ``Collapse`` |
| has a field that the older has not | ``Drop`` |
| wants an input that the older has not | ``Default`` |

Schemas: JSON Schema 2020-12, as OpenAPI 3.1 has it.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from rest_framework.settings import api_settings

from backstay.conf import settings
from backstay.versioning import schemas
from backstay.versioning.schemas import Resolve

Body = dict[str, Any]


class Transform:
    """
    One declared change between two neighbouring versions.

    Each way is the identity until a subclass says otherwise. ``field`` is what the change
    is about, by the newer version's name: ``backstay.E031`` looks whether it is there.
    """

    __slots__ = ()

    field: str

    def upgrade(self, body: Mapping[str, Any], partial: bool = False) -> Body:
        """
        An older request's body, as the newer version expects it.

        With ``partial``, a PATCH, it names only what it changes. A body is what a client
        sent: its fields may be absent and of any type.
        """
        return dict(body)

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        """
        A newer response's body, as the older version showed it.

        Any value may be ``None``, and a field that the caller must not see is absent.
        """
        return dict(body)

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        """DRF's errors by field, under the names the older client sent."""
        return dict(errors)

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        """An object's JSON Schema, as the older version documents it."""
        return schema

    def downgrade_names(self, names: Collection[str]) -> set[str]:
        """The fields of the older version, of those of the newer."""
        return set(self.downgrade(dict.fromkeys(names)))


def steps_back(
    changes: Mapping[str, Sequence[Transform]], version: str | None
) -> Iterator[Transform]:
    """
    What leads from the newest version to *version*, the newest change first.

    ``changes`` names for each version what it changed. Without a version the
    newest is meant, to which nothing leads.

    Raises:
        ImproperlyConfigured: the view's versioning knows a version that the settings do not.
    """
    if not changes or version is None:
        return
    versions = settings.VERSIONS
    if version not in versions:
        raise ImproperlyConfigured(f'BACKSTAY["VERSIONS"] has no version {version!r}.')
    for newer in reversed(versions[versions.index(version) + 1 :]):
        yield from reversed(changes.get(newer, ()))


@dataclass(frozen=True, slots=True)
class Rename(Transform):
    """
    The newer version calls a field something else.

    ``Rename("full_name", was="name")``: what was ``name`` is now ``full_name``.
    """

    field: str
    was: str

    def upgrade(self, body: Mapping[str, Any], partial: bool = False) -> Body:
        return _renamed(body, {self.was: self.field})

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        return _renamed(body, {self.field: self.was})

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        return _renamed(errors, {self.field: self.was})

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        names = {self.field: self.was}
        properties = _renamed(schema.get("properties", {}), names)
        required = [names.get(name, name) for name in schema.get("required", [])]
        return schemas.of(schema, properties, required)


@dataclass(frozen=True, slots=True)
class Nest(Transform):
    """
    The newer version gathers flat fields into one object.

    ``Nest("price", {"amount": "price", "currency": "currency"})``: what was
    ``price`` and ``currency`` is now ``price.amount`` and ``price.currency``.
    """

    field: str
    members: Mapping[str, str]

    def upgrade(self, body: Mapping[str, Any], partial: bool = False) -> Body:
        flat = set(self.members.values())
        nested = {inner: body[name] for inner, name in self.members.items() if name in body}
        rest = {name: value for name, value in body.items() if name not in flat}
        return {**rest, self.field: nested} if nested else rest

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        nested = body.get(self.field)
        if nested is None:
            nested = dict.fromkeys(self.members)
        return self._spread(body, nested) if isinstance(nested, Mapping) else dict(body)

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        if self.field not in errors:
            return dict(errors)
        nested = errors[self.field]
        rest = {name: value for name, value in errors.items() if name != self.field}
        if not isinstance(nested, Mapping):  # About the object, which the client never saw.
            return {**rest, next(iter(self.members.values())): nested}
        return {**rest, **_renamed(nested, self.members)}

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        if self.field not in properties:
            return schema
        outer = properties[self.field]
        members = schemas.members(outer, resolve)
        spread = self._spread(properties, members)
        rest = [name for name in required if name != self.field]
        if self.field in required:
            inner_required = schemas.required(outer, resolve)
            rest += [self.members[name] for name in inner_required if name in self.members]
        return schemas.of(schema, spread, rest)

    def _spread(self, body: Mapping[str, Any], nested: Mapping[str, Any]) -> Body:
        """Put the members where the object stood, in the order they are declared."""
        flat = set(self.members.values())
        older: Body = {}
        for name, value in body.items():
            if name == self.field:
                known = ((was, inner) for inner, was in self.members.items() if inner in nested)
                older |= {was: nested[inner] for was, inner in known}
            elif name not in flat or self.field not in body:
                older[name] = value
        return older


@dataclass(frozen=True, slots=True)
class Split(Transform):
    """
    The newer version has several fields for the parts of one text.

    ``Split("name", into=("first_name", "last_name"))``: what was ``name`` is now two fields.
    The last has all that is left: of ``"Ada King Lovelace"`` it is ``"King Lovelace"``.
    Parts that are empty or null leave nothing behind, not even the blank beside them.
    """

    was: str
    into: tuple[str, ...]
    at: str = " "

    @property
    def field(self) -> str:  # type: ignore[override]  # Read only, as of every transform.
        return self.into[0]

    def upgrade(self, body: Mapping[str, Any], partial: bool = False) -> Body:
        text = body.get(self.was)
        if not isinstance(text, str):  # Validation tells of what is no text.
            return _renamed(body, {self.was: self.into[0]})
        parts = text.split(self.at, len(self.into) - 1)
        found = dict(zip(self.into, [*parts, *[""] * len(self.into)], strict=False))
        return self._replaced(body, (self.was,), found)

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        known = [body[name] for name in self.into if name in body]
        parts = [part for part in known if part is not None]
        text = self.at.join(part for part in parts if part) if parts or not known else None
        return self._replaced(body, self.into, {self.was: text} if known else {})

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        told = [one for name in self.into for one in _leaves(errors.get(name, ()))]
        return self._replaced(errors, self.into, {self.was: told} if told else {})

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        properties, required = schema.get("properties", {}), schema.get("required", [])
        parts = {name: properties[name] for name in self.into if name in properties}
        text = schemas.joined(parts, required)
        names = dict.fromkeys(self.into, self.was)
        required = [names.get(name, name) for name in required]
        older = self._replaced(properties, self.into, {self.was: text} if parts else {})
        return schemas.of(schema, older, required)

    def _replaced(self, body: Mapping[str, Any], names: Collection[str], new: Body) -> Body:
        """*new* where the first of *names* stood."""
        changed: Body = {}
        for name, value in body.items():
            changed |= new if name in names else {name: value}
        return changed


@dataclass(frozen=True, slots=True)
class Collapse(Transform):
    """
    The newer version has an object where the older one had one of its members.

    ``Collapse("author", to="id")``: what was ``7`` is now ``{"id": 7, …}``. Of a list of
    objects the older version had a list of members.
    """

    field: str
    to: str

    def upgrade(self, body: Mapping[str, Any], partial: bool = False) -> Body:
        return self._each(body, lambda value: {self.to: value})

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        return self._each(
            body, lambda value: value.get(self.to) if isinstance(value, Mapping) else value
        )

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        return self._each(errors, _told) if self.field in errors else dict(errors)

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        properties = schema.get("properties", {})
        if self.field not in properties:
            return schema
        member = schemas.member(properties[self.field], self.to, resolve)
        return {**schema, "properties": {**properties, self.field: member}}

    def _each(self, body: Mapping[str, Any], change: Callable[[Any], Any]) -> Body:
        """With *change* made to the field, or to what is in its list; ``None`` stays."""
        value = body.get(self.field)
        if value is None:
            return dict(body)
        many = isinstance(value, list)
        return {**body, self.field: [*map(change, value)] if many else change(value)}


@dataclass(frozen=True, slots=True)
class Drop(Transform):
    """The newer version has a field that the older one has not, in answers and in requests."""

    field: str

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        return {name: value for name, value in body.items() if name != self.field}

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        """What is wrong with a field that the client cannot send is wrong with the whole."""
        if self.field not in errors:
            return dict(errors)
        whole = str(api_settings.NON_FIELD_ERRORS_KEY)
        about = [*errors.get(whole, []), *_leaves(errors[self.field])]
        return {**{name: errors[name] for name in errors if name != self.field}, whole: about}

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        required = [name for name in schema.get("required", []) if name != self.field]
        return schemas.of(schema, self.downgrade(schema.get("properties", {})), required)


@dataclass(frozen=True, slots=True)
class Default(Drop):
    """
    The newer version has an input that the older one has not, whose requests mean *value*.

    A PATCH changes what it names, so it does not get it.
    """

    value: Any

    def upgrade(self, body: Mapping[str, Any], partial: bool = False) -> Body:
        return dict(body) if partial else {**body, self.field: self.value}


def _renamed(body: Mapping[str, Any], names: Mapping[str, str]) -> Body:
    return {names.get(name, name): value for name, value in body.items()}


def _told(errors: Any) -> Any:
    """Errors of an object's members as its own; a list's stay in their places."""
    if not isinstance(errors, Mapping):
        return errors
    if errors and all(isinstance(place, int) for place in errors):
        return {place: _told(one) for place, one in errors.items()}
    return [*_leaves(errors)]


def _leaves(errors: Any) -> Iterator[Any]:
    if isinstance(errors, Mapping | list | tuple):
        for one in errors.values() if isinstance(errors, Mapping) else errors:
            yield from _leaves(one)
    else:
        yield errors
