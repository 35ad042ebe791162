"""Keys are read from a JWK Set, pinned to their algorithm, and taken up when they change."""

import os

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from backstay.auth.errors import TokenInvalid
from backstay.auth.keys import KeyRing, load_keys, parse_key, thumbprint
from backstay.auth.tokens import Codec
from backstay.counters import counted
from tests.backstay.auth.jwks import (
    EC_KEY,
    ED_KEY,
    NOW,
    RSA_KEY,
    claims,
    ec_jwk,
    ed_jwk,
    jwks,
    oct_jwk,
    rsa_jwk,
)

pytestmark = [pytest.mark.A8, pytest.mark.once]

PRIVATE = {
    "HS256": oct_jwk(),
    "RS256": rsa_jwk(),
    "ES256": ec_jwk(),
    "EdDSA": ed_jwk(),
}
PUBLIC = {
    "RS256": rsa_jwk(RSA_KEY.public_key()),
    "ES256": ec_jwk(EC_KEY.public_key()),
    "EdDSA": ed_jwk(ED_KEY.public_key()),
}


def codec(*keys):
    return Codec(KeyRing.from_jwks(jwks(*keys)), "backstay", "backstay", 0, clock=lambda: NOW)


@pytest.fixture
def key_file(tmp_path):
    """Write a key file; each writing has its own time, as on a real clock."""
    path = tmp_path / "keys.json"
    written = iter(range(1, 1000))

    def write(*keys):
        path.write_text(jwks(*keys))
        os.utime(path, (next(written),) * 2)

    with override_settings(BACKSTAY={"AUTH_KEYS": str(path)}):
        yield write


class TestAlgorithms:
    @pytest.mark.parametrize("algorithm", PRIVATE)
    def test_a_key_verifies_what_it_signed(self, algorithm):
        ring = codec(PRIVATE[algorithm])

        assert ring.keys.signer.algorithm == algorithm
        assert ring.decode(ring.encode(claims()), "access") == claims()

    @pytest.mark.parametrize("algorithm", PUBLIC)
    def test_a_public_key_verifies_what_its_private_key_signed(self, algorithm):
        token = codec(PRIVATE[algorithm]).encode(claims())

        assert codec(oct_jwk(), PUBLIC[algorithm]).decode(token, "access") == claims()

    @pytest.mark.parametrize("algorithm", PRIVATE)
    def test_another_message_is_not_verified(self, algorithm):
        key = parse_key(PRIVATE[algorithm])

        assert key.verify(b"message", key.sign(b"message"))
        assert not key.verify(b"another", key.sign(b"message"))

    @pytest.mark.parametrize("algorithm", PRIVATE)
    @pytest.mark.parametrize("signature", [b"", b"\x00", b"\x00" * 32, b"\x00" * 64, b"\xff" * 256])
    def test_an_absurd_signature_is_false_not_an_error(self, algorithm, signature):
        assert parse_key(PRIVATE[algorithm]).verify(b"message", signature) is False


class TestKeyRing:
    def test_the_first_key_that_can_sign_signs(self):
        ring = KeyRing.from_jwks(jwks(PUBLIC["RS256"], ec_jwk(kid="new"), oct_jwk(kid="old")))

        assert ring.signer.kid == "new"
        assert len(ring.by_kid) == 3

    def test_a_new_key_is_put_first_and_logs_nobody_out(self):
        before = codec(oct_jwk(kid="old")).encode(claims())
        rotated = codec(ed_jwk(kid="new"), oct_jwk(kid="old"))

        assert rotated.decode(before, "access") == claims()
        assert rotated.decode(rotated.encode(claims()), "access") == claims()

    def test_a_key_that_was_removed_verifies_nothing(self):
        before = codec(oct_jwk(kid="old")).encode(claims())

        with pytest.raises(TokenInvalid):
            codec(ed_jwk(kid="new")).decode(before, "access")

    def test_a_kid_stands_for_one_key_only(self):
        """Two keys of one algorithm: the other one's kid does not open the door."""
        token = codec(oct_jwk(b"a" * 32, kid="one")).encode(claims())

        with pytest.raises(TokenInvalid):
            codec(oct_jwk(b"b" * 32, kid="one"), oct_jwk(b"a" * 32, kid="two")).decode(
                token, "access"
            )

    def test_a_set_that_only_verifies_is_refused(self):
        with pytest.raises(ImproperlyConfigured, match="no key can sign"):
            KeyRing.from_jwks(jwks(*PUBLIC.values()))

    def test_two_keys_of_one_kid_are_refused(self):
        with pytest.raises(ImproperlyConfigured, match="same kid"):
            KeyRing.from_jwks(jwks(oct_jwk(kid="a"), ec_jwk(kid="a")))

    @pytest.mark.parametrize(
        "document",
        ["", "no JSON", "[]", "null", "5", "{}", '{"keys": []}', '{"keys": {}}', '{"keys": "abc"}'],
    )
    def test_what_is_no_set_is_refused(self, document):
        with pytest.raises(ImproperlyConfigured, match="expected a JWK Set"):
            KeyRing.from_jwks(document)


