"""
Tokens that are not what they say, each at the door of a real view: 401, and nothing else happens.

The table is in the manner of Project Wycheproof: a row names what is wrong and makes the
token. Unless a row is about the signature, the token is signed with the service's own key,
so it is refused for what the row names. Each row is tried with a key of each algorithm, and
a socket listens at the address that hostile headers name.

What holds where a signature has several spellings: Ed25519, RSA and HMAC signatures have
one. Of an ECDSA signature (r, s) there is the twin (r, n - s), which anybody can make; it
is accepted (RFC 7515 does not forbid it), and gains nothing, because a session is known by
its claims and never by the text of its token.

Sources: RFC 8725, RFC 7515, RFC 7518, RFC 7519, RFC 8037.
"""

import hashlib
import hmac
import json
import socket
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from backstay.auth import issue_tokens, tokens
from backstay.auth.keys import Key, KeyRing, parse_key
from backstay.auth.tokens import MAX_TIME, MAX_TOKEN_BYTES, codec
from tests.backstay.auth.jwks import (
    EC_KEY,
    ED_KEY,
    NOW,
    RSA_KEY,
    b64,
    ec_jwk,
    ed_jwk,
    jwks,
    oct_jwk,
    rsa_jwk,
    segment,
)

pytestmark = [pytest.mark.A2, pytest.mark.A1, pytest.mark.once, pytest.mark.django_db]

LEEWAY = 10
DAY = 86_400

DOCUMENT = jwks(oct_jwk(kid="HS"), rsa_jwk(kid="RS"), ec_jwk(kid="ES"), ed_jwk(kid="Ed"))
KEYS = {key.algorithm: key for key in KeyRing.from_jwks(DOCUMENT).by_kid.values()}
STRANGERS = {
    "HS256": parse_key(oct_jwk(b"x" * 32)),
    "RS256": parse_key(rsa_jwk(rsa.generate_private_key(public_exponent=65537, key_size=2048))),
    "ES256": parse_key(ec_jwk(ec.generate_private_key(ec.SECP256R1()))),
    "EdDSA": parse_key(ed_jwk(ed25519.Ed25519PrivateKey.generate())),
}
PRIVATE: dict[str, Any] = {"RS256": RSA_KEY, "ES256": EC_KEY, "EdDSA": ED_KEY}

#: The orders of the groups of P-256 (FIPS 186-4, D.1.2.3) and Ed25519 (RFC 8032, 5.1).
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
ED25519_ORDER = 2**252 + 27742317777372353535851937790883648493


@dataclass(frozen=True)
class Forger:
    """Signs whatever it is told to with one of the service's own keys."""

    key: Key
    #: The claims of a real access token, and those of its refresh token.
    access: dict[str, Any]
    refresh: dict[str, Any]
    #: An address that somebody listens at.
    url: str

    def header(self, **changed: Any) -> dict[str, Any]:
        right = {"alg": self.key.algorithm, "kid": self.key.kid, "typ": "JWT"}
        return without_gaps({**right, **changed})

    def claims(self, **changed: Any) -> dict[str, Any]:
        return without_gaps({**self.access, **changed})

    def message(self, header: Any = None, payload: Any = None) -> str:
        """Bytes and text as they stand, everything else as JSON."""
        header = self.header() if header is None else header
        payload = self.claims() if payload is None else payload
        return f"{segment(header)}.{segment(payload)}"

    def token(self, header: Any = None, payload: Any = None) -> str:
        return self.sealed(self.message(header, payload))

    def sealed(self, message: str) -> str:
        """*message* with a right signature, in whatever form *message* is."""
        return f"{message}.{b64(self.key.sign(message.encode()))}"

    def resigned(self, change: Callable[[bytes], bytes]) -> str:
        """A right token, its signature then changed."""
        message = self.message()
        return f"{message}.{b64(change(self.key.sign(message.encode())))}"

    def by_stranger(self, algorithm: str | None = None, **header: Any) -> str:
        stranger = STRANGERS[algorithm or self.key.algorithm]
        message = self.message(self.header(**header))
        return f"{message}.{b64(stranger.sign(message.encode()))}"

    def by_hmac(self, secret: bytes, **header: Any) -> str:
        message = self.message(self.header(**header))
        return f"{message}.{b64(hmac.digest(secret, message.encode(), 'sha256'))}"


def without_gaps(members: dict[str, Any]) -> dict[str, Any]:
    """``...`` takes a member out."""
    return {name: value for name, value in members.items() if value is not ...}


Row = Callable[[Forger], str]


def header(**changed: Any) -> Row:
    return lambda forger: forger.token(header=forger.header(**changed))


def header_text(change: Callable[[str], Any]) -> Row:
    return lambda forger: forger.token(header=change(json.dumps(forger.header())))


def payload(**changed: Any) -> Row:
    return lambda forger: forger.token(payload=forger.claims(**changed))


def payload_text(change: Callable[[str], Any]) -> Row:
    return lambda forger: forger.token(payload=change(json.dumps(forger.claims())))


def signature(change: Callable[[bytes], bytes]) -> Row:
    return lambda forger: forger.resigned(change)


def token(change: Callable[[str], str]) -> Row:
    return lambda forger: change(forger.token())


def unsigned(**changed: Any) -> Row:
    return lambda forger: forger.message(forger.header(**changed)) + "."


def stranger_at(**changed: str) -> Row:
    """A stranger's token that says where their key is to be had, at the listening address."""
    places = {name: value.format("{}") for name, value in changed.items()}
    return lambda forger: forger.by_stranger(
        **{name: value.replace("{}", forger.url) for name, value in places.items()}
    )


def members_again(text: str, members: str) -> str:
    return f"{text[:-1]}, {members}}}"


def number(name: str, spelling: str) -> Row:
    """The claim *name* as a number that Python would not write."""
    return payload_text(
        lambda text: json.dumps({**json.loads(text), name: "?"}).replace('"?"', spelling)
    )


