"""What a shared cache holds can be read and made by nobody without the key."""

import pytest
from django.http import HttpResponse

from backstay.caching.entries import decode, encode
from backstay.caching.sealing import seal, unseal

pytestmark = [pytest.mark.C1, pytest.mark.M1, pytest.mark.once]

BODY = b'{"email":"ada@shop.example"}'


class TestEntries:
    def test_one_comes_back_as_it_was(self):
        found = decode(encode({"Content-Type": "application/json"}, BODY))

        assert isinstance(found, HttpResponse)
        assert (found.content, found.headers["Content-Type"]) == (BODY, "application/json")

    def test_it_shows_nothing(self):
        kept = encode({"X-Name": "Ada"}, BODY)

        assert not [part for part in (b"ada@", b"X-Name", b"email") if part in kept]

    def test_the_same_twice_is_not_the_same(self):
        assert encode({}, BODY) != encode({}, BODY)

    @pytest.mark.parametrize("change", [0, 12, 20, -1])
    def test_one_that_was_altered_is_none(self, change):
        altered = bytearray(encode({}, BODY))
        altered[change] ^= 1

        assert decode(bytes(altered)) is None

    @pytest.mark.parametrize("forged", [b"", b"x", b"\0" * 12, b"\0" * 64, b"backstay-1 {}\nbody"])
    def test_one_that_was_not_made_here_is_none(self, forged):
        assert decode(forged) is None

    def test_one_of_another_key_is_none(self, settings):
        kept = seal(BODY)
        settings.SECRET_KEY = "another key that is long enough to be one, as keys go here"

        assert unseal(kept) is None
