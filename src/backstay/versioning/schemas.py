"""
What transforms do to JSON Schema: an object's members, taken out of it.

Whether the object may be null, is only read or only written, and what is said of it, then
holds for each of them. Nothing is changed in place.

JSON Schema 2020-12; an object may stand behind ``$ref``, ``allOf``, or ``oneOf`` with null.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

Schema = dict[str, Any]

#: Follows a JSON Schema's ``$ref``; other schemas come back as they are.
Resolve = Callable[[Schema], Schema]

_CARRIED = ("description", "readOnly", "writeOnly", "deprecated")


def of(schema: Schema, properties: Schema, required: Sequence[str]) -> Schema:
    """*schema* with other members."""
    return {**schema, "properties": properties, "required": list(dict.fromkeys(required))}


def members(schema: Schema, resolve: Resolve) -> Schema:
    """The members of the object that *schema* describes, each as it would be without it."""
    found, is_nullable = _unwrapped(schema, resolve)
    carried = {name: schema[name] for name in _CARRIED if name in schema}
    return {
        name: _with(nullable(one) if is_nullable else one, carried)
        for name, one in found.get("properties", {}).items()
    }


def member(schema: Schema, name: str, resolve: Resolve) -> Schema:
    """One of them; of a list of objects, the list of it."""
    if "items" in schema:
        return {**schema, "items": member(schema["items"], name, resolve)}
    found: Schema = members(schema, resolve).get(name, {})
    return found


def required(schema: Schema, resolve: Resolve) -> list[str]:
    """Which of them the object always has."""
    found: list[str] = _unwrapped(schema, resolve)[0].get("required", [])
    return found


def joined(parts: Mapping[str, Schema], required: Collection[str]) -> Schema:
    """A text made of *parts*; only read, or written, where all of them are."""
    text: Schema = {"type": "string"}
    for name in ("readOnly", "writeOnly", "deprecated"):
        if parts and all(part.get(name) for part in parts.values()):
            text[name] = True
    empty = {name for name, part in parts.items() if _may_be_null(part)}
    # Null as soon as all are that are there.
    return nullable(text) if empty and not (parts.keys() - empty) & set(required) else text


def nullable(schema: Schema) -> Schema:
    """
    The same, or null.

    >>> nullable({"type": "string", "enum": ["a"]})
    {'type': ['string', 'null'], 'enum': ['a', None]}
    """
    kind = schema.get("type")
    if not schema or _may_be_null(schema):
        return schema
    if kind is None:
        return {"oneOf": [schema, {"type": "null"}]}
    kinds = [*kind, "null"] if isinstance(kind, list) else [kind, "null"]
    enum = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": kinds, **enum}


def _unwrapped(schema: Schema, resolve: Resolve) -> tuple[Schema, bool]:
    """The object itself, and whether null may stand in its place."""
    options: list[Schema] = schema.get("oneOf") or schema.get("anyOf") or []
    objects = [one for one in options if one.get("type") != "null"]
    if len(objects) == 1:
        found, is_nullable = _unwrapped(objects[0], resolve)
        return found, is_nullable or len(objects) < len(options)
    found = resolve(schema)
    return found, _may_be_null(found)


def _may_be_null(schema: Schema) -> bool:
    kind = schema.get("type")
    return kind == "null" or (isinstance(kind, list) and "null" in kind)


def _with(schema: Schema, carried: Schema) -> Schema:
    if carried and "$ref" in schema:
        return {"allOf": [schema], **carried}
    return {**carried, **schema}
