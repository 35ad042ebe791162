"""What a key is, and what is none."""

import pytest

from backstay.idempotency.keys import MAX_LENGTH, InvalidKey, parse_key

pytestmark = [pytest.mark.once, pytest.mark.O2]


@pytest.mark.parametrize(
    ("written", "key"),
    [
        ('"8e03978e-40d5-43dd-bc93-6894a57f9324"', "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("8e03978e-40d5-43dd-bc93-6894a57f9324", "8e03978e-40d5-43dd-bc93-6894a57f9324"),
        ("  spaced\t", "spaced"),
        ('"two words, a comma"', "two words, a comma"),
        (
            r'"a \"quote\" and a \\"',
            'a "quote" and a \\',
        ),
        ("a" * MAX_LENGTH, "a" * MAX_LENGTH),
        (f'"{"a" * MAX_LENGTH}"', "a" * MAX_LENGTH),
    ],
)
def test_a_key_is_read_with_quotes_and_without(written, key):
    assert parse_key(written) == key


@pytest.mark.parametrize(
    "written",
    [
        "",
        '""',
        "a" * (MAX_LENGTH + 1),
        "a" * 300,
        f'"{"a" * 300}"',
        "one,two",
        '"one", "two"',
        '"open',
        '"stray " quote"',
        r'"bad \escape"',
        "a\x00b",
        '"a\x1fb"',
        "a\x7f",
        "a\nb",
        "schlüssel",
        '"a";p=1',
    ],
)
def test_anything_else_is_refused(written):
    with pytest.raises(InvalidKey):
        parse_key(written)