def other_bits(encoded: str) -> str:
    """Another spelling of the same bytes: the bits that the last character does not use, set."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(encoded) % 4, "There are no such bits."
    return encoded[:-1] + alphabet[alphabet.index(encoded[-1]) + 1]


def another_keys(name: str, *members: str) -> Row:
    """Those *members* of the header as for the key *name*; for that key, as for the next one."""
    names = list(KEYS)

    def make(forger: Forger) -> str:
        own = forger.key.algorithm
        other = KEYS[name if name != own else names[names.index(own) - 1]]
        theirs = {"alg": other.algorithm, "kid": other.kid}
        return forger.token(forger.header(**{member: theirs[member] for member in members}))

    return make


def in_array(name: str) -> Row:
    return lambda forger: forger.token(payload=forger.claims(**{name: [forger.access[name]]}))


def hashed_with(name: str) -> Row:
    """HMAC with the right secret and another hash."""

    def make(forger: Forger) -> str:
        message = forger.message()
        return f"{message}.{b64(hmac.digest(forger.key.verifying, message.encode(), name))}"

    return make


def confused(secret: Callable[[Forger], bytes], **changed: str) -> Row:
    """HMAC with what everybody knows of an asymmetric key."""
    return lambda forger: forger.by_hmac(secret(forger), **changed)


def spelt(place: int, respell: Callable[[str], str]) -> Row:
    """One part in another spelling; the others follow it, so the signature is over what is sent."""

    def make(forger: Forger) -> str:
        parts = [
            segment(forger.header(kid=forger.key.kid)),
            segment(payload_with_spare_bits(forger)),
        ]
        if place < 2:
            parts[place] = respell(parts[place])
            return forger.sealed(".".join(parts))
        message = ".".join(parts)
        return f"{message}.{respell(b64(forger.key.sign(message.encode())))}"

    return make


def payload_with_spare_bits(forger: Forger) -> str:
    """Blanks after the JSON, until base64 leaves bits unused; and both of its own characters."""
    text = json.dumps(forger.claims(note="~~~???>>>"), ensure_ascii=False)
    return text + " " * (4 - len(text.encode()) % 3)


def spare_header(forger: Forger) -> str:
    text = json.dumps(forger.header())
    return text + " " * (4 - len(text) % 3)


def deep(opening: str, closing: str, depth: int) -> str:
    return opening * depth + "1" + closing * depth


ALGORITHM = {
    **{
        f"alg {name!r}{', unsigned' if make is unsigned else ''}": make(alg=name)
        for name in ("none", "None", "NONE", "nOnE", " none", "")
        for make in (header, unsigned)
    },
    "no alg": header(alg=...),
    "alg null": header(alg=None),
    "alg 0": header(alg=0),
    "alg true": header(alg=True),
    "alg an array": lambda f: f.token(f.header(alg=[f.key.algorithm])),
    "alg an object": lambda f: f.token(f.header(alg={f.key.algorithm: 1})),
    "alg in another case": lambda f: f.token(f.header(alg=f.key.algorithm.swapcase())),
    "alg with a blank": lambda f: f.token(f.header(alg=f.key.algorithm + " ")),
    "alg with NUL": lambda f: f.token(f.header(alg=f.key.algorithm + "\0")),
    **{
        f"alg {name}": header(alg=name)
        for name in (
            "HS384",
            "HS512",
            "RS384",
            "RS512",
            "PS256",
            "ES384",
            "ES512",
            "ES256K",
            "Ed25519",
            "Ed448",
            "RS1",
            "HS1",
            "RSA-OAEP",
            "dir",
            "A256GCM",
        )
    },
    **{
        f"{' and '.join(members)} of the {name} key": another_keys(name, *members)
        for name in KEYS
        for members in (("alg",), ("kid",), ("alg", "kid"))
    },
}

KEY_ID = {
    "no kid": header(kid=...),
    "kid unknown": header(kid="other"),
    "kid empty": header(kid=""),
    "kid in another case": lambda f: f.token(f.header(kid=f.key.kid.swapcase())),
    "kid and a blank": lambda f: f.token(f.header(kid=f"{f.key.kid} ")),
    "kid and NUL": lambda f: f.token(f.header(kid=f"{f.key.kid}\0")),
    "kid full-width": header(kid="\uff28\uff33"),
    "kid a lone surrogate": header(kid="\ud800"),
    "kid null": header(kid=None),
    "kid 0": header(kid=0),
    "kid -1": header(kid=-1),
    "kid true": header(kid=True),
    "kid an array": lambda f: f.token(f.header(kid=[f.key.kid])),
    "kid an object": lambda f: f.token(f.header(kid={f.key.kid: 1})),
    "kid of 10 KB": header(kid="k" * 10_000),
    "kid of 5 KB": header(kid="k" * 5_000),
    "kid a path to an empty secret": lambda f: f.by_hmac(
        b"", alg="HS256", kid="../../../../../../dev/null"
    ),
    "kid an absolute path": lambda f: f.by_hmac(b"", alg="HS256", kid="/dev/null"),
    "kid a file URL": lambda f: f.by_hmac(b"", alg="HS256", kid="file:///dev/null"),
    "kid SQL": lambda f: f.by_hmac(b"k", alg="HS256", kid="' UNION SELECT 'k' --"),
    "kid SQL that is always true": header(kid="HS' OR '1'='1"),
    "kid a command": header(kid="HS; curl http://127.0.0.1 |sh"),
    "kid a template": header(kid="{{7*7}}${7*7}"),
    "kid a name of Python's": header(kid="__class__"),
    "kid the address of a key": stranger_at(kid="{}"),
}

HEADER = {
    "jku": stranger_at(jku="{}"),
    "jku of our own host": stranger_at(jku="http://testserver/.well-known/jwks.json"),
    "x5u": stranger_at(x5u="{}"),
    "jku, right signature": lambda f: f.token(f.header(jku=f.url)),
    "x5u, right signature": lambda f: f.token(f.header(x5u=f.url)),
    "jwk": lambda f: f.by_stranger(
        jwk=dict(STRANGERS[f.key.algorithm].public or oct_jwk(b"x" * 32))
    ),
    "jwk, right signature": lambda f: f.token(f.header(jwk=dict(f.key.public or oct_jwk()))),
    "x5c": lambda f: f.by_stranger(x5c=["MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8A"]),
    "x5t": header(x5t="AAAA"),
    "x5t#S256": header(**{"x5t#S256": "AAAA"}),
    "crit empty": header(crit=[]),
    "crit null": header(crit=None),
    "crit a string": header(crit="exp"),
    "crit of a known name": header(crit=["alg"]),
    "crit exp": header(crit=["exp"], exp=NOW + DAY),
    "crit unknown": header(crit=["x-unknown"], **{"x-unknown": 1}),
    "crit of a name that is not there": header(crit=["x-unknown"]),
    "b64 false": header(b64=False),
    "b64 false and crit": header(b64=False, crit=["b64"]),
    "b64 true and crit": header(b64=True, crit=["b64"]),
    "b64 false over the plain payload": lambda f: f.sealed(
        f"{segment(f.header(b64=False, crit=['b64']))}.{json.dumps(f.claims())}"
    ),
    "zip": header(zip="DEF"),
    "enc": header(enc="A256GCM"),
    "cty": header(cty="JWT"),
    "cty application/json": header(cty="application/json"),
    "claims in the header": lambda f: f.token({**f.header(), **f.claims()}),
    "an unknown member": header(x=1),
    "an empty member": header(**{"": 1}),
    "alg twice, none first": header_text(lambda text: text.replace("{", '{"alg": "none", ', 1)),
    "alg twice, alike": header_text(
        lambda text: members_again(text, f'"alg": "{json.loads(text)["alg"]}"')
    ),
    "kid twice": header_text(lambda text: text.replace("{", '{"kid": "/dev/null", ', 1)),
    "kid twice, once escaped": header_text(
        lambda text: text.replace("{", '{"k\\u0069d": "a", ', 1)
    ),
    "no typ": header(typ=...),
    "typ null": header(typ=None),
    "typ empty": header(typ=""),
    "typ in lower case": header(typ="jwt"),
    "typ with a blank": header(typ="JWT "),
    "typ at+jwt": header(typ="at+jwt"),
    "typ application/jwt": header(typ="application/jwt"),
    "typ JOSE": header(typ="JOSE"),
    "typ secevent+jwt": header(typ="secevent+jwt"),
    "typ dpop+jwt": header(typ="dpop+jwt"),
    "typ an array": header(typ=["JWT"]),
    "typ true": header(typ=True),
    "header {}": lambda f: f.token(header="{}"),
    "header an array": header_text(lambda text: f"[{text}]"),
    "header a string": header_text(json.dumps),
    "header null": lambda f: f.token(header="null"),
    "header no JSON": lambda f: f.token(header="alg=HS256"),
    "header cut off": header_text(lambda text: text[:-1]),
    "header with a comma at its end": header_text(lambda text: text[:-1] + ",}"),
    "header and more": header_text(lambda text: text + "x"),
    "header twice": header_text(lambda text: text * 2),
    "header with a comment": header_text(lambda text: text + "//"),
    "header in single quotes": header_text(lambda text: text.replace('"', "'")),
    "header in UTF-16": header_text(lambda text: text.encode("utf-16")),
    "header in UTF-32": header_text(lambda text: text.encode("utf-32")),
    "header with a byte order mark": header_text(lambda text: text.encode("utf-8-sig")),
    "header of half a character": header_text(lambda text: text.encode() + b"\xc3"),
    "header with NUL": header_text(lambda text: text + "\0"),
    "header with NaN": header_text(lambda text: members_again(text, '"x": NaN')),
    "header nested 900 deep": lambda f: f.token(header=deep('{"a":', "}", 900)),
    "header of 3,000 open brackets": lambda f: f.token(header="[" * 3_000),
    "header nested 100,000 deep": lambda f: f.token(header=deep("[", "]", 100_000)),
}

FORM = {
    "no signature": token(lambda text: text.rpartition(".")[0]),
    "an empty signature": token(lambda text: text.rpartition(".")[0] + "."),
    "no header": token(lambda text: text[text.index(".") :]),
    "no payload": lambda f: f.sealed(segment(f.header()) + "."),
    "a dot before": token(lambda text: "." + text),
    "a dot after": token(lambda text: text + "."),
    "a part more": token(lambda text: f"{text}.{text.rpartition('.')[2]}"),
    "a detached payload": lambda f: f"{segment(f.header())}..{f.token().rpartition('.')[2]}",
    "five parts": token(lambda text: "{0}.a.b.c.{2}".format(*text.split("."))),
    "encrypted (JWE)": lambda f: ".".join(
        [segment({"alg": "dir", "enc": "A256GCM", "kid": f.key.kid}), "", *[b64(b"x" * 16)] * 3]
    ),
    "JWS in flattened JSON": token(
        lambda text: json.dumps(
            dict(zip(("protected", "payload", "signature"), text.split("."), strict=True))
        )
    ),
    "a token in a token": lambda f: f.token(payload=f.token()),
    "a token in a token, as JSON": lambda f: f.token(payload=json.dumps(f.token())),
    "a token in a token, with cty": lambda f: f.token(f.header(cty="JWT"), f.token()),
    "two tokens": token(lambda text: f"{text} {text}"),
    "two tokens with a comma": token(lambda text: f"{text},{text}"),
    "quotes around": token(lambda text: f'"{text}"'),
    "angle brackets around": token(lambda text: f"<{text}>"),
    "a scheme inside": token(lambda text: f"Bearer {text}"),
    "a parameter's name before": token(lambda text: f"token={text}"),
    "a semicolon after": token(lambda text: text + ";"),
    "a blank before the payload": token(lambda text: text.replace(".", ". ", 1)),
    "a blank before the signature": token(lambda text: ". ".join(text.rsplit(".", 1))),
    "a tab inside": token(lambda text: text[:9] + "\t" + text[9:]),
    "a line break inside": token(lambda text: text[:9] + "\n" + text[9:]),
    "NUL inside": token(lambda text: text[:9] + "\0" + text[9:]),
    "NUL after": token(lambda text: text + "\0"),
    "percent-encoded": token(lambda text: text.replace(".", "%2E")),
    "not ASCII before": token(lambda text: "é" + text),
    "not ASCII after": token(lambda text: text + "é"),
    "full-width dots": token(lambda text: text.replace(".", "\uff0e")),
    "a lone surrogate": token(lambda text: text + "\udc80"),
    "bytes that are no UTF-8": token(lambda text: text + "\udcff"),
    **{
        f"{part} {said}": spelt(place, respell)
        for place, part in enumerate(("header", "payload", "signature"))
        for said, respell in {
            "padded": lambda text: text + "=" * (-len(text) % 4 or 4),
            "padded too much": lambda text: text + "====",
            "with a character more": lambda text: text + "A",
            "with a line break": lambda text: text[:8] + "\n" + text[8:],
            "with a character outside the alphabet": lambda text: text[:8] + "*" + text[8:],
        }.items()
    },
    "header with unused bits set": lambda f: f.sealed(
        f"{other_bits(segment(spare_header(f)))}.{segment(f.claims())}"
    ),
    "payload with unused bits set": spelt(1, other_bits),
    "signature with unused bits set": spelt(2, other_bits),
    "payload in the other alphabet": spelt(
        1, lambda text: text.replace("-", "+").replace("_", "/")
    ),
    "100 KB of claims": payload(note="x" * 100_000),
    "100 KB of header": lambda f: f.token(header=f.header(kid="x" * 100_000)),
    "100 KB of signature": signature(lambda raw: raw + bytes(100_000)),
    "100 KB of dots": lambda _: "." * 100_000,
    "100 KB of one character": lambda _: "A" * 100_000,
    "a byte more than is read": lambda f: f.token().ljust(MAX_TOKEN_BYTES + 1, "A"),
}

PAYLOAD = {
    "payload empty": lambda f: f.token(payload=b""),
    "payload {}": lambda f: f.token(payload="{}"),
    "payload an array": payload_text(lambda text: f"[{text}]"),
    "payload a string": payload_text(json.dumps),
    "payload a number": lambda f: f.token(payload="1"),
    "payload null": lambda f: f.token(payload="null"),
    "payload true": lambda f: f.token(payload="true"),
    "payload no JSON": lambda f: f.token(payload="user_id=1"),
    "payload cut off": payload_text(lambda text: text[:-1]),
    "payload and more": payload_text(lambda text: text + "x"),
    "payload twice": payload_text(lambda text: text * 2),
    "payload in UTF-16": payload_text(lambda text: text.encode("utf-16")),
    "payload with a byte order mark": payload_text(lambda text: text.encode("utf-8-sig")),
    "payload of half a character": payload_text(
        lambda text: text.encode()[:-1] + b', "a": "\xc3"}'
    ),
    "payload with an overlong character": payload_text(
        lambda text: text.encode()[:-1] + b', "a": "\xc0\xaf"}'
    ),
    "payload with a surrogate's bytes": payload_text(
        lambda text: text.encode()[:-1] + b', "a": "\xed\xa0\x80"}'
    ),
    "payload with NUL": payload_text(lambda text: text + "\0"),
    "payload with NaN": payload_text(lambda text: members_again(text, '"a": NaN')),
    "payload with -Infinity": payload_text(lambda text: members_again(text, '"a": [-Infinity]')),
    "payload with a number of 5,000 digits": payload_text(
        lambda text: members_again(text, f'"a": {"9" * 5_000}')
    ),
    "payload nested 900 deep": lambda f: f.token(payload=deep('{"a":', "}", 900)),
    "payload of 3,000 open brackets": lambda f: f.token(payload="[" * 3_000),
    "payload nested 100,000 deep": lambda f: f.token(payload=deep("[", "]", 100_000)),
    "another payload under the signature": lambda f: (
        f"{f.message(payload=f.claims(user_id=f.access['user_id'] + 1))}"
        f".{f.token().rpartition('.')[2]}"
    ),
    "token_type twice": payload_text(
        lambda text: text.replace("{", '{"token_type": "refresh", ', 1)
    ),
    "token_type twice, the right one first": payload_text(
        lambda text: members_again(text, '"token_type": "refresh"')
    ),
    "user_id twice": payload_text(lambda text: members_again(text, '"user_id": 1000000')),
    "exp twice": payload_text(lambda text: members_again(text, f'"exp": {MAX_TIME}')),
    "a name twice in a nested object": payload_text(
        lambda text: members_again(text, '"a": {"b": 1, "b": 2}')
    ),
}

STRANGE: dict[str, Any] = {
    "missing": ...,
    "null": None,
    "true": True,
    "an empty string": "",
    "an array": [],
    "an object": {},
}
NAMES = ("token_type", "iss", "aud", "jti", "family")

CLAIMS = {
    **{
        f"{name} {said}": payload(**{name: value})
        for name in NAMES
        for said, value in STRANGE.items()
    },
    **{
        f"{name} {said}": payload(**{name: value})
        for name in NAMES
        for said, value in {"a number": 5, "0": 0, "a lone surrogate": "\ud800"}.items()
    },
    **{f"{name} in an array": in_array(name) for name in ("token_type", "iss", "jti", "family")},
    "a refresh token": lambda f: f.token(payload=f.refresh),
    **{
        f"token_type {name!r}": payload(token_type=name)
        for name in (
            "refresh",
            "email",
            "verify_email",
            "reset",
            "password_reset",
            "invitation",
            "Access",
            "ACCESS",
            "access ",
            "access\x00",
            "id_token",
            "\u0430ccess",
        )
    },
    "iss of another": payload(iss="evil"),
    "iss in another case": payload(iss="Backstay"),
    "iss with a slash": payload(iss="backstay/"),
    "iss an address": lambda f: f.token(payload=f.claims(iss=f.url)),
    "aud of another": payload(aud="evil"),
    "aud that begins like ours": payload(aud="backstay.evil"),
    "aud part of ours": payload(aud="back"),
    "aud an array of others": payload(aud=["evil", "worse"]),
    "aud an array in an array": payload(aud=[["backstay"]]),
    "aud an object of ours": payload(aud={"backstay": 1}),
    **{
        f"user_id {said}": payload(user_id=value)
        for said, value in (STRANGE | {"a word": "ada", "a fraction": 1.5, "NUL": "1\0"}).items()
    },
}

NO_TIMES: dict[str, Row] = {
    f"{name} {said}": make
    for name in ("exp", "iat", "nbf")
    for said, make in {
        "null": payload(**{name: None}),
        "true": payload(**{name: True}),
        "false": payload(**{name: False}),
        "a string": payload(**{name: str(NOW)}),
        "empty": payload(**{name: ""}),
        "a date": payload(**{name: "2027-01-15T08:00:00Z"}),
        "an array": payload(**{name: [NOW]}),
        "an object": payload(**{name: {"$gt": 0}}),
        "negative": payload(**{name: -1}),
        "-0.5": payload(**{name: -0.5}),
        "10^18": payload(**{name: 10**18}),
        "after the year 9999": payload(**{name: MAX_TIME + 1}),
        "in milliseconds": payload(**{name: NOW * 1_000}),
        "of 4,000 digits": payload(**{name: 10**3_999}),
        "1e400": number(name, "1e400"),
        "-1e400": number(name, "-1e400"),
        "1e308": number(name, "1e308"),
        "NaN": number(name, "NaN"),
        "Infinity": number(name, "Infinity"),
        "-Infinity": number(name, "-Infinity"),
        "hexadecimal": number(name, "0x7fffffff"),
        "with a sign": number(name, f"+{NOW}"),
        "with a zero before": number(name, f"0{NOW}"),
    }.items()
} | {
    "no exp": payload(exp=...),
    "no iat": payload(iat=...),
    "exp at iat": payload(iat=NOW, exp=NOW),
    "exp before iat": payload(iat=NOW + 2, exp=NOW + 1),
    "iat a second beyond the leeway": payload(iat=NOW + LEEWAY + 1),
    "iat a day ahead": payload(iat=NOW + DAY, exp=NOW + 2 * DAY),
    "nbf a second beyond the leeway": payload(nbf=NOW + LEEWAY + 1),
    "nbf at the end of time": payload(nbf=MAX_TIME),
}

SIGNATURE = {
    "signature of a stranger": lambda f: f.by_stranger(),
    "signature of zeros": signature(lambda raw: bytes(len(raw))),
    "signature of ones": signature(lambda raw: b"\xff" * len(raw)),
    "signature of one byte": signature(lambda _: b"\0"),
    "signature of its first half": signature(lambda raw: raw[: len(raw) // 2]),
    "signature without its last byte": signature(lambda raw: raw[:-1]),
    "signature without its first byte": signature(lambda raw: raw[1:]),
    "signature with a byte after": signature(lambda raw: raw + b"\0"),
    "signature with a byte before": signature(lambda raw: b"\0" + raw),
    "signature twice": signature(lambda raw: raw * 2),
    "signature with a bit changed": signature(lambda raw: raw[:-1] + bytes([raw[-1] ^ 1])),
    "signature with its first bit changed": signature(lambda raw: bytes([raw[0] ^ 128]) + raw[1:]),
    "signature backwards": signature(lambda raw: raw[::-1]),
    "signature in hexadecimal": signature(lambda raw: raw.hex().encode()),
    "signature encoded twice": signature(lambda raw: b64(raw).encode()),
    "signature over the payload only": lambda f: (
        f"{f.message()}.{b64(f.key.sign(segment(f.claims()).encode()))}"
    ),
    "signature over the plain claims": lambda f: (
        f"{f.message()}.{b64(f.key.sign(json.dumps(f.claims()).encode()))}"
    ),
    "signature with the token's last dot": lambda f: (
        f"{f.message()}.{b64(f.key.sign(f.message().encode() + b'.'))}"
    ),
    "signature of an empty message": lambda f: f"{f.message()}.{b64(f.key.sign(b''))}",
}

SECRETS: dict[str, Callable[[Forger], bytes]] = {
    "PEM": lambda f: public(f, serialization.Encoding.PEM),
    "PEM without its last line break": lambda f: public(f, serialization.Encoding.PEM).strip(),
    "PEM with CRLF": lambda f: public(f, serialization.Encoding.PEM).replace(b"\n", b"\r\n"),
    "DER": lambda f: public(f, serialization.Encoding.DER),
    "JWK": lambda f: json.dumps(f.key.public).encode(),
    "JWK as served": lambda f: json.dumps(f.key.public, separators=(",", ":")).encode(),
    "first member": lambda f: first_member(f.key),
    "kid": lambda f: f.key.kid.encode(),
    "empty": lambda _: b"",
}


def first_member(key: Key) -> bytes:
    """The modulus, or the point's first number, as it stands in the JWK."""
    shown = dict(key.public or {})
    return str(shown["n" if shown["kty"] == "RSA" else "x"]).encode()


