"""The codec takes its own tokens and refuses everything else, in two ways only."""

import json
import string
import time
from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from hypothesis import given
from hypothesis import strategies as st

from backstay.auth.errors import TokenExpired, TokenInvalid
from backstay.auth.keys import KeyRing, parse_key
from backstay.auth.tokens import MAX_TIME, MAX_TOKEN_BYTES, Codec
from tests.backstay.auth.jwks import (
    ED_KEY,
    NOW,
    RSA_KEY,
    b64,
    claims,
    ec_jwk,
    ed_jwk,
    jwks,
    oct_jwk,
    rsa_jwk,
    segment,
)

pytestmark = [pytest.mark.A2, pytest.mark.once]

LEEWAY = 10
KEYS = KeyRing.from_jwks(
    jwks(oct_jwk(kid="hs"), rsa_jwk(kid="rs"), ec_jwk(kid="es"), ed_jwk(kid="ed"))
)
RIGHT_HEADER = {"alg": "HS256", "kid": "hs", "typ": "JWT"}


def codec(now=NOW):
    return Codec(KEYS, "backstay", "backstay", LEEWAY, clock=lambda: now)


def signed(payload=None, header=None, *, kid="hs"):
    """A token of any header and payload, signed with the key *kid* as we would."""
    message = f"{segment(header or RIGHT_HEADER)}.{segment(payload or claims())}"
    return f"{message}.{b64(KEYS.by_kid[kid].sign(message.encode()))}"


def signed_with_secret(secret, **header):
    """Signed by HMAC with what is no secret of ours."""
    stranger = parse_key(oct_jwk(secret))
    message = f"{segment({**RIGHT_HEADER, **header})}.{segment(claims())}"
    return f"{message}.{b64(stranger.sign(message.encode()))}"


def public_bytes(key, encoding):
    return key.public_key().public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo)


RSA_PEM = public_bytes(RSA_KEY, serialization.Encoding.PEM)
RSA_DER = public_bytes(RSA_KEY, serialization.Encoding.DER)
ED_RAW = ED_KEY.public_key().public_bytes_raw()

RIGHT = signed()
HEADER, PAYLOAD, SIGNATURE = RIGHT.split(".")


def with_header(**members):
    return signed(header={**RIGHT_HEADER, **members})


def without_header(name):
    return signed(header={key: value for key, value in RIGHT_HEADER.items() if key != name})


