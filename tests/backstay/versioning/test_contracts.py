"""A new document keeps what the old one promised, or it is told what is broken and where."""

from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backstay.versioning.contracts import additions, breaking

pytestmark = [pytest.mark.V1, pytest.mark.once]

ANY_PROBLEM = "application/problem+json"


def document() -> dict[str, Any]:
    """A small API: loans, whose readers may be readers of a reader."""
    reader = {
        "type": "object",
        "required": ["name"],
        "properties": {
            "name": {"type": "string"},
            "friend": {"oneOf": [{"$ref": "#/components/schemas/Reader"}, {"type": "null"}]},
        },
    }
    loan = {
        "type": "object",
        "required": ["id", "title", "kind", "reader"],
        "properties": {
            "id": {"type": "integer", "readOnly": True},
            "title": {"type": "string", "maxLength": 100, "minLength": 1, "pattern": "^[A-Z]"},
            "kind": {"type": "string", "enum": ["book", "map"]},
            "fee": {"type": "number", "minimum": 0, "maximum": 10},
            "due": {"type": "string", "format": "date"},
            "note": {"type": ["string", "null"]},
            "secret": {"type": "string", "writeOnly": True},
            "tags": {"type": "array", "maxItems": 5, "items": {"type": "string"}},
            "extra": {"type": "object", "additionalProperties": {"type": "integer"}},
            "reader": {"allOf": [{"$ref": "#/components/schemas/Reader"}]},
            "size": {"oneOf": [{"type": "string", "enum": ["s"]}, {"type": "integer"}]},
        },
    }
    problem = {
        "allOf": [
            {"type": "object", "properties": {"status": {"type": "integer"}}},
            {"properties": {"code": {"enum": ["conflict", "taken"]}}},
        ]
    }
    body = {"application/json": {"schema": {"$ref": "#/components/schemas/Loan"}}}
    answer = {
        "description": "A loan.",
        "headers": {"ETag": {"$ref": "#/components/headers/ETag"}},
        "content": {**deepcopy(body), "text/csv": {"schema": {"type": "string"}}},
    }
    size = {"name": "size", "in": "query", "schema": {"type": "integer", "maximum": 100}}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Library", "version": "v1"},
        "paths": {
            "/loans/{id}/": {
                "parameters": [
                    {"name": "id", "in": "path", "required": True, "schema": {"type": "integer"}}
                ],
                "get": {
                    "parameters": [size],
                    "security": [{"bearer": []}, {}],
                    "responses": {"200": {"$ref": "#/components/responses/Loan"}},
                },
                "put": {
                    "requestBody": {"content": body},
                    "security": [{"bearer": ["write"]}],
                    "responses": {
                        "200": {"$ref": "#/components/responses/Loan"},
                        "409": {
                            "description": "No.",
                            "content": {ANY_PROBLEM: {"schema": problem}},
                        },
                    },
                },
            },
        },
        "components": {
            "schemas": {"Loan": loan, "Reader": reader},
            "responses": {"Loan": answer},
            "headers": {"ETag": {"schema": {"type": "string"}}},
            "securitySchemes": {"bearer": {"type": "http", "scheme": "bearer"}},
        },
    }


LOAN = "components.schemas.Loan.properties"
REQUIRED = "components.schemas.Loan.required"
ITEM = "paths./loans/{id}/"
GET, PUT = f"{ITEM}.get", f"{ITEM}.put"
CONTENT = "components.responses.Loan.content"
GONE = object()


def edited(*edits: tuple[str, Any], base: dict[str, Any] | None = None) -> dict[str, Any]:
    """The document with other values at dotted places; ``GONE`` takes one away."""
    made = deepcopy(base or document())
    for place, value in edits:
        *way, last = place.split(".")
        node: Any = made
        for step in way:
            node = node[int(step)] if isinstance(node, list) else node[step]
        if value is GONE:
            del node[int(last) if isinstance(node, list) else last]
        elif isinstance(node, list):
            node.append(value)
        else:
            node[last] = value
    return made


