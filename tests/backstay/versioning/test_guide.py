"""The transform that the guide writes does what the guide says of transforms."""

import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

pytestmark = [pytest.mark.V1, pytest.mark.once]

PAGE = Path(__file__).parents[3] / "docs/guide/versions.md"


@pytest.fixture(scope="module")
def split():
    [block] = re.findall(
        r"^```python\n([^`]*class Split\(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102  # A page of our own.
    return names["Split"]("name", into=("first_name", "last_name"))


WORD = st.text("abc", min_size=1, max_size=3)


@given(st.lists(WORD, min_size=1, max_size=3).map(" ".join))
def test_what_goes_forward_comes_back(split, name):
    assert split.downgrade(split.upgrade({"id": 1, "name": name})) == {"id": 1, "name": name}


@pytest.mark.parametrize("body", [{}, {"id": 1}, {"name": 5}, {"name": None}])
def test_what_cannot_be_split_is_left_to_validation(split, body):
    assert split.upgrade(body) == body


def test_errors_and_schema_have_the_older_name(split):
    errors = {"first_name": ["a"], "last_name": ["b"], "id": ["c"]}
    assert split.downgrade_errors(errors) == {"id": ["c"], "name": ["a", "b"]}
    assert split.downgrade_errors({"id": ["c"]}) == {"id": ["c"]}
    text = {"type": "string"}
    newer = {"required": ["first_name"], "properties": {"first_name": text, "last_name": text}}
    older = split.downgrade_schema(newer, dict)
    assert older == {"required": ["name"], "properties": {"name": text}}
    assert split.downgrade_names(newer["properties"]) == {"name"}
