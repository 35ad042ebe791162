"""JSON that reads back as it was written, or a refusal that says where."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

import pytest
from django.utils.safestring import mark_safe

from backstay.outbox.payload import MAX_BYTES, InvalidPayload, encode
from tests.backstay.testapp.models import Shelf

pytestmark = pytest.mark.once


class Colour(StrEnum):
    RED = "red"


class TestAccepted:
    @pytest.mark.parametrize(
        "value",
        [
            *(None, True, 0, -1, 2**70, 1.5, 1e22, 0.1, "", "Zoë", "\x00", "\ud800", "a\u2028b"),
            [],
            {},
            [1, [2, {"a": None}]],
            {"b": [True, False], "": 1},
        ],
        ids=repr,
    )
    def test_reads_back_equal_in_value_and_type(self, value):
        back = json.loads(encode({"value": value}))["value"]
        assert repr(back) == repr(value)

    def test_is_ascii_so_that_any_column_holds_it(self):
        assert encode({"value": "Zoë\x00"}).isascii()


class TestRefused:
    @pytest.mark.parametrize(
        "value",
        [
            Shelf(pk=1, name="A"),
            datetime(2026, 6, 1, tzinfo=UTC),
            Decimal("1.50"),
            UUID(int=1),
            (1, 2),
            {1, 2},
            b"bytes",
            Colour.RED,
            mark_safe("text"),  # Only its type matters.
            float("nan"),
            float("inf"),
            {1: "one"},
            object(),
        ],
        ids=lambda value: type(value).__name__,
    )
    def test_what_json_lacks_or_would_change(self, value):
        with pytest.raises(InvalidPayload):
            encode({"value": value})

    def test_and_it_is_told_where(self):
        with pytest.raises(InvalidPayload, match=r"items\[1\]\.price is a Decimal"):
            encode({"items": [{"price": 1}, {"price": Decimal(1)}]})

    def test_a_list_in_itself(self):
        endless: list[object] = []
        endless.append(endless)
        with pytest.raises(InvalidPayload, match="nested too deeply"):
            encode({"value": endless})

    def test_over_four_kilobytes(self):
        frame = len(encode({"value": ""}))
        encode({"value": "x" * (MAX_BYTES - frame)})
        with pytest.raises(InvalidPayload, match="4097 bytes, 4096 are allowed"):
            encode({"value": "x" * (MAX_BYTES - frame + 1)})