#: What is changed, and every place that then breaks, with a word of what is said.
BREAKING: dict[str, tuple[list[tuple[str, Any]], list[str]]] = {
    "a path": ([(ITEM, GONE)], ["GET /loans/{id}/: is gone", "PUT /loans/{id}/: is gone"]),
    "a method": ([(PUT, GONE)], ["PUT /loans/{id}/: is gone"]),
    "a parameter": ([(f"{GET}.parameters", [])], ["GET /loans/{id}/ ?size: is no longer taken"]),
    "a parameter's range": (
        [(f"{GET}.parameters.0.schema.maximum", 50)],
        ["GET /loans/{id}/ ?size: has a narrower maximum, 50 where it was 100"],
    ),
    "a parameter that is asked for": (
        [(f"{GET}.parameters.0.required", True)],
        ["GET /loans/{id}/ ?size: is now required"],
    ),
    "a new parameter that is asked for": (
        [(f"{GET}.parameters.-", {"name": "X", "in": "header", "required": True})],
        ["GET /loans/{id}/ header X: is now required"],
    ),
    "what a place in a path holds": (
        [
            (f"{ITEM}.parameters.0.schema.type", "string"),
            (f"{ITEM}.parameters.0.schema", {"type": "boolean"}),
        ],
        [
            "GET /loans/{id}/ path argument 1: no longer takes integer",
            "PUT /loans/{id}/ path argument 1: no longer takes integer",
        ],
    ),
    "a field in both directions": (
        [(f"{LOAN}.note", GONE)],
        [
            "GET /loans/{id}/ 200 note: is gone from the answer",
            "PUT /loans/{id}/ body note: is no longer taken",
            "PUT /loans/{id}/ 200 note: is gone from the answer",
        ],
    ),
    "a field that is sent only": (
        [(f"{LOAN}.secret", GONE)],
        ["PUT /loans/{id}/ body secret: is no longer taken"],
    ),
    "a field that can no longer be sent": (
        [(f"{LOAN}.note.readOnly", True)],
        ["PUT /loans/{id}/ body note: is no longer taken"],
    ),
    "a nested field": (
        [("components.schemas.Reader.properties.name", GONE)],
        [
            "GET /loans/{id}/ 200 reader.name: is gone from the answer",
            "GET /loans/{id}/ 200 reader.friend.name: is gone from the answer",
            "PUT /loans/{id}/ body reader.name: is no longer taken",
            "PUT /loans/{id}/ body reader.friend.name: is no longer taken",
            "PUT /loans/{id}/ 200 reader.name: is gone from the answer",
            "PUT /loans/{id}/ 200 reader.friend.name: is gone from the answer",
        ],
    ),
    "a field that is asked for": (
        [(f"{REQUIRED}.-", "due")],
        ["PUT /loans/{id}/ body due: is now required"],
    ),
    "a new field that is asked for": (
        [(f"{LOAN}.new", {"type": "string"}), (f"{REQUIRED}.-", "new")],
        ["PUT /loans/{id}/ body new: is now required"],
    ),
    "a field that may be missing": (
        [(REQUIRED, ["id", "title", "reader"])],
        [
            "GET /loans/{id}/ 200 kind: may now be missing",
            "PUT /loans/{id}/ 200 kind: may now be missing",
        ],
    ),
    "a field that may be null": (
        [(f"{LOAN}.id.type", ["integer", "null"])],
        ["GET /loans/{id}/ 200 id: may now be null", "PUT /loans/{id}/ 200 id: may now be null"],
    ),
    "null, which is no longer taken": (
        [(f"{LOAN}.note.type", "string")],
        ["PUT /loans/{id}/ body note: no longer takes null"],
    ),
    "a type": (
        [(f"{LOAN}.due", {"type": "integer"})],
        [
            "GET /loans/{id}/ 200 due: may now be integer",
            "PUT /loans/{id}/ body due: no longer takes string",
            "PUT /loans/{id}/ 200 due: may now be integer",
        ],
    ),
    "a fraction, which is no longer taken": (
        [(f"{LOAN}.fee.type", "integer")],
        ["PUT /loans/{id}/ body fee: no longer takes number"],
    ),
    "a type within a list": (
        [(f"{LOAN}.tags.items", {"type": "integer"})],
        [
            "GET /loans/{id}/ 200 tags[]: may now be integer",
            "PUT /loans/{id}/ body tags[]: no longer takes string",
            "PUT /loans/{id}/ 200 tags[]: may now be integer",
        ],
    ),
    "a type of whatever a map holds": (
        [(f"{LOAN}.extra.additionalProperties", {"type": "string"})],
        [
            "GET /loans/{id}/ 200 extra.*: may now be string",
            "PUT /loans/{id}/ body extra.*: no longer takes integer",
            "PUT /loans/{id}/ 200 extra.*: may now be string",
        ],
    ),
    "fields of any name": (
        [("components.schemas.Loan.additionalProperties", False)],
        ["PUT /loans/{id}/ body: takes no other fields any more"],
    ),
    "a format": (
        [(f"{LOAN}.due.format", "time")],
        [
            "GET /loans/{id}/ 200 due: changed its format from date to time",
            "PUT /loans/{id}/ body due: changed its format from date to time",
            "PUT /loans/{id}/ 200 due: changed its format from date to time",
        ],
    ),
    "a value": (
        [(f"{LOAN}.kind.enum", ["book"])],
        ["PUT /loans/{id}/ body kind: no longer takes map"],
    ),
    "a text that is now one of a few": (
        [(f"{LOAN}.note.enum", ["yes", "no", None])],
        ["PUT /loans/{id}/ body note: takes only yes or no"],
    ),
    "a length": (
        [(f"{LOAN}.title.maxLength", 50)],
        ["PUT /loans/{id}/ body title: has a narrower maxLength, 50 where it was 100"],
    ),
    "a length that was free": (
        [(f"{LOAN}.note.maxLength", 0)],
        ["PUT /loans/{id}/ body note: has a narrower maxLength, 0 where it was None"],
    ),
    "a range": (
        [(f"{LOAN}.fee.minimum", 1)],
        ["PUT /loans/{id}/ body fee: has a narrower minimum, 1 where it was 0"],
    ),
    "a pattern": (
        [(f"{LOAN}.title.pattern", "^[a-z]")],
        ["PUT /loans/{id}/ body title: has another pattern"],
    ),
    "a number of items": (
        [(f"{LOAN}.tags.maxItems", 4)],
        ["PUT /loans/{id}/ body tags: has a narrower maxItems"],
    ),
    "one form of several": (
        [(f"{LOAN}.size.oneOf", [{"type": "integer"}])],
        ["PUT /loans/{id}/ body size: no longer takes s"],
    ),
    "one more form in an answer": (
        [(f"{LOAN}.size.oneOf.-", {"type": "boolean"})],
        [
            "GET /loans/{id}/ 200 size: may now be boolean",
            "PUT /loans/{id}/ 200 size: may now be boolean",
        ],
    ),
    "a body": ([(f"{PUT}.requestBody", GONE)], ["PUT /loans/{id}/ body application/json: is no"]),
    "a body that is asked for": (
        [(f"{PUT}.requestBody.required", True)],
        ["PUT /loans/{id}/ body: is now required"],
    ),
    "a body's content type": (
        [(f"{PUT}.requestBody.content", {"application/xml": {}})],
        ["PUT /loans/{id}/ body application/json: is no longer taken"],
    ),
    "an answer's content type": (
        [(f"{CONTENT}.text/csv", GONE)],
        [
            "GET /loans/{id}/ 200 text/csv: is no longer given",
            "PUT /loans/{id}/ 200 text/csv: is no longer given",
        ],
    ),
    "a status": (
        [(f"{GET}.responses", {"201": {"$ref": "#/components/responses/Loan"}})],
        ["GET /loans/{id}/ 200: is no longer answered"],
    ),
    "an error's status": (
        [(f"{PUT}.responses.409", GONE)],
        ["PUT /loans/{id}/ 409: is no longer answered"],
    ),
    "an error's code": (
        [
            (
                f"{PUT}.responses.409.content.{ANY_PROBLEM}.schema.allOf.1.properties.code.enum",
                ["conflict", "other"],
            )
        ],
        ["PUT /loans/{id}/ 409 code taken: is no longer answered"],
    ),
    "all of an error's codes": (
        [
            (
                f"{PUT}.responses.409.content.{ANY_PROBLEM}.schema.allOf.1.properties.code",
                {"type": "string"},
            )
        ],
        [
            "PUT /loans/{id}/ 409 code conflict: is no longer answered",
            "PUT /loans/{id}/ 409 code taken: is no longer answered",
        ],
    ),
    "a header": (
        [("components.responses.Loan.headers", GONE)],
        ["GET /loans/{id}/ 200 header ETag: is gone", "PUT /loans/{id}/ 200 header ETag: is gone"],
    ),
    "a call without credentials": (
        [(f"{GET}.security", [{"bearer": []}])],
        ["GET /loans/{id}/: no longer admits a call without credentials"],
    ),
    "a scope": (
        [(f"{PUT}.security", [{"bearer": ["write", "admin"]}])],
        ["PUT /loans/{id}/: no longer admits bearer"],
    ),
    "a scheme": (
        [("components.securitySchemes.bearer.scheme", "basic")],
        # Reading needs none.
        ["PUT /loans/{id}/: no longer admits bearer"],
    ),
}