FORGED = {
    # The algorithm is the key's, never the token's (RFC 8725 section 3.1).
    "alg none, no signature": f"{segment({**RIGHT_HEADER, 'alg': 'none'})}.{PAYLOAD}.",
    "alg none, our signature": with_header(alg="none"),
    "alg None in another case": f"{segment({**RIGHT_HEADER, 'alg': 'nOnE'})}.{PAYLOAD}.",
    "no alg": without_header("alg"),
    "alg null": with_header(alg=None),
    "alg a list": with_header(alg=["HS256"]),
    "alg in lower case": with_header(alg="hs256"),
    "an alg that is not offered": with_header(alg="HS512"),
    "another key's alg": with_header(alg="RS256"),
    "HMAC with the RSA key's PEM": signed_with_secret(RSA_PEM, kid="rs"),
    "HMAC with the RSA key's stripped PEM": signed_with_secret(RSA_PEM.strip(), kid="rs"),
    "HMAC with the RSA key's DER": signed_with_secret(RSA_DER, kid="rs"),
    "HMAC with the Ed25519 public key": signed_with_secret(ED_RAW, kid="ed"),
    "HMAC that says RS256": signed_with_secret(RSA_PEM, kid="rs", alg="RS256"),
    "the signature of another key of ours": signed(kid="ed"),
    # The signature.
    "an empty signature": f"{HEADER}.{PAYLOAD}.",
    "no signature": f"{HEADER}.{PAYLOAD}",
    "half a signature": f"{HEADER}.{PAYLOAD}.{SIGNATURE[:20]}",
    "a signature and more": f"{HEADER}.{PAYLOAD}.{SIGNATURE}AAAA",
    "zeros for a signature": f"{HEADER}.{PAYLOAD}.{b64(bytes(32))}",
    "zeros for an EC signature": (
        f"{segment({'alg': 'ES256', 'kid': 'es', 'typ': 'JWT'})}.{PAYLOAD}.{b64(bytes(64))}"
    ),
    "another payload under the signature": f"{HEADER}.{segment(claims(user_id=2))}.{SIGNATURE}",
    "another header over the signature": f"{segment([RIGHT_HEADER])}.{PAYLOAD}.{SIGNATURE}",
    "a stranger's secret": signed_with_secret(b"x" * 32),
    # Members of the header that change what a verifier does.
    "b64 false": with_header(b64=False, crit=["b64"]),
    "b64 false without crit": with_header(b64=False),
    "crit": with_header(crit=["exp"]),
    "an empty crit": with_header(crit=[]),
    "a compressed payload": with_header(zip="DEF"),
    "a nested token": with_header(cty="JWT"),
    "jku": with_header(jku="https://evil.example/jwks.json"),
    "x5u": with_header(x5u="https://evil.example/cert.pem"),
    "x5c": with_header(x5c=["MIIB"]),
    "a key inside": with_header(jwk=oct_jwk(b"x" * 32)),
    "typ missing": without_header("typ"),
    "typ of another kind": with_header(typ="at+jwt"),
    "typ in lower case": with_header(typ="jwt"),
    "typ null": with_header(typ=None),
    "typ a list": with_header(typ=["JWT"]),
    # The key id is looked up and nothing else.
    "no kid": without_header("kid"),
    "kid unknown": with_header(kid="other"),
    "kid empty": with_header(kid=""),
    "kid null": with_header(kid=None),
    "kid a path": with_header(kid="../../../../dev/null"),
    "kid a query": with_header(kid="hs' UNION SELECT 'secret' --"),
    "kid a command": with_header(kid="| cat /etc/passwd"),
    "kid a URL": with_header(kid="https://evil.example/key"),
    "kid with NUL": with_header(kid="hs\x00"),
    "kid a number": with_header(kid=0),
    "kid true": with_header(kid=True),
    "kid a list": with_header(kid=["hs"]),
    "kid an object": with_header(kid={"hs": 1}),
    # The form.
    "nothing": "",
    "one dot": ".",
    "two dots": "..",
    "a word": "token",
    "a space": " ",
    "one part more": f"{RIGHT}.{SIGNATURE}",
    "a dot twice": f"{HEADER}..{PAYLOAD}.{SIGNATURE}",
    "a dot before": f".{RIGHT}",
    "a dot after": f"{RIGHT}.",
    "only dots": "." * 100_000,
    "five parts, as encrypted": f"{HEADER}.a.b.c.{SIGNATURE}",
    "JSON": json.dumps({"payload": PAYLOAD, "signature": SIGNATURE, "protected": HEADER}),
    "a padded signature": f"{RIGHT}=",
    "a padded payload": f"{HEADER}.{PAYLOAD}==.{SIGNATURE}",
    "a space inside": f"{HEADER}. {PAYLOAD}.{SIGNATURE}",
    "a line break after": f"{RIGHT}\n",
    "a line break inside": f"{HEADER}.{PAYLOAD}\n.{SIGNATURE}",
    "the other base64 alphabet": f"{HEADER}.{PAYLOAD}.{'+/' * 21}A",
    "a base64 length that cannot be": f"{HEADER}.{PAYLOAD}.AAAAA",
    "NUL": f"{HEADER}.{PAYLOAD}\x00.{SIGNATURE}",
    "a header that is not ASCII": f"é{HEADER}.{PAYLOAD}.{SIGNATURE}",
    "a payload that is not ASCII": f"{HEADER}.{PAYLOAD}é.{SIGNATURE}",
    "a signature that is not ASCII": f"{HEADER}.{PAYLOAD}.{SIGNATURE}é",
    "a full-width dot": RIGHT.replace(".", "\uff0e"),
    "a lone surrogate": f"{HEADER}.\ud800.{SIGNATURE}",
    "100 KB": signed(claims(note="x" * 100_000)),
    "100 KB of header": f"{'A' * 100_000}.{PAYLOAD}.{SIGNATURE}",
    "a byte longer than read": "A" * (MAX_TOKEN_BYTES + 1),
    # What the parts hold.
    "a header of no JSON": signed(header="not json"),
    "a header list": signed(header="[]"),
    "a header string": signed(header='"HS256"'),
    "a deep header": signed(header="[" * 5_000),
    "a deep header object": signed(header='{"a":' * 1_100),
    "a payload of no JSON": signed("not json"),
    "a payload list": signed("[]"),
    "a payload string": signed('"claims"'),
    "a payload number": signed("5"),
    "a payload null": signed("null"),
    "a deep payload": signed("[" * 5_000),
    "a deep payload object": signed('{"a":' * 1_100 + "1" + "}" * 1_100),
    "a payload of 5,000 digits": signed("9" * 5_000),
    "a payload of half a UTF-8 sequence": signed(b'{"a": "\xc3"}'),
}

