"""Any chain of transforms: data and schema agree, and what goes forward comes back."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.backstay.versioning.chains import chains, instance_of, refuses, resolve

pytestmark = [pytest.mark.V1, pytest.mark.once]


def downgraded(steps, body):
    for step in steps:
        body = step.downgrade(body)
    return body


def upgraded(steps, body, partial):
    for step in reversed(steps):
        body = step.upgrade(body, partial)
    return body


def agree(data) -> None:
    """An answer of the newest version, carried back, is what the oldest documents."""
    newest, steps, oldest = data.draw(chains())
    body = instance_of(data.draw, newest)
    assert refuses(newest, body) == []
    before = deepcopy((newest, body))
    assert refuses(oldest, downgraded(steps, body)) == []
    assert (newest, body) == before


def come_back(data) -> None:
    """A body of the oldest version is still itself after it was one of the newest."""
    _, steps, oldest = data.draw(chains())
    body = instance_of(data.draw, oldest)
    before = deepcopy(body)
    newest = upgraded(steps, body, data.draw(st.booleans()))
    assert downgraded(steps, newest) == body == before


def are_the_same_names(data) -> None:
    newest, steps, oldest = data.draw(chains())
    names = set(newest["properties"])
    for step in steps:
        names = step.downgrade_names(names)
    assert names == set(oldest["properties"])


RULES = pytest.mark.parametrize("rule", [agree, come_back, are_the_same_names])


@RULES
@hypothesis_settings(max_examples=80)
@given(st.data())
def test_of_some_chains(rule, data):
    rule(data)


@pytest.mark.long
@RULES
@hypothesis_settings(max_examples=5_000)
@given(st.data())
def test_of_any_chain(rule, data):
    rule(data)


def test_a_schema_that_differs_from_the_data_would_be_seen():
    assert refuses({"type": "object", "properties": {}, "required": []}, {"a": 1}) != []
    assert resolve({"$ref": "#/$defs/Money"})["type"] == "object"
