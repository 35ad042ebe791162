"""
Which requests tell whether an API keeps its tenants apart, from its document alone.

A :class:`Probe` is a pair of requests that differ in one id: a foreign object's and
a missing one's. A :class:`Listing` is a list that must not hold a foreign object.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

from backstay.testing.bodies import places, pointer, put, sample
from backstay.testing.document import Operation, kind_of, operations
from backstay.testing.resources import Call, Id, IncompleteWalk, Resource

PARAMETER = re.compile(r"\{([^}]+)\}")

METHODS = ("GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE", "BREW")
SAFE_METHODS = ("GET", "HEAD", "OPTIONS")
OVERRIDES = ("PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Probe:
    """Two requests that must be answered alike, byte for byte."""

    route: str
    resource: Resource
    what: str
    foreign: Call
    missing: Call
    in_path: bool = False


@dataclass(frozen=True, slots=True)
class Listing:
    """A list whose pages must hold no foreign object of *resource*."""

    route: str
    resource: Resource
    call: Call


class Plan:
    """
    Raises:
        IncompleteWalk: a route has an id, or a list items with one, of no known resource.
    """

    def __init__(
        self,
        document: Mapping[str, Any],
        resources: Sequence[Resource],
        examples: Mapping[str, Any],
    ) -> None:
        self.operations = operations(document)
        self.resources = {resource.name: resource for resource in resources}
        self.examples = examples
        self._refuse_unknown()

    def probes(self, actor: str) -> Iterator[Probe]:
        for route in dict.fromkeys(each.route for each in self.operations):
            yield from self._path_probes(route, actor)
        for operation in self.operations:
            yield from self._query_probes(operation, actor)
            yield from self._body_probes(operation, actor)

    def listings(self, actor: str) -> Iterator[Listing]:
        for operation in self.operations:
            resource = self.resources.get(segments(operation.route)[-1])
            path = self._visible_path(operation.route, actor)
            if operation.items is None or resource is None or path is None:
                continue
            if resource.hidden_from(actor):
                for query in _queries(operation, resource):
                    yield Listing(operation.route, resource, Call("GET", path, query))

    def controls(self, actor: str) -> Iterator[Probe]:
        """Pairs that must be answered differently, because *actor* may see the foreign object."""
        for operation in self.operations:
            names = PARAMETER.findall(operation.route)
            if operation.method != "GET" or not operation.route.rstrip("/").endswith("}"):
                continue
            ids = {name: self._resource(operation.route, name).foreign for name in names}
            resource = self._resource(operation.route, names[-1])
            if not resource.hidden_from(actor):
                foreign = Call("GET", fill(operation.route, ids))
                missing = Call("GET", fill(operation.route, {**ids, names[-1]: resource.missing}))
                yield Probe(operation.route, resource, "", foreign, missing)

    # --- the id in a path ---------------------------------------------------------

    def _path_probes(self, route: str, actor: str) -> Iterator[Probe]:
        names = PARAMETER.findall(route)
        for name in names:
            resource = self._resource(route, name)
            if not resource.hidden_from(actor):
                continue
            others = [self._fillings(route, other, actor) for other in names if other != name]
            for filling in product(*others):
                ids = dict(filling)
                foreign = self._variants(route, {**ids, name: resource.foreign}, actor)
                missing = self._variants(route, {**ids, name: resource.missing}, actor)
                for (how, one), (_, other) in zip(foreign, missing, strict=True):
                    what = f"{resource.name} in the path{how}"
                    yield Probe(route, resource, what, one, other, in_path=True)

    def _fillings(self, route: str, name: str, actor: str) -> list[tuple[str, Id]]:
        """What to put for another parameter: what is foreign as well, and what is not."""
        resource = self._resource(route, name)
        visible = resource.visible_to(actor)
        return [(name, each) for each in (resource.foreign, visible) if each is not None]

    def _variants(
        self, route: str, ids: Mapping[str, Id], actor: str
    ) -> Iterator[tuple[str, Call]]:
        """Every way to ask for one path, each with what is said of it."""
        path = fill(route, ids)
        for method in METHODS:
            yield "", Call(method, path, body=self._body(route, method, actor))
        posted = Call("POST", path, body=self._body(route, "POST", actor))
        for method in OVERRIDES:
            headers = {"X-HTTP-Method-Override": method}
            yield f", overridden by {method}", replace(posted, headers=headers)
        yield ", with a format suffix", Call("GET", f"{path.rstrip('/')}.json")
        yield ", with ?format=json", Call("GET", path, {"format": "json"})

    def _body(self, route: str, method: str, actor: str) -> Any:
        if method in SAFE_METHODS:
            return None
        declared = (o.body for o in self.operations if (o.route, o.method) == (route, method))
        schema = next(declared, None)
        return {} if schema is None else sample(schema, self._examples(actor))

    # --- ids in queries and bodies ------------------------------------------------

    def _query_probes(self, operation: Operation, actor: str) -> Iterator[Probe]:
        path = self._visible_path(operation.route, actor)
        for name, resource in product(operation.parameters, self.resources.values()):
            if path and resource.is_meant_by(name) and resource.hidden_from(actor):
                foreign = Call(operation.method, path, {name: resource.foreign})
                missing = Call(operation.method, path, {name: resource.missing})
                yield Probe(operation.route, resource, f"?{name}", foreign, missing)

    def _body_probes(self, operation: Operation, actor: str) -> Iterator[Probe]:
        path = self._visible_path(operation.route, actor)
        if path is None or operation.body is None:
            return
        usual = sample(operation.body, self._examples(actor))
        for resource in self.resources.values():
            if not resource.hidden_from(actor):
                continue
            for place in places(operation.body, resource.is_meant_by):
                foreign, missing = (
                    Call(operation.method, path, body=put(usual, place, each))
                    for each in (resource.foreign, resource.missing)
                )
                yield Probe(operation.route, resource, pointer(place), foreign, missing)

    def _examples(self, actor: str) -> dict[str, Any]:
        """The caller's examples; where a body must name an object, one the actor may see."""
        seen = {
            reference: resource.visible_to(actor)
            for resource in self.resources.values()
            for reference in resource.references
        }
        known = {name: value for name, value in seen.items() if value is not None}
        return {**known, **self.examples}

    # --- which resource a place means -----------------------------------------------

    def _resource(self, route: str, name: str) -> Resource:
        return self.resources[owner_of(route, name)]

    def _visible_path(self, route: str, actor: str) -> str | None:
        """*route* with ids the actor may see; ``None`` where there is none."""
        ids = {
            name: self._resource(route, name).visible_to(actor) for name in PARAMETER.findall(route)
        }
        return None if None in ids.values() else fill(route, ids)

    def _refuse_unknown(self) -> None:
        unknown = []
        for operation in self.operations:
            owners = {owner_of(operation.route, p) for p in PARAMETER.findall(operation.route)}
            if "id" in (operation.items or {}).get("properties", {}):
                owners.add(segments(operation.route)[-1])
            unknown += [
                f"{operation.method} {operation.route} needs a Resource({owner!r}, …)"
                for owner in sorted(owners - self.resources.keys())
            ]
        if unknown:
            raise IncompleteWalk("\n".join(unknown))


def segments(route: str) -> list[str]:
    return route.strip("/").split("/")


def owner_of(route: str, parameter: str) -> str:
    """The segment before ``{parameter}``: ``orders`` of ``/orders/{id}/``."""
    parts = segments(route)
    position = next(index for index, part in enumerate(parts) if f"{{{parameter}}}" in part)
    return parts[position - 1] if position else ""


def fill(route: str, ids: Mapping[str, Any]) -> str:
    return PARAMETER.sub(lambda found: str(ids[found[1]]), route)


def _queries(operation: Operation, resource: Resource) -> Iterator[dict[str, Any]]:
    """No query, each value of each parameter that has few, and what would find the foreign one."""
    yield {}
    for name, schema in operation.parameters.items():
        values = ["true", "false"] if kind_of(schema) == "boolean" else schema.get("enum", [])
        yield from ({name: value} for value in values)
    for name, value in resource.finders.items():
        if name in operation.parameters:
            yield {name: value}
