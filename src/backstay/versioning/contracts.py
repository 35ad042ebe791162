"""
What a new OpenAPI document of a version breaks that an older one has promised.

Within a version changes only add. What was taken is taken: paths, methods, parameters,
fields, values, and whoever could call. What was given is given: statuses, content types,
headers, fields, error codes. Everything else (a new path, an optional field, more values,
a longer text, another description) is an addition.

``"GET /orders/{id}/"`` and ``"GET /orders/{pk}/"`` are one operation: the name of a place
in a path is no part of a request. See ``backstay.versioning.shapes`` for what is seen of
a schema, and what is not.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from backstay.versioning.shapes import GIVE, TAKE, Comparison, Document, flat, target

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
SERVE = "Serve it until the version's sunset."
PROBLEM = "application/problem+json"

#: They come with the end of a version, which may be called off.
_OF_AN_ENDING = {"Deprecation", "Sunset", "Link"}
_OF_AN_ENDED = {"version_sunset"}


@dataclass(frozen=True, slots=True)
class Breaking:
    """One promise of a version that the new document does not keep."""

    version: str
    #: ``"GET /api/v1/orders/"``.
    operation: str
    #: ``"body items[].quantity"``, ``"200 total_amount"``, ``"?status"``; ``""``: all of it.
    where: str
    #: And what to do about it.
    what: str

    def __str__(self) -> str:
        place = " ".join(filter(None, [self.version, self.operation, self.where]))
        return f"{place}: {self.what}"


def breaking(version: str, old: Document, new: Document) -> list[Breaking]:
    """The promises of *old* that *new* breaks; each document is one version's."""
    before, after = dict(_operations(old)), dict(_operations(new))
    found = []
    for key, operation in before.items():
        if key not in after:
            found.append(Breaking(version, operation["label"], "", f"is gone. {SERVE}"))
            continue
        told = _differences(old, operation, new, after[key])
        found += [Breaking(version, operation["label"], where, what) for where, what in told]
    return found


def additions(version: str, old: Document, new: Document) -> int:
    """How many places of *new* would be missed by those who know it, were it *old* again."""
    return len(breaking(version, new, old))


def _operations(document: Document) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    for path, item in document["paths"].items():
        item = _followed(document, item)  # noqa: PLW2901  # The same, found.
        for method in METHODS:
            if method in item:
                key = (method, re.sub(r"\{[^}]*\}", "{}", path))
                parameters = [*item.get("parameters", ()), *item[method].get("parameters", ())]
                label = f"{method.upper()} {path}"
                yield key, {**item[method], "label": label, "parameters": parameters}


def _differences(
    old: Document, before: Mapping[str, Any], new: Document, after: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    taken, given = Comparison(old, new, taken=True), Comparison(old, new, taken=False)
    yield from _parameters(taken, before, after)
    yield from _body(taken, before.get("requestBody"), after.get("requestBody"))
    yield from _responses(given, before["responses"], after["responses"])
    yield from _security(old, before, new, after)


def _parameters(
    compare: Comparison, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    olds, news = _named(compare.old, before), _named(compare.new, after)
    for where, parameter in olds.items():
        if where not in news:
            yield where, f"is no longer taken. {TAKE}"
            continue
        yield from compare.of(parameter.get("schema", {}), news[where].get("schema", {}), where)
    for where, parameter in news.items():
        if parameter.get("required") and not olds.get(where, {}).get("required"):
            yield where, f"is now required. {TAKE}"


def _named(document: Document, operation: Mapping[str, Any]) -> dict[str, Any]:
    """The parameters by where they are; in the path by their place there."""
    found = [_followed(document, each) for each in operation["parameters"]]
    places = re.findall(r"\{([^}]*)\}", operation["label"])
    signs = {"query": "?", "header": "header ", "cookie": "cookie "}
    return {
        f"path argument {places.index(each['name']) + 1}"
        if each["in"] == "path"
        else signs[each["in"]] + each["name"]: each
        for each in found
    }


def _body(compare: Comparison, before: Any, after: Any) -> Iterator[tuple[str, str]]:
    old, new = _followed(compare.old, before or {}), _followed(compare.new, after or {})
    if new.get("required") and not old.get("required"):
        yield "body", f"is now required. {TAKE}"
    if old:
        yield from _content(compare, old, new, "body")


def _content(
    compare: Comparison, old: Mapping[str, Any], new: Mapping[str, Any], where: str
) -> Iterator[tuple[str, str]]:
    said = f"is no longer taken. {TAKE}" if compare.taken else f"is no longer given. {GIVE}"
    for media_type, described in old.get("content", {}).items():
        if media_type not in new.get("content", {}):
            yield f"{where} {media_type}", said
            continue
        schemas = (each.get("schema", {}) for each in (described, new["content"][media_type]))
        for place, what in compare.of(*schemas):
            yield f"{where} {place}".strip(), what


def _responses(
    compare: Comparison, before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    for status, response in before.items():
        old = _followed(compare.old, response)
        if status not in after:
            if _codes(compare.old, old) != _OF_AN_ENDED:
                yield status, f"is no longer answered. {GIVE}"
            continue
        new = _followed(compare.new, after[status])
        yield from _content(compare, old, new, status)
        for name in old.get("headers", {}).keys() - new.get("headers", {}).keys() - _OF_AN_ENDING:
            yield f"{status} header {name}", f"is gone from the answer. {GIVE}"
        for code in sorted(_codes(compare.old, old) - _codes(compare.new, new)):
            yield f"{status} code {code}", f"is no longer answered. {GIVE}"


def _codes(document: Document, response: Mapping[str, Any]) -> set[str]:
    """The error codes of a status, where they are listed."""
    schema = response.get("content", {}).get(PROBLEM, {}).get("schema", {})
    listed = [form.get("properties", {}).get("code", {}) for form in flat(document, schema)]
    return {
        code for each in listed for form in flat(document, each) for code in form.get("enum", ())
    }


def _security(
    old: Document, before: Mapping[str, Any], new: Document, after: Mapping[str, Any]
) -> Iterator[tuple[str, str]]:
    """Every way to be let in still lets in, with no more than it asked for."""
    ways = [_ways(document, op) for document, op in ((old, before), (new, after))]
    for way in ways[0]:
        if not any(_asks_no_more(one, way) for one in ways[1]):
            named = " and ".join(sorted(way)) or "a call without credentials"
            yield "", f"no longer admits {named}. Admit whom it admitted, or start a new version."


def _ways(document: Document, operation: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each way as schemes with what defines them and the scopes they need."""
    schemes = document.get("components", {}).get("securitySchemes", {})
    return [
        {name: (_defining(schemes.get(name, {})), set(scopes)) for name, scopes in way.items()}
        for way in operation.get("security", document.get("security", [])) or [{}]
    ]


def _asks_no_more(one: Mapping[str, Any], way: Mapping[str, Any]) -> bool:
    return all(
        name in way and way[name][0] == definition and scopes <= way[name][1]
        for name, (definition, scopes) in one.items()
    )


def _defining(scheme: Mapping[str, Any]) -> tuple[Any, ...]:
    """Browsers send a cookie back whatever its name, so that is none of it."""
    words = (
        ("type", "scheme", "in")
        if scheme.get("in") == "cookie"
        else ("type", "scheme", "in", "name")
    )
    return tuple(scheme.get(word) for word in words)


def _followed(document: Document, node: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in node:
        node = target(document, node["$ref"])
    return node