REFUSED = {
    "not an object": "secret",
    "a list": ["oct"],
    "no type": {"alg": "HS256", "k": "c2VjcmV0"},
    "an unknown type": {"kty": "XYZ"},
    "no secret": {"kty": "oct", "alg": "HS256"},
    "alg none": oct_jwk(alg="none"),
    "alg HS512": oct_jwk(b"s" * 64, alg="HS512"),
    "alg RS512": rsa_jwk(alg="RS512"),
    "alg PS256": rsa_jwk(alg="PS256"),
    "an alg that is no string": oct_jwk(alg=["HS256"]),
    "an RSA key for HS256": rsa_jwk(alg="HS256"),
    "a secret for RS256": oct_jwk(alg="RS256"),
    "an EC key on another curve": ec_jwk(ec.generate_private_key(ec.SECP384R1())),
    "an EC key on another curve that says ES256": ec_jwk(
        ec.generate_private_key(ec.SECP384R1()), alg="ES256"
    ),
    "a key for encryption": oct_jwk(use="enc"),
    "a kid that is a number": oct_jwk(kid=5),
    "a kid that is a list": oct_jwk(kid=["a"]),
}


class TestParseKey:
    @pytest.mark.parametrize("jwk", REFUSED.values(), ids=REFUSED)
    def test_refuses(self, jwk):
        with pytest.raises(ImproperlyConfigured, match="AUTH_KEYS"):
            parse_key(jwk)

    @pytest.mark.parametrize("length", [0, 1, 31])
    def test_refuses_a_secret_shorter_than_the_hash(self, length):
        with pytest.raises(ImproperlyConfigured):
            parse_key(oct_jwk(b"s" * length))

    def test_names_the_weakness_and_not_the_secret(self):
        with pytest.raises(ImproperlyConfigured) as caught:
            parse_key(oct_jwk(b"s" * 31, kid="mine"))

        assert str(caught.value) == "AUTH_KEYS: key mine has 31 bytes, HS256 needs 32."

    def test_does_not_quote_a_key_that_cannot_be_read(self):
        with pytest.raises(ImproperlyConfigured) as caught:
            parse_key({"kty": "XYZ", "k": "hunter2"})

        assert "hunter2" not in str(caught.value)
        assert caught.value.__cause__ is None
        assert caught.value.__suppress_context__

    def test_refuses_a_short_rsa_key(self):
        short = rsa.generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505  # It is what must be refused.

        for key in (short, short.public_key()):
            with pytest.raises(ImproperlyConfigured, match="1024 bits, RS256 needs 2048"):
                parse_key(rsa_jwk(key))

    def test_names_a_key_after_its_thumbprint(self):
        assert parse_key(ec_jwk()).kid == thumbprint(ec_jwk(EC_KEY.public_key()))


class TestThumbprint:
    def test_is_that_of_the_example_in_rfc_7638(self):
        """Section 3.1."""
        jwk = {
            "kty": "RSA",
            "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1"
            "L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v"
            "-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNL"
            "yrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJz"
            "KnqDKgw",
            "e": "AQAB",
            "alg": "RS256",
            "kid": "2011-04-29",
        }

        assert thumbprint(jwk) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