NO_TIMES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "a string": str(NOW + 60),
    "a list": [NOW + 60],
    "an object": {},
    "negative": -1,
    "after the year 9999": MAX_TIME + 1,
    "10^18": 10**18,
    "of 4,000 digits": 10**3_999,
    "NaN": float("nan"),
    "infinite": float("inf"),
    "minus infinite": float("-inf"),
}

WRONG = {
    "no type": claims(token_type=...),
    "type null": claims(token_type=None),
    "type a list": claims(token_type=["access"]),
    "type true": claims(token_type=True),
    "type of an e-mail link": claims(token_type="email"),
    "type of a password reset": claims(token_type="reset"),
    "type in another case": claims(token_type="Access"),
    "a refresh token": claims(token_type="refresh"),
    "no issuer": claims(iss=...),
    "another issuer": claims(iss="evil"),
    "the issuer in a list": claims(iss=["backstay"]),
    "issuer null": claims(iss=None),
    "no audience": claims(aud=...),
    "another audience": claims(aud="evil"),
    "a list of other audiences": claims(aud=["evil", "worse"]),
    "an empty list of audiences": claims(aud=[]),
    "an audience that only contains ours": claims(aud="backstay.evil"),
    "an audience object": claims(aud={"backstay": True}),
    "audience null": claims(aud=None),
    "no jti": claims(jti=...),
    "jti empty": claims(jti=""),
    "jti a number": claims(jti=5),
    "jti a list": claims(jti=["a1"]),
    "no family": claims(family=...),
    "family null": claims(family=None),
    "family empty": claims(family=""),
    "family a number": claims(family=1),
    "no exp": claims(exp=...),
    "no iat": claims(iat=...),
    "exp before iat": claims(iat=NOW + 5, exp=NOW + 4),
    "exp at iat": claims(iat=NOW + 5, exp=NOW + 5),
    "iat in the future": claims(iat=NOW + LEEWAY + 1, exp=NOW + 1_000),
    "nbf in the future": claims(nbf=NOW + LEEWAY + 1),
    "nbf null": claims(nbf=None),
    "nbf a string": claims(nbf=str(NOW)),
    "nbf true": claims(nbf=True),
    **{
        f"{name} {said}": claims(**{name: value})
        for name in ("exp", "iat")
        for said, value in NO_TIMES.items()
    },
    "exp 1e400": json.dumps(claims(exp="?")).replace('"?"', "1e400"),
    "iat -1e400": json.dumps(claims(iat="?")).replace('"?"', "-1e400"),
}


