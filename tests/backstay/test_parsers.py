"""What the strict parser refuses, and that it never fails in another way."""

import contextlib
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rest_framework.exceptions import ParseError
from rest_framework.test import APIRequestFactory

from backstay.parsers import MAX_DEPTH, MAX_INTEGER_DIGITS, StrictJSONParser, parse_json

pytestmark = [pytest.mark.E1, pytest.mark.once]

REFUSED = {
    "UTF-16": ('{"a": 1}'.encode("utf-16"), "Not valid UTF-8 at byte 0"),
    "UTF-16 without a mark": ('{"a": 1}'.encode("utf-16-le"), "line 1 column 2"),
    "UTF-7": (b"+AHsAfQ-", "line 1 column 1"),
    "a byte order mark": (b"\xef\xbb\xbf{}", "byte order mark"),
    "half a UTF-8 sequence": (b'{"a": "\xc3"}', "Not valid UTF-8 at byte 7"),
    "a raw surrogate": (b'"\xed\xa0\x80"', "Not valid UTF-8"),
    "NaN": (b'{"a": NaN}', "NaN is not JSON"),
    "Infinity": (b"[Infinity]", "Infinity is not JSON"),
    "minus Infinity": (b"[-Infinity]", "-Infinity is not JSON"),
    "a float that overflows": (b"1e400", "1e400 is too large"),
    "a negative float that overflows": (b"[-1e400]", "-1e400 is too large"),
    "a huge integer": (b"9" * 5000, "is too large"),
    "a name twice": (b'{"a": 1, "b": 2, "a": 3}', 'The name "a" is twice'),
    "a name twice, deep inside": (b'[{"x": {"a": 1, "a": 1}}]', 'The name "a" is twice'),
    "a name twice, written differently": (b'{"a": 1, "\\u0061": 2}', "twice"),
    "100,000 open lists": (b"[" * 100_000, "levels of nesting"),
    "100,000 lists": (b"[" * 100_000 + b"]" * 100_000, "levels of nesting"),
    "100,000 objects": (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, "levels of nesting"),
    "one level too many": (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels of nesting"),
    "NUL in a string": (b'{"a": "x\\u0000"}', "U+0000"),
    "NUL in a name": (b'{"x\\u0000": 1}', "U+0000"),
    "a high surrogate alone": (b'["\\ud800"]', "U+D800"),
    "a low surrogate alone": (b'["\\udc00 "]', "U+DC00"),
    "surrogates the wrong way round": (b'["\\uDC00\\uD800"]', "U+DC00"),
    "a surrogate in a nested name": (b'{"a": [{"\\uDFFF": 1}]}', "U+DFFF"),
    "a body cut short": (b'{"a": 1', "line 1 column 8"),
    "text after the value": (b"{} {}", "line 1 column 4"),
    "white space only": (b"  \n ", "line 2 column 2"),
    "a single quote": (b"{'a': 1}", "line 1 column 2"),
    "a raw control character": (b'{"a": "\n"}', "line 1 column 8"),
}

READ = {
    "an object": (b'{"a": [1, 2.5, true, null, "x"]}', {"a": [1, 2.5, True, None, "x"]}),
    "an escaped surrogate pair": (b'"\\ud83d\\ude00"', "\U0001f600"),
    "the text \\u0000, its backslash escaped": (b'"\\\\u0000"', "\\u0000"),
    "the same name in two objects": (b'[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
    "a number that vanishes": (b"1e-400", 0.0),
    "the longest integer": (b"1" * MAX_INTEGER_DIGITS, int("1" * MAX_INTEGER_DIGITS)),
    "many shallow objects": (b"[" + b",".join([b"{}"] * 500) + b"]", [{}] * 500),
}


class TestRefuses:
    @pytest.mark.parametrize(("body", "says"), REFUSED.values(), ids=REFUSED)
    def test_with_a_message_that_says_what(self, body, says):
        with pytest.raises(ParseError) as refusal:
            parse_json(body)
        assert says in str(refusal.value.detail)
        assert len(str(refusal.value.detail)) < 150

    @pytest.mark.parametrize("charset", ["latin-1", "utf-16", "UTF-7", "nonsense\N{BULLET}"])
    def test_any_declared_charset_but_utf_8(self, charset):
        with pytest.raises(ParseError, match="charset must be utf-8"):
            StrictJSONParser().parse(io.BytesIO(b"{}"), f"application/json; charset={charset}")

    def test_a_body_shorter_than_its_declared_length(self):
        request = APIRequestFactory().post("/", {"quantity": 12}, format="json")
        request.META["CONTENT_LENGTH"] = "100"
        with pytest.raises(ParseError, match="ended after 2 of 100 bytes"):
            StrictJSONParser().parse(io.BytesIO(b"{}"), "application/json", {"request": request})


class TestReads:
    @pytest.mark.parametrize(("body", "value"), READ.values(), ids=READ)
    def test_what_has_one_meaning(self, body, value):
        assert parse_json(body) == value

    @pytest.mark.parametrize("declared", ["UTF-8", '"utf-8"', "utf8"])
    def test_utf_8_however_it_is_declared(self, declared):
        media_type = f"application/json; charset={declared}"
        assert StrictJSONParser().parse(io.BytesIO(b'"\xc3\xa4"'), media_type) == "ä"

    def test_the_deepest_nesting_allowed(self):
        parse_json(b"[" * MAX_DEPTH + b"1" + b"]" * MAX_DEPTH)

    def test_every_integer_as_a_number_that_float_takes(self):
        float(parse_json(b"9" * MAX_INTEGER_DIGITS))


class TestAnyInput:
    @given(st.binary(max_size=200))
    def test_bytes_are_read_or_refused(self, body):
        with contextlib.suppress(ParseError):
            parse_json(body)

    @given(st.text(alphabet='[]{}",:\\u0dDdeE+-.19nulltrfasNI \n', max_size=80))
    def test_near_json_is_read_or_refused(self, text):
        try:
            value = parse_json(text.encode())
        except ParseError:
            return
        # What was read can be stored and sent again.
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()


def test_a_name_that_is_twice_among_many_is_found_in_one_pass():
    """Compared name by name, these would take a minute."""
    names = ",".join(f'"{number}": 0' for number in range(100_000))
    with pytest.raises(ParseError, match='"99999" is twice'):
        parse_json(f'{{{names}, "99999": 0}}'.encode())
