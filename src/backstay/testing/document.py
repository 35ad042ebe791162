"""
An OpenAPI 3 document as operations: where, how, with which parameters and bodies.

References within the document are followed, and ``allOf`` is merged. Of ``oneOf``
and ``anyOf`` the first schema that is not null stands for all. JSON bodies only.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

Schema = Mapping[str, Any]

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one route; ``body`` and ``answer`` are whole schemas."""

    method: str
    route: str
    parameters: Mapping[str, Schema]
    body: Schema | None
    answer: Schema | None

    @property
    def items(self) -> Schema | None:
        """The schema of one item, where the answer is an array or a page with ``results``."""
        if self.method != "GET" or self.answer is None:
            return None
        for each in (self.answer, self.answer.get("properties", {}).get("results", {})):
            if kind_of(each) == "array":
                return each.get("items", {})  # type: ignore[no-any-return]  # JSON.
        return None


def operations(document: Mapping[str, Any]) -> list[Operation]:
    """Every operation of *document*, in its order."""
    return [
        _operation(document, route, method, path_item)
        for route, path_item in document["paths"].items()
        for method in METHODS
        if method in path_item
    ]


def kind_of(schema: Schema) -> str | None:
    """The JSON type of *schema*; of several, the first that is not null."""
    declared = schema.get("type")
    if isinstance(declared, list):
        return next((kind for kind in declared if kind != "null"), None)
    return declared


def _operation(
    document: Mapping[str, Any], route: str, method: str, path_item: Mapping[str, Any]
) -> Operation:
    declared = path_item[method]
    parameters = [
        _follow(document, each)
        for each in (*path_item.get("parameters", ()), *declared.get("parameters", ()))
    ]
    answers = declared.get("responses", {})
    return Operation(
        method=method.upper(),
        route=route,
        parameters={
            each["name"]: whole(document, each.get("schema", {}))
            for each in parameters
            if each["in"] == "query"
        },
        body=_json_schema(document, declared.get("requestBody")),
        answer=_json_schema(document, answers.get("200", answers.get(200))),
    )


def _json_schema(document: Mapping[str, Any], holder: Mapping[str, Any] | None) -> Schema | None:
    content = _follow(document, holder or {}).get("content", {})
    for media_type, described in content.items():
        if media_type.split(";")[0].endswith("json"):
            return whole(document, described.get("schema", {}))
    return None


def whole(document: Mapping[str, Any], schema: Any, seen: tuple[str, ...] = ()) -> dict[str, Any]:
    """*schema* without references; one that contains itself ends where it begins again."""
    if reference := schema.get("$ref"):
        if reference in seen:
            return {}
        seen = (*seen, reference)
        schema = {**_follow(document, schema), **_without(schema, "$ref")}
        return whole(document, schema, seen)
    merged = dict(_without(schema, "allOf", "oneOf", "anyOf"))
    for part in _parts(schema):
        found = whole(document, part, seen)
        properties = {**found.get("properties", {}), **merged.get("properties", {})}
        required = [*found.get("required", []), *merged.get("required", [])]
        merged = {**found, **merged}
        if properties:
            merged |= {"properties": properties, "required": required}
    if "properties" in merged:
        merged["properties"] = {
            name: whole(document, each, seen) for name, each in merged["properties"].items()
        }
    if isinstance(merged.get("items"), Mapping):
        merged["items"] = whole(document, merged["items"], seen)
    return merged


def _parts(schema: Schema) -> Iterator[Schema]:
    yield from schema.get("allOf", ())
    for word in ("oneOf", "anyOf"):
        yield from [each for each in schema.get(word, ()) if each.get("type") != "null"][:1]


def _follow(document: Mapping[str, Any], holder: Any) -> Any:
    """What *holder* refers to within the document (RFC 6901), itself where to nothing."""
    while "$ref" in holder:
        target: Any = document
        for step in holder["$ref"].removeprefix("#/").split("/"):
            target = target[step.replace("~1", "/").replace("~0", "~")]
        holder = target
    return holder


def _without(schema: Schema, *names: str) -> Schema:
    return {name: value for name, value in schema.items() if name not in names}
