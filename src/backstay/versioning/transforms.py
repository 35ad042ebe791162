"""
How one version's body differs from that of the version before: pure functions.

A transform knows four ways: a request's body forward to the newer version, and
a response's body, its validation errors and its JSON Schema back to the older.
It takes and returns plain JSON data and changes nothing in place.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from backstay.conf import settings

Body = dict[str, Any]
#: Follows a JSON Schema's ``$ref``; other schemas come back as they are.
Resolve = Callable[[Body], Body]


class Transform(Protocol):
    """One declared change between two neighbouring versions."""

    def upgrade(self, body: Mapping[str, Any]) -> Body:
        """An older request's body, as the newer version expects it."""
        ...

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        """A newer response's body, as the older version showed it."""
        ...

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        """DRF's errors by field, under the names the older client sent."""
        ...

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        """An object's JSON Schema, as the older version documents it."""
        ...


def steps_back(
    changes: Mapping[str, Sequence[Transform]], version: str | None
) -> Iterator[Transform]:
    """
    What leads from the newest version to *version*, the newest change first.

    ``changes`` names for each version what it changed. Without a version the
    newest is meant, to which nothing leads.
    """
    if not changes or version is None:
        return
    versions = settings.VERSIONS
    for newer in reversed(versions[versions.index(version) + 1 :]):
        yield from reversed(changes.get(newer, ()))


@dataclass(frozen=True, slots=True)
class Nest:
    """
    The newer version gathers flat fields into one object.

    ``Nest("price", {"amount": "price", "currency": "currency"})``: what was
    ``price`` and ``currency`` is now ``price.amount`` and ``price.currency``.
    """

    field: str
    members: Mapping[str, str]

    def upgrade(self, body: Mapping[str, Any]) -> Body:
        nested = {inner: body[flat] for inner, flat in self.members.items() if flat in body}
        rest = {name: value for name, value in body.items() if name not in self._flat_names}
        return {**rest, self.field: nested} if nested else rest

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        return self._spread(body, lambda nested, inner: nested[inner])

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        if self.field not in errors:
            return dict(errors)
        nested = errors[self.field]
        rest = {name: value for name, value in errors.items() if name != self.field}
        if not isinstance(nested, Mapping):  # About the object, which the client never saw.
            return {**rest, next(iter(self.members.values())): nested}
        return {**rest, **{self.members.get(name, name): value for name, value in nested.items()}}

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        properties = schema.get("properties", {})
        if self.field not in properties:
            return schema
        nested = resolve(properties[self.field])
        required = [name for name in schema.get("required", []) if name != self.field]
        if self.field in schema.get("required", []):
            inner_required = nested.get("required", [])
            required += [self.members[name] for name in inner_required if name in self.members]
        spread = self._spread(properties, lambda _, inner: nested["properties"][inner])
        return {**schema, "properties": spread, "required": list(dict.fromkeys(required))}

    @property
    def _flat_names(self) -> set[str]:
        return set(self.members.values())

    def _spread(self, body: Mapping[str, Any], pick: Callable[[Any, str], Any]) -> Body:
        """Put the members where the object stood, in the order they are declared."""
        older: Body = {}
        for name, value in body.items():
            if name == self.field:
                older |= {
                    flat: None if value is None else pick(value, inner)
                    for inner, flat in self.members.items()
                }
            elif name not in self._flat_names or self.field not in body:
                older[name] = value
        return older


@dataclass(frozen=True, slots=True)
class Collapse:
    """
    The newer version shows an object where the older one showed one of its members.

    ``Collapse("author", to="id")``: what was ``7`` is now ``{"id": 7, …}``. Only
    for fields that are not written.
    """

    field: str
    to: str

    def upgrade(self, body: Mapping[str, Any]) -> Body:
        return dict(body)

    def downgrade(self, body: Mapping[str, Any]) -> Body:
        value = body.get(self.field)
        if not isinstance(value, Mapping):
            return dict(body)
        return {**body, self.field: value[self.to]}

    def downgrade_errors(self, errors: Mapping[str, Any]) -> Body:
        return dict(errors)

    def downgrade_schema(self, schema: Body, resolve: Resolve) -> Body:
        properties = schema.get("properties", {})
        if self.field not in properties:
            return schema
        member = resolve(properties[self.field])["properties"][self.to]
        return {**schema, "properties": {**properties, self.field: {**member, "readOnly": True}}}
