"""Whatever a plan's answer holds is written as DRF writes it, with orjson or without."""

import datetime
from decimal import Decimal
from types import SimpleNamespace

import pytest
from django.utils.functional import lazystr
from hypothesis import given
from hypothesis import strategies as st
from rest_framework import renderers

from backstay.readplan import JSONRenderer, render
from backstay.readplan.execute import plain

pytestmark = [pytest.mark.once, pytest.mark.L1]

texts = st.text(st.characters(), max_size=20)
odd_texts = st.sampled_from(
    ["\u2028", "a\u2029b", "\x00\x1f\x7f", "\ud800", "🎉", '"\\/', "</script>", ""]
)
numbers = st.one_of(
    st.integers(),
    st.integers(min_value=2**63 - 2, max_value=2**64 + 2),
    st.floats(),
    st.sampled_from([1e16, 1e15, 9999999999999998.0, 1e-4, 9.9e-5, 1e-5, -0.0, 1e22, 5e-324]),
    st.decimals(),
)
moments = st.one_of(
    st.datetimes(),
    st.datetimes(timezones=st.just(datetime.UTC)),
    st.dates(),
    st.times(),
    st.timedeltas(),
)
leaves = st.one_of(
    *(st.none(), st.booleans(), numbers, texts, odd_texts, st.uuids(), moments),
    st.binary(max_size=5),
    st.builds(lazystr, texts),
)
keys = st.one_of(texts, odd_texts)
bodies = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.dictionaries(keys, inner, max_size=4),
        st.dictionaries(st.one_of(keys, st.integers(), st.booleans()), inner, max_size=3),
        st.tuples(inner, inner),
    ),
    max_leaves=12,
)


def rendered(renderer, data, media_type=None, context=None):
    try:
        return renderer.render(data, media_type, context)
    except Exception as error:  # noqa: BLE001  # Whatever one raises, the other has to.
        return type(error)


def by_plan(data, media_type=None, *, alike=None, renderer=None):
    alike = plain(data) if alike is None else alike
    context = {"view": SimpleNamespace(plain_bodies=alike)}
    return rendered(renderer or JSONRenderer(), data, media_type, context)


class TestBytes:
    @given(data=bodies)
    def test_are_drfs(self, data):
        assert by_plan(data) == rendered(renderers.JSONRenderer(), data)

    @given(data=st.lists(numbers, max_size=6))
    def test_of_numbers_are_drfs(self, data):
        assert by_plan(data) == rendered(renderers.JSONRenderer(), data)

    @given(data=bodies)
    def test_with_an_indent_are_drfs(self, data):
        media_type = "application/json; indent=3"
        expected = rendered(renderers.JSONRenderer(), data, media_type)
        assert by_plan(data, media_type) == expected

    def test_of_nothing_are_none(self):
        assert by_plan(None) == b""

    def test_without_orjson_are_the_same(self, monkeypatch):
        monkeypatch.setattr(render, "orjson", None)
        data = {"a": [1, "\u2028", Decimal("1.50")]}
        assert by_plan(data) == renderers.JSONRenderer().render(data)

    @pytest.mark.parametrize(
        "change", [{"compact": False}, {"ensure_ascii": True}, {"strict": False}]
    )
    def test_of_a_renderer_that_was_set_otherwise_are_its_own(self, change):
        data = {"a": ["ü", 1.5]}
        drf, ours = renderers.JSONRenderer(), JSONRenderer()
        for renderer in (drf, ours):
            vars(renderer).update(change)
        assert by_plan(data, renderer=ours) == drf.render(data)


class TestOrjson:
    def test_is_at_work_where_it_writes_alike(self):
        """It writes a float beyond the bounds in its own way, which shows that it wrote."""
        assert by_plan([1e-5], alike=True) != renderers.JSONRenderer().render([1e-5])

    @pytest.mark.parametrize(
        "value", [1e16, 9.9e-5, float("nan"), float("inf"), -1e300, Decimal("1E-5"), Decimal("NaN")]
    )
    def test_is_not_given_what_it_writes_differently(self, value):
        assert not plain(value)
        assert not plain({"a": [{"b": value}]})

    @pytest.mark.parametrize(
        "value", [0.0, -0.0, 1e-4, 9999999999999998.0, -1.5, Decimal("1.10"), True, None]
    )
    def test_is_given_the_rest(self, value):
        assert plain(value)

    @pytest.mark.parametrize("value", [2**64, -(2**63) - 1, "\ud800", {1: 2}, b"x", object()])
    def test_leaves_to_drf_what_it_cannot_write(self, value):
        assert by_plan([value], alike=True) == rendered(renderers.JSONRenderer(), [value])
