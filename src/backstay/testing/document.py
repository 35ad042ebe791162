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
    paths = {route: whole(document, item) for route, item in document["paths"].items()}
    return [
        _operation(route, method, item)
        for route, item in paths.items()
        for method in METHODS
        if method in item
    ]


def kind_of(schema: Schema) -> str | None:
    """The JSON type of *schema*; of several, the first that is not null."""
    declared = schema.get("type")
    if isinstance(declared, list):
        return next((kind for kind in declared if kind != "null"), None)
    return declared


def _operation(route: str, method: str, item: Mapping[str, Any]) -> Operation:
    declared = item[method]
    parameters = (*item.get("parameters", ()), *declared.get("parameters", ()))
    answers = declared.get("responses", {})
    return Operation(
        method=method.upper(),
        route=route,
        parameters={
            each["name"]: each.get("schema", {}) for each in parameters if each["in"] == "query"
        },
        body=_json_schema(declared.get("requestBody", {})),
        answer=_json_schema(answers.get("200", answers.get(200, {}))),
    )


def _json_schema(holder: Mapping[str, Any]) -> Schema | None:
    for media_type, described in holder.get("content", {}).items():
        if media_type.split(";")[0].endswith("json"):
            return described.get("schema", {})  # type: ignore[no-any-return]  # JSON.
    return None


def whole(document: Mapping[str, Any], node: Any, seen: tuple[str, ...] = ()) -> Any:
    """*node* without references; a schema that contains itself ends where it begins again."""
    if isinstance(node, list):
        return [whole(document, each, seen) for each in node]
    if not isinstance(node, Mapping):
        return node
    if reference := node.get("$ref"):
        if reference in seen:
            return {}
        node = {**_target(document, reference), **_without(node, "$ref")}
        return whole(document, node, (*seen, reference))
    merged = {
        name: whole(document, each, seen)
        for name, each in _without(node, "allOf", "oneOf", "anyOf").items()
    }
    for part in _parts(node):
        found = whole(document, part, seen)
        properties = {**found.get("properties", {}), **merged.get("properties", {})}
        required = [*found.get("required", []), *merged.get("required", [])]
        merged = {**found, **merged}
        if properties:
            merged |= {"properties": properties, "required": required}
    return merged


def _parts(schema: Schema) -> Iterator[Schema]:
    yield from schema.get("allOf", ())
    for word in ("oneOf", "anyOf"):
        yield from [each for each in schema.get(word, ()) if each.get("type") != "null"][:1]


def _target(document: Mapping[str, Any], reference: str) -> Any:
    """What *reference* leads to within the document (RFC 6901)."""
    for step in reference.removeprefix("#/").split("/"):
        document = document[step.replace("~1", "/").replace("~0", "~")]
    return document


def _without(schema: Schema, *names: str) -> Schema:
    return {name: value for name, value in schema.items() if name not in names}