class TestDecode:
    def test_takes_its_own_token(self):
        assert codec().decode(RIGHT, "access") == claims()

    @pytest.mark.parametrize("kid", KEYS.by_kid)
    def test_takes_a_token_of_each_of_its_keys(self, kid):
        header = {"alg": KEYS.by_kid[kid].algorithm, "kid": kid, "typ": "JWT"}

        assert codec().decode(signed(header=header, kid=kid), "access") == claims()

    @pytest.mark.parametrize("token", FORGED.values(), ids=FORGED)
    def test_refuses_a_forged_token(self, token):
        with pytest.raises(TokenInvalid):
            codec().decode(token, "access", "refresh")

    @pytest.mark.parametrize("payload", WRONG.values(), ids=WRONG)
    def test_refuses_a_genuine_token_of_wrong_claims(self, payload):
        with pytest.raises(TokenInvalid):
            codec().decode(signed(payload), "access")

    @pytest.mark.parametrize(
        ("token_type", "expected"), [("refresh", "access"), ("access", "refresh")]
    )
    def test_takes_a_token_of_the_expected_type_only(self, token_type, expected):
        token = signed(claims(token_type=token_type))

        assert codec().decode(token, token_type)
        assert codec().decode(token, token_type, expected)
        with pytest.raises(TokenInvalid):
            codec().decode(token, expected)

    def test_what_is_done_with_claims_changes_no_token(self):
        first = codec().decode(token := signed(claims(teams=[{"id": 1}])), "access")
        first["user_id"] = 0
        first["teams"][0]["id"] = 2

        assert codec().decode(token, "access") == claims(teams=[{"id": 1}])

    def test_refuses_a_token_that_it_knows_once_its_key_is_gone(self):
        assert codec().decode(RIGHT, "access")
        without = KeyRing(
            {kid: key for kid, key in KEYS.by_kid.items() if key is not KEYS.signer}, KEYS.signer
        )

        with pytest.raises(TokenInvalid):
            replace(codec(), keys=without).decode(RIGHT, "access")

    def test_refuses_a_token_that_it_knows_once_its_time_is_over(self):
        assert codec().decode(RIGHT, "access")

        with pytest.raises(TokenExpired):
            codec(claims()["exp"] + LEEWAY).decode(RIGHT, "access")

    def test_takes_a_list_of_audiences_that_names_it(self):
        assert codec().decode(signed(claims(aud=["other", "backstay"])), "access")

    def test_takes_fractions_of_seconds(self):
        """RFC 7519 section 2: a NumericDate may have them."""
        assert codec().decode(signed(claims(iat=NOW - 0.5, exp=NOW + 0.5)), "access")

    def test_a_name_twice_means_the_last_as_for_every_reader_of_ours(self):
        """Only we sign, and we write each name once."""
        twice = json.dumps(claims())[:-1] + ', "token_type": "refresh"}'

        with pytest.raises(TokenInvalid):
            codec().decode(signed(twice), "access")

    def test_a_token_of_another_issuer_with_the_same_key_is_refused(self):
        foreign = Codec(KEYS, "elsewhere", "backstay", LEEWAY).encode(claims())

        with pytest.raises(TokenInvalid):
            codec().decode(foreign, "access")

    @pytest.mark.parametrize("name", ["100 KB", "100 KB of header", "only dots", "a deep payload"])
    def test_refuses_a_large_token_cheaply(self, name):
        began = time.process_time()
        for _ in range(100):
            with pytest.raises(TokenInvalid):
                codec().decode(FORGED[name], "access")

        assert time.process_time() - began < 1

    def test_opens_no_connection(self, monkeypatch):
        def refuse(*_):
            raise AssertionError("A token made us connect.")

        monkeypatch.setattr("socket.socket.connect", refuse)
        monkeypatch.setattr("socket.getaddrinfo", refuse)
        for name in ("jku", "x5u", "kid a URL"):
            with pytest.raises(TokenInvalid):
                codec().decode(FORGED[name], "access")


