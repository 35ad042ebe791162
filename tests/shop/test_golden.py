"""
The bodies of both versions, to the letter, for each endpoint, and the examples made of them.

``WRITE=1 .venv/bin/python -m pytest tests/shop/test_golden.py`` writes the files anew; what
has changed is then to be seen in the difference. A field may be added to them, never taken away.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest
import time_machine
from openapi_schema_validator import OAS31Validator

from backstay.contrib.spectacular.documents import generate
from backstay.versioning.shapes import flat, target
from shop.environment import ROOT
from tests.shop.exchanges import NOW, Exchange, reset_sequences, walk

pytestmark = [
    pytest.mark.V1,
    pytest.mark.M3,
    pytest.mark.once,
    pytest.mark.django_db(transaction=True, reset_sequences=True),
    pytest.mark.usefixtures("unlimited"),
]

GOLDEN = Path(__file__).parent / "golden"
EXAMPLES = ROOT / "shop" / "examples.json"
VERSIONS = ("v1", "v2")
WRITE = bool(os.environ.get("WRITE"))


@pytest.fixture(params=VERSIONS)
def exchanges(request, signed_in) -> tuple[str, list[Exchange]]:
    reset_sequences()
    with time_machine.travel(NOW, tick=False) as clock:
        return request.param, walk(request.param, signed_in, clock)


def text_of(told: Any) -> str:
    return json.dumps(told, ensure_ascii=False, indent=1) + "\n"


def kept(path: Path, told: Any) -> Any:
    """What the file holds; where it is to be written, what is told."""
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text_of(told), encoding="utf-8")
    return json.loads(path.read_text(encoding="utf-8"))


def examples_of(exchanges: list[Exchange]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The first answer of each operation and status, and the first problem of each code."""
    answers: dict[str, Any] = {}
    problems: dict[str, Any] = {}
    for one in exchanges:
        kind = one.headers.get("Content-Type")
        if kind == "application/json" and one.status < 400:
            answers.setdefault(one.name, one.body)
        elif kind == "application/problem+json":
            problems.setdefault(one.body["code"], one.body)
    return answers, problems


def test_bodies_are_what_they_were_and_what_the_document_shows(exchanges) -> None:
    version, walked = exchanges
    by_resource: dict[str, list[Any]] = {}
    for one in walked:
        by_resource.setdefault(one.resource, []).append(one.as_json())

    for resource, told in by_resource.items():
        assert kept(GOLDEN / version / f"{resource}.json", told) == told
    if not WRITE:
        assert {path.stem for path in (GOLDEN / version).iterdir()} == by_resource.keys()

    answers, problems = examples_of(walked)
    stored = json.loads(EXAMPLES.read_text(encoding="utf-8")) if EXAMPLES.exists() else {}
    shown = {**stored, version: {"answers": answers, "problems": problems}}
    assert kept(EXAMPLES, shown) == shown

    document = generate(version)
    for one in walked:
        assert one.status < 400 or one.body["code"] in codes_of(document, one), one.name
    answered = {(one.method, one.template) for one in walked if one.status < 400}
    assert answered == operations(document) - NEVER


#: Ending a session needs its id, which is drawn.
NEVER = {
    ("DELETE", "/api/token/sessions/{id}/"),
    ("POST", "/api/token/cookie/refresh/"),
}


def codes_of(document: dict[str, Any], one: Exchange) -> list[str]:
    """The codes that are documented for the operation and the status."""
    response = document["paths"][one.template][one.method.lower()]["responses"][str(one.status)]
    content = target(document, response["$ref"])["content"]["application/problem+json"]
    [form] = flat(document, content["schema"])
    [code] = flat(document, form["properties"]["code"])
    return list(code["enum"])


def operations(document: dict[str, Any]) -> set[tuple[str, str]]:
    return {(method.upper(), path) for path, item in document["paths"].items() for method in item}


@pytest.mark.once
@pytest.mark.parametrize("version", VERSIONS)
def test_every_example_is_of_the_schema_it_stands_beside(version: str) -> None:
    document = generate(version)
    seen = 0
    for item in document["paths"].values():
        for operation in item.values():
            for response in operation["responses"].values():
                content = response.get("content", {}).get("application/json", {})
                if "example" in content:
                    seen += 1
                    schema = {**content["schema"], "components": document["components"]}
                    OAS31Validator(schema).validate(content["example"])
    problem = document["components"]["schemas"]["Problem"]
    for example in document["components"]["examples"].values():
        OAS31Validator(problem).validate(example["value"])
    assert seen > 30
