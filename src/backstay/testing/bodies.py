"""
Bodies that a schema asks for, and the places in them that name other objects.

A sample holds what is required and what the caller has an example for. It follows
types, bounds and the common formats, not patterns: give an example for those.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import reduce
from typing import Any

from backstay.errors.pointers import join
from backstay.testing.document import Schema, kind_of

#: The way to a value inside a body: names of members and indices of items.
Place = tuple[str | int, ...]

FORMATS = {
    "date": "2026-05-04",
    "date-time": "2026-05-04T12:00:00Z",
    "decimal": "1.00",
    "email": "someone@example.com",
    "uri": "https://example.com/",
    "uuid": "00000000-0000-4000-8000-000000000000",
}


def sample(schema: Schema, examples: Mapping[str, Any], name: str = "") -> Any:
    """A value for *schema*; *examples* are by the name of the member."""
    if name in examples:
        value = examples[name]
        return [value] if kind_of(schema) == "array" and not isinstance(value, list) else value
    for given in ("example", "default", "const"):
        if given in schema:
            return schema[given]
    if "enum" in schema:
        return schema["enum"][0]
    return _by_type(schema, examples, name)


def _by_type(schema: Schema, examples: Mapping[str, Any], name: str) -> Any:
    match kind_of(schema):
        case "object":
            wanted = {*schema.get("required", ()), *examples}
            return {
                member: sample(each, examples, member)
                for member, each in schema.get("properties", {}).items()
                if member in wanted and not each.get("readOnly")
            }
        case "array":
            return [sample(schema.get("items", {}), examples, name)]
        case "integer" | "number":
            return max(schema.get("minimum", 1), 1)
        case "boolean":
            return True
        case _:
            text = FORMATS.get(schema.get("format", ""), "x")
            return text.ljust(schema.get("minLength", 1), "x")


def places(schema: Schema, means: Callable[[str], bool], name: str = "") -> Iterator[Place]:
    """Where a body of *schema* holds a value whose member's name *means* what is looked for."""
    if schema.get("readOnly"):
        return
    kind = kind_of(schema)
    if kind == "object":
        for member, each in schema.get("properties", {}).items():
            yield from ((member, *rest) for rest in places(each, means, member))
    elif kind == "array":
        yield from ((0, *rest) for rest in places(schema.get("items", {}), means, name))
    elif means(name):
        yield ()


def put(body: Any, place: Place, value: Any) -> Any:
    """A copy of *body* with *value* at *place*; what is on the way there is made."""
    if not place:
        return value
    step, *rest = place
    if isinstance(step, int):
        first = body[0] if isinstance(body, list) and body else None
        return [put(first, tuple(rest), value)]
    members = body if isinstance(body, Mapping) else {}
    return {**members, step: put(members.get(step), tuple(rest), value)}


def pointer(place: Place) -> str:
    """*place* as a JSON Pointer (RFC 6901)."""
    return reduce(join, place, "")