#: What clients do not notice.
ADDITIONS: dict[str, list[tuple[str, Any]]] = {
    "a path": [("paths./new/", {"get": {"responses": {"200": {"description": ""}}}})],
    "a method": [(f"{ITEM}.delete", {"responses": {"204": {"description": ""}}})],
    "an optional parameter": [(f"{GET}.parameters.-", {"name": "q", "in": "query"})],
    "an optional body": [
        (f"{GET}.requestBody", {"content": {"application/json": {"schema": {"type": "object"}}}})
    ],
    "a field": [(f"{LOAN}.new", {"type": "string"})],
    "a field that is always in the answer": [
        (f"{LOAN}.new", {"type": "string", "readOnly": True}),
        (f"{REQUIRED}.-", "new"),
    ],
    "a value": [(f"{LOAN}.kind.enum.-", "film")],
    "a form that is taken": [
        (f"{LOAN}.secret", {"writeOnly": True, "type": ["string", "integer"]})
    ],
    "a longer text": [(f"{LOAN}.title.maxLength", 200)],
    "a text of any length": [(f"{LOAN}.title.maxLength", GONE)],
    "a wider range": [(f"{LOAN}.fee.maximum", 100)],
    "no pattern": [(f"{LOAN}.title.pattern", GONE)],
    "an answer's content type": [(f"{CONTENT}.text/plain", {"schema": {"type": "string"}})],
    "a header": [("components.responses.Loan.headers.Age", {"schema": {"type": "integer"}})],
    "a way in": [(f"{PUT}.security.-", {})],
    "a scope less": [(f"{PUT}.security", [{"bearer": []}])],
    "an error": [(f"{GET}.responses.404", {"description": ""})],
    "a field that may now be left out": [
        (f"{LOAN}.secret2", {"type": "string", "writeOnly": True}),
    ],
}