def public(forger: Forger, encoding: serialization.Encoding) -> bytes:
    key = PRIVATE[forger.key.algorithm].public_key()
    form = serialization.PublicFormat.SubjectPublicKeyInfo
    return bytes(key.public_bytes(encoding, form))


CONFUSED: dict[str, Row] = {
    f"HMAC with its {said}, {told}": confused(secret, **changed)
    for said, secret in SECRETS.items()
    for told, changed in {
        "alg HS256": {"alg": "HS256"},
        "its own alg": {},
        "the kid of the HS256 key": {"alg": "HS256", "kid": "HS"},
    }.items()
}


def rsa_signed(scheme: Any, algorithm: hashes.HashAlgorithm) -> Row:
    def make(forger: Forger) -> str:
        message = forger.message()
        return f"{message}.{b64(RSA_KEY.sign(message.encode(), scheme, algorithm))}"

    return make


def rsa_where(fits: Callable[[bytes], bool], change: Callable[[bytes], bytes]) -> Row:
    """The first token whose signature *fits*, its signature then changed."""

    def make(forger: Forger) -> str:
        for attempt in range(20_000):
            message = forger.message(payload=forger.claims(attempt=attempt))
            signed = forger.key.sign(message.encode())
            if fits(signed):
                return f"{message}.{b64(change(signed))}"
        raise AssertionError("No signature fits.")

    return make


