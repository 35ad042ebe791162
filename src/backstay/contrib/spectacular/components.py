"""
What many operations of a document say alike, said once: errors, headers, parameters.

Each function puts a component where it is missing and gives the reference to it.

Sources: RFC 9457 (problems), RFC 9110, 9111, 9211 (caches), RFC 9745 and RFC 8594 (the end
of a version), draft-ietf-httpapi-ratelimit-headers-10.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from drf_spectacular.plumbing import ComponentRegistry, ResolvedComponent

from backstay.conf import settings
from backstay.errors.codes import Code
from backstay.errors.views import entry_of

Schema = dict[str, Any]

PROBLEM_JSON = "application/problem+json"

_TEXT: Schema = {"type": "string"}
_URI = {"type": "string", "format": "uri-reference"}
_SECONDS = {"type": "integer", "minimum": 0}
_POINTER = {**_TEXT, "description": "A JSON Pointer into the body, or `?name`."}


def _object(required: Schema, **optional: Any) -> Schema:
    properties = {**required, **optional}
    return {"type": "object", "required": list(required), "properties": properties}


#: RFC 9457 with backstay's members: see ``backstay.errors.formatters``.
PROBLEM = _object(
    {
        "type": {**_URI, "description": "A page that says what the code means."},
        "title": {**_TEXT, "description": "The same for every occurrence."},
        "status": {"type": "integer", "minimum": 400, "maximum": 599},
        "code": {**_TEXT, "description": "What a program decides by."},
        "detail": {**_TEXT, "description": "About this occurrence, for people."},
        "instance": {**_URI, "description": "The path that was asked for."},
        "request_id": {**_TEXT, "description": "Names the request in the service's logs."},
    },
    errors={
        "type": "array",
        "items": _object({"pointer": _POINTER, "code": _TEXT, "detail": _TEXT}),
        "description": "The values that were refused.",
    },
)


def _header(description: str, schema: Schema = _TEXT, example: object = None) -> Schema:
    shown = {} if example is None else {"example": example}
    return {"description": description, "schema": schema, **shown}


HEADERS = {
    "Age": _header("Seconds since a kept answer was made.", _SECONDS),
    "Cache-Control": _header("Who may keep the answer, and for how long."),
    "Cache-Status": _header(
        "Whether the answer was kept or made (RFC 9211).", example="backstay; hit"
    ),
    "Deprecation": _header(
        "Since when this version should not be used any more, in seconds since 1970 (RFC 9745).",
        example="@1798761600",
    ),
    "ETag": _header("A strong validator: it changes with the bytes.", example='"1b2c3d4e5f"'),
    "Idempotency-Replayed": _header(
        "Only on the answer to a retry: it is the first one's.", {"const": "true"}
    ),
    "Link": _header("Pages about the end of this version, and where it is in the next one."),
    "Location": _header("Where the new object is.", _URI),
    "RateLimit": _header(
        "What is left of each budget: `r` requests now, all of it after `t` seconds.",
        example='"user";r=999;t=4',
    ),
    "RateLimit-Policy": _header(
        "Each budget: at most `q` requests in any `w` seconds.", example='"user";q=1000;w=3600'
    ),
    "Retry-After": _header("Seconds after which it is worth another try.", _SECONDS, 30),
    "Sunset": _header(
        "When this version ends (RFC 8594).", example="Thu, 01 Jul 2027 00:00:00 GMT"
    ),
    "WWW-Authenticate": _header("How to authenticate.", example='Bearer realm="api"'),
    "X-Request-ID": _header("Names the request in the service's logs."),
}


def _parameter(name: str, description: str, schema: Schema = _TEXT) -> Schema:
    return {"name": name, "in": "header", "description": description, "schema": schema}


#: Quotes are the draft's way, and part of no key.
_KEY = '^([A-Za-z0-9_.:-]+|"[A-Za-z0-9_.:-]+")$'

PARAMETERS = {
    "Idempotency-Key": _parameter(
        "Idempotency-Key",
        "A new one for each request, the same at its retries: it happens once.",
        {"type": "string", "minLength": 1, "maxLength": 255, "pattern": _KEY},
    ),
    "If-Match": _parameter(
        "If-Match", "An `ETag`: the change is made to that state, or not (412)."
    ),
    "If-None-Match": _parameter(
        "If-None-Match", "An `ETag` that is known: if it is still right, the answer is 304."
    ),
}


def headers(registry: ComponentRegistry, names: Iterable[str]) -> Schema:
    return {
        name: component(registry, ResolvedComponent.HEADER, name, HEADERS[name])
        for name in sorted(names)
    }


def parameter(registry: ComponentRegistry, name: str, *, required: bool = False) -> Schema:
    content = {**PARAMETERS[name], **({"required": True} if required else {})}
    return component(registry, ResolvedComponent.PARAMETER, name, content)


def problem(registry: ComponentRegistry, codes: Sequence[str], told: Iterable[str] = ()) -> Schema:
    """The answer with any of *codes*, which have one status; with none, any other error."""
    entries = [entry for code in codes if (entry := entry_of(code))]
    response = {
        "description": " ".join(f"`{one.code}`: {one.meaning}" for one in entries)
        or "Any other error, in the one shape of all errors.",
        "headers": headers(registry, told),
        "content": {PROBLEM_JSON: _content(registry, entries)},
    }
    name = "Or".join(code.title().replace("_", "") for code in codes) or "Problem"
    return component(registry, ResolvedComponent.RESPONSE, name, response)


def _content(registry: ComponentRegistry, entries: Sequence[Code]) -> Schema:
    shape = component(registry, ResolvedComponent.SCHEMA, "Problem", PROBLEM)
    if not entries:
        return {"schema": shape}
    narrowed = _object(
        {"status": {"const": entries[0].status}, "code": {"enum": [one.code for one in entries]}}
    )
    examples = {one.code: _example(registry, one) for one in entries}
    return {"schema": {"allOf": [shape, narrowed]}, "examples": examples}


def _example(registry: ComponentRegistry, entry: Code) -> Schema:
    body = {
        "type": settings.ERROR_TYPE_BASE + entry.code,
        "title": entry.title,
        "status": entry.status,
        "code": entry.code,
        "detail": entry.meaning,
        "instance": "/api/",
        "request_id": "6f1c1b0c3a5e4d0e8a7c2f9b1d3e5f70",
    }
    example = {"summary": entry.title, "value": body}
    return component(registry, ResolvedComponent.EXAMPLE, entry.code, example)


def component(registry: ComponentRegistry, kind: str, name: str, content: Schema) -> Schema:
    """A reference to *content*, under *name* unless that is something else already."""
    free, number = name, 1
    while (free, kind) in registry._components and registry[free, kind].schema != content:  # noqa: SLF001  # It cannot be asked.
        number += 1
        free = f"{name}{number}"
    found = ResolvedComponent(name=free, type=kind, schema=content, object=free)
    registry.register_on_missing(found)
    reference: Schema = found.ref
    return reference