#: What is written otherwise and means the same.
UNCHANGED: dict[str, list[tuple[str, Any]]] = {
    "a description": [(f"{LOAN}.note.description", "Anything.")],
    "the name of a place in a path": [
        (
            "paths",
            {
                "/loans/{pk}/": {
                    **document()["paths"]["/loans/{id}/"],
                    "parameters": [
                        {
                            "name": "pk",
                            "in": "path",
                            "required": True,
                            "schema": {"type": "integer"},
                        }
                    ],
                }
            },
        )
    ],
    "a reference written out": [
        (f"{LOAN}.reader", {"$ref": "#/components/schemas/Reader"}),
    ],
    "null in another way": [(f"{LOAN}.note", {"anyOf": [{"type": "string"}, {"type": "null"}]})],
    "null as OpenAPI 3.0 has it": [(f"{LOAN}.note", {"type": "string", "nullable": True})],
    "the end of a version": [
        ("components.responses.Loan.headers.Sunset", {"schema": {"type": "string"}}),
    ],
}


@pytest.mark.parametrize("case", BREAKING)
def test_what_breaks_is_named_with_its_place_and_a_remedy(case: str) -> None:
    edits, expected = BREAKING[case]
    found = [str(one) for one in breaking("v1", document(), edited(*edits))]

    assert len(found) == len(expected), found
    for line, start in zip(found, expected, strict=True):
        assert line.startswith(f"v1 {start}")
        assert line.endswith((" only.", " one.", " sunset.", " new version."))
        assert "\n" not in line


@pytest.mark.parametrize("case", ADDITIONS)
def test_what_is_added_breaks_nothing_and_is_counted(case: str) -> None:
    changed = edited(*ADDITIONS[case])

    assert breaking("v1", document(), changed) == []
    assert additions("v1", document(), changed) >= 1


@pytest.mark.parametrize("case", UNCHANGED)
def test_what_means_the_same_is_no_change(case: str) -> None:
    changed = edited(*UNCHANGED[case])

    assert breaking("v1", document(), changed) == []
    assert breaking("v1", changed, document()) == []