def plus_modulus(raw: bytes) -> bytes:
    modulus = RSA_KEY.public_key().public_numbers().n
    return (int.from_bytes(raw, "big") + modulus).to_bytes(257, "big")


PSS = padding.PSS(mgf=padding.MGF1(hashes.SHA256()), salt_length=32)

OF_RS256 = {
    "signature without its leading zero": rsa_where(lambda raw: raw[0] == 0, lambda raw: raw[1:]),
    "signature plus the modulus": signature(plus_modulus),
    "signature plus the modulus, in as many bytes": rsa_where(
        lambda raw: plus_modulus(raw)[0] == 0, lambda raw: plus_modulus(raw)[1:]
    ),
    "signature 1": signature(lambda raw: bytes(len(raw) - 1) + b"\x01"),
    "signature of the plain padded hash": lambda f: (
        f"{f.message()}.{b64(padded_hash(f.message()))}"
    ),
    "PSS": rsa_signed(PSS, hashes.SHA256()),
    "SHA-384": rsa_signed(padding.PKCS1v15(), hashes.SHA384()),
    "SHA-512": rsa_signed(padding.PKCS1v15(), hashes.SHA512()),
}


def padded_hash(message: str) -> bytes:
    digest = hashlib.sha256(message.encode()).digest()
    return b"\x00\x01" + b"\xff" * 221 + b"\x00" + digest