class TestTimes:
    """Issued 60 s before NOW, expires 60 s after it; 10 s are forgiven on both sides."""

    ISSUED, EXPIRES = NOW - 60, NOW + 60

    @pytest.mark.parametrize("now", [ISSUED - LEEWAY, ISSUED, NOW, EXPIRES, EXPIRES + LEEWAY - 0.1])
    def test_holds_from_its_issue_to_its_end(self, now):
        assert codec(now).decode(RIGHT, "access")

    @pytest.mark.parametrize("now", [EXPIRES + LEEWAY, EXPIRES + LEEWAY + 1, MAX_TIME])
    def test_has_expired_when_the_leeway_is_over(self, now):
        with pytest.raises(TokenExpired):
            codec(now).decode(RIGHT, "access")

    def test_is_not_yet_valid_before_its_issue(self):
        with pytest.raises(TokenInvalid):
            codec(self.ISSUED - LEEWAY - 0.1).decode(RIGHT, "access")

    @pytest.mark.parametrize("now", [NOW + 30 - LEEWAY, NOW + 30])
    def test_holds_from_its_nbf(self, now):
        assert codec(now).decode(signed(claims(nbf=NOW + 30)), "access")

    def test_does_not_hold_before_its_nbf(self):
        with pytest.raises(TokenInvalid):
            codec(NOW + 30 - LEEWAY - 0.1).decode(signed(claims(nbf=NOW + 30)), "access")

    def test_an_expired_token_of_a_stranger_is_invalid_not_expired(self):
        """Nothing is told about a token whose signature is wrong."""
        with pytest.raises(TokenInvalid):
            codec(MAX_TIME).decode(f"{HEADER}.{PAYLOAD}.{b64(bytes(32))}", "access")

    def test_an_expired_token_of_another_type_is_invalid_not_expired(self):
        with pytest.raises(TokenInvalid):
            codec(MAX_TIME).decode(RIGHT, "refresh")


ALPHABET = string.ascii_letters + string.digits + "-_=.+/ \n\x00é\ud800"
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**64), 2**64)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


def refusal(token):
    """What decoding *token* raised; ``None`` when it was taken."""
    try:
        codec().decode(token, "access")
    except (TokenInvalid, TokenExpired) as error:
        return error
    return None


class TestAnyToken:
    @given(st.text() | st.text(ALPHABET))
    def test_any_text_is_refused(self, text):
        assert refusal(text)

    @given(st.lists(st.text(ALPHABET), min_size=3, max_size=3))
    def test_any_three_parts_are_refused(self, parts):
        assert refusal(".".join(parts))

    @given(st.text(ALPHABET), st.sampled_from([0, 1, 2]))
    def test_any_part_beside_two_right_ones_is_refused(self, part, place):
        parts = [HEADER, PAYLOAD, SIGNATURE]
        parts[place] = part
        assert refusal(".".join(parts))

    @given(st.integers(0, len(RIGHT) - 1), st.sampled_from(ALPHABET))
    def test_any_other_character_is_noticed(self, place, character):
        changed = RIGHT[:place] + character + RIGHT[place + 1 :]
        assert changed == RIGHT or refusal(changed)

    @given(JSON)
    def test_any_header_is_refused_or_is_the_right_one(self, header):
        assert header == RIGHT_HEADER or refusal(signed(header=json.dumps(header)))

    @given(st.sampled_from(sorted(claims())), JSON)
    def test_any_value_of_a_claim_is_taken_or_refused(self, name, value):
        refusal(signed(claims(**{name: value})))

    @given(JSON)
    def test_any_payload_without_our_claims_is_refused(self, payload):
        assert refusal(signed(json.dumps(payload)))


#: Claims of a project's own: any name but the one more that ``decode`` reads.
OWN_CLAIMS = st.dictionaries(st.text(max_size=8).filter(lambda name: name != "nbf"), JSON)


class TestEncode:
    @given(OWN_CLAIMS)
    def test_decodes_to_the_same_claims(self, own):
        expected = {**own, **claims()}
        token = codec().encode(expected)

        if len(token) <= MAX_TOKEN_BYTES:
            assert codec().decode(token, "access") == expected

    def test_adds_issuer_and_audience_over_the_callers(self):
        token = codec().encode(claims(iss="evil", aud="evil"))

        assert codec().decode(token, "access") == claims()

    def test_names_key_algorithm_and_type_in_the_header(self):
        assert codec().encode(claims()).startswith(f"{segment_of(RIGHT_HEADER)}.")


def segment_of(header):
    return b64(json.dumps(header, separators=(",", ":")).encode())