@pytest.mark.parametrize(("was", "now"), [("date", "date-time"), ("date-time", "date")])
def test_a_date_is_no_time(was: str, now: str) -> None:
    older, newer = document(), document()
    for each, form in ((older, was), (newer, now)):
        each["components"]["schemas"]["Loan"]["properties"]["due"]["format"] = form
    assert [(one.operation, one.where) for one in breaking("v1", older, newer)] == [
        ("GET /loans/{id}/", "200 due"),
        ("PUT /loans/{id}/", "body due"),
        ("PUT /loans/{id}/", "200 due"),
    ]


def test_the_end_of_a_version_may_be_called_off() -> None:
    ending = edited(("components.responses.Loan.headers.Sunset", {"schema": {"type": "string"}}))
    assert breaking("v1", ending, document()) == []


def test_schemas_that_contain_themselves_by_several_ways_come_to_an_end() -> None:
    knot = {
        "components.schemas.A": {
            "allOf": [{"$ref": "#/components/schemas/B"}, {"$ref": "#/components/schemas/C"}]
        },
        "components.schemas.B": {"properties": {"x": {"$ref": "#/components/schemas/A"}}},
        "components.schemas.C": {"properties": {"x": {"$ref": "#/components/schemas/B"}}},
        "components.schemas.D": {"allOf": [{"$ref": "#/components/schemas/D"}]},
        f"{LOAN}.knot": {"$ref": "#/components/schemas/A"},
        f"{LOAN}.self": {"$ref": "#/components/schemas/D"},
    }
    knotted = edited(*knot.items())
    other = edited(("components.schemas.C.properties.y", {"type": "string"}), base=knotted)

    assert breaking("v1", knotted, knotted) == []
    assert breaking("v1", knotted, other) == []
    assert "is gone" in str(breaking("v1", other, knotted)[0])


# --- any document ---------------------------------------------------------------

NAMES = st.sampled_from(["a", "b", "c", "d"])
SCALARS = st.one_of(
    st.builds(lambda most: {"type": "string", "maxLength": most}, st.integers(0, 9)),
    st.builds(lambda least: {"type": "integer", "minimum": least}, st.integers(-9, 9)),
    st.builds(
        lambda some: {"type": "string", "enum": some}, st.lists(NAMES, min_size=1, unique=True)
    ),
    st.sampled_from(
        [{}, {"type": ["number", "null"]}, {"$ref": "#/components/schemas/S"}, {"type": "null"}]
    ),
)


def objects(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    properties = st.dictionaries(NAMES, inner, max_size=3)
    return st.builds(
        lambda members, required: {"type": "object", "properties": members, "required": required},
        properties,
        st.lists(NAMES, unique=True),
    )


SCHEMAS = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        objects(inner),
        st.builds(lambda items: {"type": "array", "items": items}, inner),
        st.builds(
            lambda word, parts: {word: parts},
            st.sampled_from(["oneOf", "anyOf", "allOf"]),
            st.lists(inner, min_size=1, max_size=3),
        ),
    ),
    max_leaves=8,
)


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """One operation that takes and gives anything, and a schema that may contain itself."""
    content = st.builds(lambda schema: {"application/json": {"schema": schema}}, SCHEMAS)
    operation = {
        "parameters": [{"name": "q", "in": "query", "schema": draw(SCHEMAS)}],
        "requestBody": {"content": draw(content)},
        "responses": {"200": {"description": "", "content": draw(content)}},
    }
    return {
        "openapi": "3.1.0",
        "paths": {"/x/": {"post": operation}},
        "components": {"schemas": {"S": draw(objects(SCHEMAS))}},
    }


@given(documents())
def test_any_document_keeps_its_own_promises(made: dict[str, Any]) -> None:
    assert breaking("v1", made, deepcopy(made)) == []


def with_more(schema: Any) -> Any:
    """An optional field in every object, however deep."""
    if isinstance(schema, list):
        return [with_more(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    more = {name: with_more(each) for name, each in schema.items()}
    if schema.get("type") == "object":
        more["properties"] = {**more["properties"], "optional": {"type": "string"}}
    return more


@given(documents())
def test_optional_things_may_be_added_to_any_document(made: dict[str, Any]) -> None:
    more = with_more(made)
    operation = more["paths"]["/x/"]["post"]
    operation["parameters"].append({"name": "optional", "in": "query"})
    operation["responses"]["404"] = {"description": ""}
    more["paths"]["/y/"] = {"get": {"responses": {}}}

    assert breaking("v1", made, more) == []