def pair(change: Callable[[int, int], tuple[int, int]]) -> Callable[[bytes], bytes]:
    """Change a raw signature's two numbers."""

    def changed(raw: bytes) -> bytes:
        half = len(raw) // 2
        r, s = change(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))
        return r.to_bytes(half, "big") + s.to_bytes(half, "big")

    return changed


def der(raw: bytes) -> bytes:
    return encode_dss_signature(int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big"))


OF_ES256 = {
    "r = 0": signature(pair(lambda _, s: (0, s))),
    "s = 0": signature(pair(lambda r, _: (r, 0))),
    "r = s = 0": signature(pair(lambda *_: (0, 0))),
    "r = 0, s = 1": signature(pair(lambda *_: (0, 1))),
    "r = s = 1": signature(pair(lambda *_: (1, 1))),
    "r = n": signature(pair(lambda _, s: (P256_ORDER, s))),
    "s = n": signature(pair(lambda r, _: (r, P256_ORDER))),
    "r = s = n": signature(pair(lambda *_: (P256_ORDER, P256_ORDER))),
    "r = s = n - 1": signature(pair(lambda *_: (P256_ORDER - 1, P256_ORDER - 1))),
    "r = n - r": signature(pair(lambda r, s: (P256_ORDER - r, s))),
    "r and s exchanged": signature(pair(lambda r, s: (s, r))),
    "r and s the greatest": signature(pair(lambda *_: (2**256 - 1, 2**256 - 1))),
    "in DER": signature(der),
    "in DER with a byte after": signature(lambda raw: der(raw) + b"\0"),
    "each number with a zero before": signature(lambda raw: b"\0" + raw[:32] + b"\0" + raw[32:]),
    "of 96 bytes, as on P-384": signature(lambda raw: bytes(16) + raw[:32] + bytes(16) + raw[32:]),
}

IDENTITY = b"\x01" + bytes(31)

OF_EDDSA = {
    "S plus the order": signature(
        lambda raw: (
            raw[:32] + (int.from_bytes(raw[32:], "little") + ED25519_ORDER).to_bytes(32, "little")
        )
    ),
    "S plus the order twice": signature(
        lambda raw: (
            raw[:32]
            + (int.from_bytes(raw[32:], "little") + 2 * ED25519_ORDER).to_bytes(32, "little")
        )
    ),
    "S with its highest bit": signature(lambda raw: raw[:-1] + bytes([raw[-1] | 128])),
    "S = 0": signature(lambda raw: raw[:32] + bytes(32)),
    "S = the order": signature(lambda raw: raw[:32] + ED25519_ORDER.to_bytes(32, "little")),
    "R of small order": signature(lambda raw: IDENTITY + raw[32:]),
    "R of small order, S = 0": signature(lambda _: IDENTITY + bytes(32)),
    "R that is no point": signature(lambda raw: b"\x02" + bytes(31) + raw[32:]),
    "R with its sign changed": signature(lambda raw: raw[:31] + bytes([raw[31] ^ 128]) + raw[32:]),
    "R and S exchanged": signature(lambda raw: raw[32:] + raw[:32]),
    "of 114 bytes, as Ed448": signature(lambda raw: raw + bytes(50)),
}

OF_HS256 = {
    **{f"{name} of the secret": hashed_with(name) for name in ("sha1", "sha384", "sha512", "md5")},
    "cut to 16 bytes": signature(lambda raw: raw[:16]),
    "the hash without a secret": lambda f: (
        f"{f.message()}.{b64(hashlib.sha256(f.message().encode()).digest())}"
    ),
    "the hash after the secret": lambda f: (
        f"{f.message()}.{b64(hashlib.sha256(f.key.verifying + f.message().encode()).digest())}"
    ),
    "an empty secret": lambda f: f.by_hmac(b""),
    "the secret in base64": lambda f: f.by_hmac(b64(f.key.verifying).encode()),
    "the kid for a secret": lambda f: f.by_hmac(f.key.kid.encode()),
}

OF_ANY = {**ALGORITHM, **KEY_ID, **HEADER, **FORM, **PAYLOAD, **CLAIMS, **NO_TIMES, **SIGNATURE}
TABLES: list[tuple[tuple[str, ...], dict[str, Row]]] = [
    (("HS256", "ES256"), OF_ANY),
    (("RS256", "ES256", "EdDSA"), CONFUSED),
    (("HS256",), OF_HS256),
    (("RS256",), OF_RS256),
    (("ES256",), OF_ES256),
    (("EdDSA",), OF_EDDSA),
]
#: What is checked before an algorithm comes into it, with the others too.
MORE_TABLES = [(("RS256", "EdDSA"), OF_ANY)]

MEMBERS = {"type", "title", "status", "code", "detail", "instance", "request_id"}


@pytest.fixture(scope="module")
def key_file(tmp_path_factory) -> str:
    path = tmp_path_factory.mktemp("keys") / "keys.json"
    path.write_text(DOCUMENT)
    return str(path)


@pytest.fixture(autouse=True)
def _own_keys(project, clock, settings, key_file):
    settings.BACKSTAY = {**settings.BACKSTAY, "AUTH_KEYS": key_file}


@pytest.fixture(scope="module")
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        yield server


@pytest.fixture
def forger(user, listener) -> Callable[[str], Forger]:
    """For each algorithm one, with the claims of a real login."""
    pair = issue_tokens(user)
    access = codec().decode(pair["access"], "access")
    refresh = codec().decode(pair["refresh"], "refresh")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys.json"

    return lambda algorithm: Forger(KEYS[algorithm], access, refresh, url)


@pytest.fixture
def ask(api) -> Callable[..., Any]:
    """Call the private view, the header's bytes as a server hands them to an application."""

    def call(credential: str, scheme: str = "Bearer") -> Any:
        raw = f"{scheme} {credential}".encode("utf-8", "surrogateescape")
        return api.get("/private/", headers={"Authorization": raw.decode("latin-1")})

    return call


def assert_refused(response: Any, code: str = "token_invalid") -> None:
    """401 with its challenge, in the one shape."""
    assert response.status_code == 401, response.content[:300]
    assert response["WWW-Authenticate"] == 'Bearer realm="api"'
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body.keys() == MEMBERS
    assert (body["status"], body["code"], body["instance"]) == (401, code, "/private/")
    assert body["request_id"] == response["X-Request-ID"]


def assert_nobody_called(listener: socket.socket) -> None:
    with pytest.raises(BlockingIOError):
        listener.accept()


def rows() -> list[Any]:
    return [
        pytest.param(row, algorithms, id=f"{'-'.join(algorithms)}-{said}", marks=marks)
        for tables, marks in ((TABLES, ()), (MORE_TABLES, pytest.mark.long))
        for algorithms, table in tables
        for said, row in table.items()
    ]


@pytest.mark.parametrize("algorithm", KEYS)
class TestControl:
    """Beside each refused token stands a right one, so nothing is refused by accident."""

    def test_a_right_token_is_accepted(self, ask, forger, user, algorithm):
        response = ask(forger(algorithm).token())

        assert (response.status_code, response.json()["user"]) == (200, user.pk)

    @pytest.mark.parametrize("scheme", ["bearer", "BEARER", "bEaReR"])
    def test_the_scheme_is_taken_in_any_case(self, ask, forger, algorithm, scheme):
        assert ask(forger(algorithm).token(), scheme).status_code == 200

    @pytest.mark.parametrize("scheme", ["Basic", "JWT", "Token", "Bearer:", "Bearerx", "Beare"])
    def test_another_scheme_is_no_credential(self, ask, forger, algorithm, scheme):
        assert_refused(ask(forger(algorithm).token(), scheme), "not_authenticated")

    @pytest.mark.parametrize(
        "changed",
        [
            {"aud": ["other", "backstay"]},
            {"exp": NOW + 0.5},
            {"iat": NOW - 0.5},
            {"exp": 18e8 + 60},
            {"nbf": NOW},
            {"nbf": 0},
            {"exp": MAX_TIME},
            {"note": "\u0000 é \U0001f511"},
            {"another": {"token_type": "refresh"}},
        ],
        ids=json.dumps,
    )
    def test_unusual_claims_that_are_right_are_accepted(self, ask, forger, algorithm, changed):
        forged = forger(algorithm)

        assert ask(forged.token(payload=forged.claims(**changed))).status_code == 200

    def test_members_in_another_order_and_blanks_are_accepted(self, ask, forger, algorithm):
        forged = forger(algorithm)
        header = json.dumps(dict(reversed(forged.header().items())), indent=3)

        assert ask(forged.token(header, payload_with_spare_bits(forged))).status_code == 200

    def test_a_token_as_long_as_is_read_is_accepted(self, ask, forger, algorithm):
        forged = forger(algorithm)
        room = MAX_TOKEN_BYTES - len(forged.token(payload=forged.claims(note="")))
        longest = forged.token(payload=forged.claims(note="x" * (room * 3 // 4 - 1)))

        assert MAX_TOKEN_BYTES - 4 <= len(longest) <= MAX_TOKEN_BYTES
        assert ask(longest).status_code == 200


class TestForgeries:
    @pytest.mark.parametrize(("row", "algorithms"), rows())
    def test_is_refused_with_a_key_of_each_algorithm(self, ask, forger, listener, row, algorithms):
        for algorithm in algorithms:
            assert_refused(ask(row(forger(algorithm))))
        assert_nobody_called(listener)


@pytest.mark.parametrize("algorithm", KEYS)
class TestTimes:
    """Ten seconds are forgiven on either side, not eleven."""

    @pytest.mark.parametrize("exp", [NOW + 1, NOW, NOW - 1, NOW - LEEWAY + 1])
    def test_holds_until_the_leeway_after_exp_is_over(self, ask, forger, algorithm, exp):
        forged = forger(algorithm)
        response = ask(forged.token(payload=forged.claims(iat=NOW - DAY, exp=exp)))

        assert response.status_code == 200

    @pytest.mark.parametrize("exp", [NOW - LEEWAY, NOW - LEEWAY - 1, NOW - DAY + 1])
    def test_has_expired_then_and_says_so(self, ask, forger, algorithm, exp):
        forged = forger(algorithm)

        assert_refused(
            ask(forged.token(payload=forged.claims(iat=NOW - DAY, exp=exp))), "token_expired"
        )

    @pytest.mark.parametrize("name", ["iat", "nbf"])
    @pytest.mark.parametrize("ahead", [0, 1, LEEWAY])
    def test_a_clock_that_is_ahead_is_forgiven(self, ask, forger, algorithm, name, ahead):
        forged = forger(algorithm)

        assert ask(forged.token(payload=forged.claims(**{name: NOW + ahead}))).status_code == 200

    @pytest.mark.parametrize(
        "changed",
        [
            {"iss": "evil"},
            {"aud": "evil"},
            {"token_type": "refresh"},
            {"token_type": "email"},
            {"nbf": NOW + DAY},
            {"jti": ...},
        ],
        ids=repr,
    )
    def test_an_expired_token_with_another_fault_is_invalid(self, ask, forger, algorithm, changed):
        forged = forger(algorithm)
        expired = forged.claims(iat=NOW - DAY, exp=NOW - DAY + 1) | changed

        assert_refused(ask(forged.token(payload=without_gaps(expired))))

    def test_an_expired_token_of_a_stranger_is_invalid(self, ask, forger, algorithm):
        """Nothing is told of a token that is not ours."""
        forged = forger(algorithm)
        message = forged.message(payload=forged.claims(iat=NOW - DAY, exp=NOW - DAY + 1))
        seal = b64(STRANGERS[algorithm].sign(message.encode()))

        assert_refused(ask(f"{message}.{seal}"))


class TestCost:
    """What is too large or names no key is refused before anything is computed of it."""

    CHEAP = (
        *("100 KB of claims", "100 KB of header", "100 KB of signature", "100 KB of dots"),
        *("header nested 100,000 deep", "payload nested 100,000 deep"),
        *("a byte more than is read", "header nested 900 deep", "header of 3,000 open brackets"),
        *("kid unknown", "kid of 10 KB", "kid of 5 KB", "alg 'none'", "jku, right signature"),
    )

    @pytest.mark.parametrize("said", CHEAP)
    def test_no_signature_is_verified(self, ask, forger, monkeypatch, said):
        verified = []
        genuine = tokens._genuine

        def recorded(key: Key, message: str, signature: str) -> bool:
            verified.append(key.kid)
            return genuine(key, message, signature)

        monkeypatch.setattr(tokens, "_genuine", recorded)

        for algorithm in KEYS:
            assert_refused(ask(OF_ANY[said](forger(algorithm))))
        assert verified == []
        genuine_token = forger("HS256").token()
        assert [ask(genuine_token).status_code for _ in range(2)] == [200, 200]
        assert len(verified) == 1

    @pytest.mark.parametrize("said", CHEAP[:7])
    def test_what_is_too_large_is_not_even_decoded(self, ask, forger, monkeypatch, said):
        forged = OF_ANY[said](forger("HS256"))
        monkeypatch.setattr(tokens, "_decode", lambda _: pytest.fail("It was decoded."))

        assert_refused(ask(forged))


class TestTwins:
    """ECDSA: (r, n - s) is a second signature of the same message, and anybody can make it."""

    @staticmethod
    def twin(text: str) -> str:
        message, _, seal = text.rpartition(".")
        other = pair(lambda r, s: (r, P256_ORDER - s))(tokens._decode(seal))
        return f"{message}.{b64(other)}"

    def test_both_are_accepted_as_one_session(self, ask, forger):
        text = forger("ES256").token()

        assert self.twin(text) != text
        assert ask(text).json() == ask(self.twin(text)).json()

    def test_both_end_with_the_session(self, api, ask, forger):
        forged = forger("ES256")
        text, refresh = forged.token(), forged.token(payload=forged.refresh)
        assert api.post("/token/logout/", {"refresh": self.twin(refresh)}).status_code == 204

        assert_refused(ask(text))
        assert_refused(ask(self.twin(text)))

    def test_a_refresh_token_is_spent_with_its_twin(self, api, forger, clock):
        forged = forger("ES256")
        refresh = forged.token(payload=forged.refresh)
        assert api.post("/token/refresh/", {"refresh": refresh}).status_code == 200
        clock.shift(LEEWAY + 1)

        assert api.post("/token/refresh/", {"refresh": self.twin(refresh)}).status_code == 401


IN_BODIES: dict[str, Row] = {
    "family no UUID": payload(family="f1"),
    "family SQL": payload(family="' OR 1=1 --"),
    "family with NUL": payload(family="\0"),
} | {
    said: OF_ANY[said]
    for said in (
        *("alg 'none', unsigned", "kid a path to an empty secret", "jku", "b64 false and crit"),
        *("header nested 100,000 deep", "100 KB of claims", "token_type 'email'"),
        *("jti a lone surrogate", "family a lone surrogate"),
    )
}


class TestTokensInBodies:
    """The endpoints that take a token in the body stand behind the same door."""

    @pytest.mark.parametrize(
        ("path", "field"),
        [
            ("/token/refresh/", "refresh"),
            ("/token/logout/", "refresh"),
            ("/token/verify/", "token"),
        ],
    )
    @pytest.mark.parametrize("row", IN_BODIES.values(), ids=IN_BODIES)
    def test_is_refused(self, api, forger, listener, path, field, row):
        for algorithm in KEYS:
            genuine = forger(algorithm)
            of_refresh = replace(genuine, access=genuine.refresh)
            response = api.post(path, {field: row(of_refresh)})

            assert response.status_code == 401, response.content[:300]
            assert response["WWW-Authenticate"] == 'Bearer realm="api"'
        assert_nobody_called(listener)

    @pytest.mark.parametrize(
        "user_id", ["\ud800", "\0", None, True, 0, -1, 1.5, 10**30, str(uuid.UUID(int=1))], ids=repr
    )
    def test_a_refresh_token_of_somebody_else_is_refused(self, api, forger, user_id):
        for algorithm in KEYS:
            genuine = forger(algorithm)
            forged = genuine.token(payload={**genuine.refresh, "user_id": user_id})

            assert api.post("/token/refresh/", {"refresh": forged}).status_code == 401
