"""
Random objects with their schema, and random chains of transforms that fit them.

A chain is drawn from the newest version back, each step for what the steps before have left.
"""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]  # It has none.

from backstay.versioning import Collapse, Default, Drop, Nest, Rename, Split, Transform

Schema = dict[str, Any]
Draw = Callable[[st.SearchStrategy[Any]], Any]

#: Names that no newest object has.
OLDER = [f"older{number}" for number in range(40)]

SCALARS: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-5, 5),
    # What is made of parts has no blanks but between them.
    "string": st.text(st.characters(exclude_characters=" "), max_size=3),
    "boolean": st.booleans(),
}
TEXTS = ({"type": "string"}, {"type": ["string", "null"]})
COMPONENTS = {
    "Money": {
        "type": "object",
        "required": ["amount", "currency"],
        "properties": {
            "amount": {"type": "string"},
            "currency": {"type": "string", "enum": ["EUR", "USD"]},
        },
    },
    "Person": {
        "type": "object",
        "required": ["id"],
        "properties": {"id": {"type": "integer"}, "name": {"type": ["string", "null"]}},
    },
}


def resolve(schema: Schema) -> Schema:
    """As drf-spectacular's: ``$ref``, also where it is wrapped."""
    if "allOf" in schema:
        return resolve(schema["allOf"][0])
    if "$ref" in schema:
        return COMPONENTS[schema["$ref"].rpartition("/")[2]]
    return schema


def refuses(schema: Schema, instance: Any, components: Schema = COMPONENTS) -> list[str]:
    """What is wrong with *instance*, fields that the schema does not name included."""
    known = {"$defs": components, "components": {"schemas": components}}
    closed = {**schema, **known, "additionalProperties": False}
    return [error.message for error in Draft202012Validator(closed).iter_errors(instance)]


@st.composite
def properties(draw: Draw) -> Schema:
    """A field's schema: a value, an object or a list of them, perhaps null."""
    name = draw(st.sampled_from([*SCALARS, *COMPONENTS, *COMPONENTS]))
    if name in SCALARS:
        return {"type": draw(st.sampled_from([name, [name, "null"]]))}
    ref = {"$ref": f"#/$defs/{name}"}
    forms = [
        ref,
        {"allOf": [ref], "readOnly": True},
        {"oneOf": [ref, {"type": "null"}]},
        {"type": "array", "items": ref},
        {"type": ["array", "null"], "items": ref},
    ]
    return draw(st.sampled_from(forms))


@st.composite
def schemas(draw: Draw) -> Schema:
    names = draw(st.lists(st.sampled_from("abcdefg"), min_size=1, max_size=5, unique=True))
    fields = {name: draw(properties()) for name in names}
    required = [name for name in names if draw(st.booleans())]
    return {"type": "object", "required": required, "properties": fields}


def instance_of(draw: Draw, schema: Schema) -> Any:
    """Something that *schema* describes."""
    if "oneOf" in schema:
        return instance_of(draw, draw(st.sampled_from(schema["oneOf"])))
    found = resolve(schema)
    if "enum" in found:
        return draw(st.sampled_from(found["enum"]))
    kinds = found["type"]
    kind = draw(st.sampled_from(kinds)) if isinstance(kinds, list) else kinds
    if kind == "array":
        return [instance_of(draw, found["items"]) for _ in range(draw(st.integers(0, 2)))]
    if kind != "object":
        return draw(SCALARS[kind]) if kind != "null" else None
    return {
        name: instance_of(draw, one)
        for name, one in found["properties"].items()
        if name in found["required"] or draw(st.booleans())
    }


def step_for(draw: Draw, schema: Schema, names: list[str]) -> Transform:
    """A transform of one of the schema's fields; its older names are taken from *names*."""
    field = draw(st.sampled_from(sorted(schema["properties"])))
    objects, lists = _object(schema["properties"][field])
    steps: list[Transform] = []
    if objects:
        steps.append(Collapse(field, to=objects["required"][0]))
    if objects and not lists:
        members = sorted(objects["properties"])
        steps.append(Nest(field, {member: names.pop() for member in members}))
    # Which field it is does not matter to these, so they are drawn less often.
    if not steps or draw(st.integers(0, 2)) == 0:
        steps = [Rename(field, was=names.pop()), Drop(field)]
        steps.append(Default(field, instance_of(draw, schema["properties"][field])))
        texts = [name for name, one in schema["properties"].items() if one in TEXTS]
        if len(texts) > 1:
            steps += [Split(names.pop(), tuple(texts[:3]))] * 3
    return draw(st.sampled_from(steps))


def _object(schema: Schema) -> tuple[Schema, bool]:
    """The object that a field has, or has a list of; empty where it has none."""
    if "items" in schema:
        return _object(schema["items"])[0], True
    found = resolve(schema["oneOf"][0] if "oneOf" in schema else schema)
    return (found if "properties" in found else {}), False


@st.composite
def chains(draw: Draw) -> tuple[Schema, list[Transform], Schema]:
    """The newest schema, what leads back from it, and the oldest schema."""
    newest = schema = draw(schemas())
    names, steps = list(OLDER), []
    for _ in range(draw(st.integers(1, 6))):
        if not schema["properties"]:
            break
        steps.append(step_for(draw, schema, names))
        schema = steps[-1].downgrade_schema(schema, resolve)
    return newest, steps, schema
