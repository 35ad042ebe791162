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
def cents():
    [block] = re.findall(
        r"^```python\n([^`]*class Cents\(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL
    )
    names: dict[str, Any] = {"__name__": "guide"}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102  # A page of our own.
    return names["Cents"]("price", was="price_cents")


@given(st.integers(-(10**9), 10**9))
def test_what_goes_forward_comes_back(cents, amount):
    body = {"id": 1, "price_cents": amount}
    assert cents.downgrade(cents.upgrade(body)) == body


@pytest.mark.parametrize("value", ["5", None, 1.5, True, [1]])
def test_what_is_no_number_of_cents_is_left_to_validation(cents, value):
    assert cents.upgrade({"price_cents": value}) == {"price": value}


def test_errors_and_schema_have_the_older_name(cents):
    assert cents.downgrade_errors({"price": ["a"], "id": ["b"]}) == {
        "price_cents": ["a"],
        "id": ["b"],
    }
    newer = {"required": ["price"], "properties": {"price": {"type": "string"}}}
    assert cents.downgrade_schema(newer, dict) == {
        "required": ["price_cents"],
        "properties": {"price_cents": {"type": "integer"}},
    }
    assert cents.downgrade_names(newer["properties"]) == {"price_cents"}