class TestLoadKeys:
    def test_without_a_file_one_key_is_derived_from_the_secret_key(self):
        with override_settings(BACKSTAY={}, SECRET_KEY="one" * 20):
            first = load_keys().signer
        with override_settings(BACKSTAY={}, SECRET_KEY="two" * 20):
            second = load_keys().signer

        assert first.algorithm == "HS256"
        assert first.signing != b"one" * 20
        assert first.kid != second.kid

    def test_a_changed_file_is_taken_up_at_once(self, key_file):
        key_file(oct_jwk(kid="old"))
        assert load_keys().signer.kid == "old"

        key_file(ed_jwk(kid="new"), oct_jwk(kid="old"))
        assert load_keys().signer.kid == "new"
        assert set(load_keys().by_kid) == {"new", "old"}

    def test_an_unchanged_file_is_read_once(self, key_file):
        key_file(oct_jwk())

        assert load_keys() is load_keys()

    def test_a_missing_file_is_named(self):
        with (
            override_settings(BACKSTAY={"AUTH_KEYS": "/nowhere/keys.json"}),
            pytest.raises(ImproperlyConfigured, match=r"/nowhere/keys\.json: No such file"),
        ):
            load_keys()

    def test_a_file_of_other_bytes_is_refused(self, key_file, tmp_path):
        (tmp_path / "keys.json").write_bytes(b"\xff\xfe\x00")

        with pytest.raises(ImproperlyConfigured, match="AUTH_KEYS"):
            load_keys()

    def test_a_key_in_the_file_may_not_be_weak(self, key_file):
        key_file(oct_jwk(), oct_jwk(b"short", kid="weak"))

        with pytest.raises(ImproperlyConfigured, match="key weak has 5 bytes"):
            load_keys()

    def test_a_file_put_in_its_place_within_one_tick_of_the_clock_is_taken_up(
        self, key_file, tmp_path
    ):
        key_file(oct_jwk(kid="old"))
        os.utime(tmp_path / "keys.json", ns=(NOW, NOW))
        assert load_keys().signer.kid == "old"

        (tmp_path / "new.json").write_text(jwks(oct_jwk(kid="new")))
        os.utime(tmp_path / "new.json", ns=(NOW, NOW))
        (tmp_path / "new.json").rename(tmp_path / "keys.json")
        assert load_keys().signer.kid == "new"

    @pytest.mark.parametrize("opening", ["[", '{"keys":[', '{"a":'])
    def test_a_file_nested_too_deep_is_refused(self, key_file, tmp_path, opening):
        (tmp_path / "keys.json").write_text(opening * 100_000)

        with pytest.raises(ImproperlyConfigured, match="expected a JWK Set"):
            load_keys()

    def test_keys_of_older_secret_keys_verify_and_do_not_sign(self):
        with override_settings(BACKSTAY={}, SECRET_KEY="one" * 20):
            older = load_keys().signer
        with override_settings(
            BACKSTAY={}, SECRET_KEY="two" * 20, SECRET_KEY_FALLBACKS=["one" * 20, "two" * 20]
        ):
            ring = load_keys()

        assert ring.signer.kid != older.kid
        assert list(ring.by_kid) == [ring.signer.kid, older.kid]
        assert ring.by_kid[older.kid].verify(b"message", older.sign(b"message"))


WEAK = {
    "a secret of 31 bytes": oct_jwk(b"s" * 31, kid="weak"),
    "an RSA key of 1,024 bits": rsa_jwk(
        rsa.generate_private_key(public_exponent=65537, key_size=1024),  # noqa: S505  # It is what must be refused.
        kid="weak",
    ),
    "an EC key on P-384": ec_jwk(ec.generate_private_key(ec.SECP384R1()), kid="weak", alg="ES256"),
}


class TestStart:
    @pytest.mark.parametrize("jwk", WEAK.values(), ids=WEAK)
    @pytest.mark.parametrize("place", [0, 1])
    def test_a_weak_key_refuses_to_start_whether_it_signs_or_not(self, key_file, jwk, place):
        keys = [ed_jwk()]
        keys.insert(place, jwk)
        key_file(*keys)
        (error,) = [error for error in run_checks() if error.id == "backstay.E004"]

        assert error.is_serious()
        assert error.msg.startswith("AUTH_KEYS: key weak ")


class TestFileThatIsSpoiledInService:
    """Nobody is logged out by it, and somebody can see it."""

    @pytest.mark.parametrize("spoil", ["gone", "garbage", "weak"])
    def test_the_keys_that_were_read_stay_in_force(self, tmp_path, spoil):
        path = tmp_path / "keys.json"
        path.write_text(jwks(oct_jwk(kid="good")))
        with override_settings(BACKSTAY={"AUTH_KEYS": str(path)}):
            good = load_keys()
            before = counted("auth_keys_unusable")
            if spoil == "gone":
                path.unlink()
            else:
                path.write_text("no keys" if spoil == "garbage" else jwks(oct_jwk(b"short")))
            assert load_keys() is good
            assert counted("auth_keys_unusable") == before + 1
            path.write_text(jwks(oct_jwk(kid="newer")))
            assert load_keys().signer.kid == "newer"

    def test_it_still_refuses_the_next_start(self, tmp_path):
        path = tmp_path / "keys.json"
        path.write_text(jwks(oct_jwk(kid="good")))
        with override_settings(BACKSTAY={"AUTH_KEYS": str(path)}):
            load_keys()
            path.write_text("no keys")
            assert "backstay.E004" in {message.id for message in run_checks()}
