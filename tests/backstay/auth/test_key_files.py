"""Key files are whole, private, and hold each key for as long as a token may need it."""

import json
import os
import stat
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from backstay.auth import key_files
from backstay.auth.errors import TokenExpired, TokenInvalid
from backstay.auth.keys import ALGORITHMS, MIN_RSA_BITS, KeyRing, load_keys, parse_key, thumbprint
from backstay.auth.tokens import MAX_TIME, Codec
from tests.backstay.auth.jwks import NOW, claims, ec_jwk, ed_jwk, jwks, oct_jwk, rsa_jwk

pytestmark = [pytest.mark.A8, pytest.mark.once]

LEEWAY = timedelta(seconds=10)
REFRESH = timedelta(days=30)
#: Seconds for which a retired key is needed.
KEPT = int((REFRESH + LEEWAY).total_seconds())
SECRET_MEMBERS = {"d", "p", "q", "dp", "dq", "qi", "oth"}

#: Made once: an RSA key takes its time.
MADE = {algorithm: key_files.generate(algorithm) for algorithm in ALGORITHMS}

each_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "keys.json"


def codec(keys, now):
    ring = KeyRing.from_jwks(jwks(*keys))
    return Codec(ring, "backstay", "backstay", LEEWAY.total_seconds(), clock=lambda: now)


class TestGenerate:
    @each_algorithm
    def test_makes_a_key_that_signs_and_is_named_by_its_thumbprint(self, algorithm):
        jwk = MADE[algorithm]
        key = parse_key(jwk)

        assert (key.algorithm, jwk["alg"], jwk["use"]) == (algorithm, algorithm, "sig")
        assert key.kid == thumbprint(jwk)
        assert key.verify(b"message", key.sign(b"message"))

    @pytest.mark.parametrize("algorithm", ["HS256", "ES256", "EdDSA"])
    def test_makes_another_key_each_time(self, algorithm):
        assert len({key_files.generate(algorithm)["kid"] for _ in range(20)}) == 20

    def test_is_stronger_than_the_least_that_is_taken(self):
        assert parse_key(MADE["RS256"]).verifying.key_size == 3_072 > MIN_RSA_BITS
        assert len(parse_key(MADE["HS256"]).verifying) == 32


class TestRotated:
    def test_puts_the_new_key_first_and_keeps_the_old_one(self):
        keys = key_files.rotated([MADE["HS256"]], MADE["EdDSA"], now=NOW)

        assert [jwk["kid"] for jwk in keys] == [MADE["EdDSA"]["kid"], MADE["HS256"]["kid"]]
        assert keys[1]["retired_at"] == NOW
        assert "retired_at" not in keys[0]

    @each_algorithm
    def test_a_retired_key_verifies_on(self, algorithm):
        token = codec([MADE[algorithm]], NOW).encode(claims())
        new = key_files.generate("EdDSA")
        keys = key_files.rotated([MADE[algorithm]], new, now=NOW)

        assert codec(keys, NOW).decode(token, "access") == claims()
        assert codec(keys, NOW).keys.signer.kid == new["kid"]

    @pytest.mark.parametrize("algorithm", ["RS256", "ES256", "EdDSA"])
    def test_a_retired_key_loses_its_private_half(self, algorithm):
        _, retired = key_files.rotated([MADE[algorithm]], key_files.generate("HS256"), now=NOW)

        assert SECRET_MEMBERS & MADE[algorithm].keys()
        assert not SECRET_MEMBERS & retired.keys()
        assert parse_key(retired).signing is None

    def test_a_retired_key_loses_every_member_that_nobody_needs(self):
        own = {**MADE["EdDSA"], "x5c": ["MIIB"], "key_ops": ["sign"], "comment": "mine"}
        _, retired = key_files.rotated([own], key_files.generate("HS256"), now=NOW)

        assert retired.keys() == {"kty", "crv", "x", "kid", "alg", "use", "retired_at"}

    def test_a_retired_secret_is_kept_since_it_could_not_verify_without(self):
        _, retired = key_files.rotated([MADE["HS256"]], MADE["EdDSA"], now=NOW)

        assert retired["k"] == MADE["HS256"]["k"]

    def test_the_time_of_retirement_stays(self):
        keys = key_files.rotated([MADE["ES256"]], MADE["RS256"], now=NOW)
        keys = key_files.rotated(keys, MADE["EdDSA"], now=NOW + 60)

        assert [jwk.get("retired_at") for jwk in keys] == [None, NOW + 60, NOW]

    def test_a_key_that_was_put_first_again_retires_anew(self):
        """It has signed until now."""
        first, again = key_files.rotated([MADE["HS256"]], MADE["EdDSA"], now=NOW)
        keys = key_files.rotated([again, first], MADE["ES256"], now=NOW + KEPT + 1)

        assert MADE["HS256"]["kid"] in {jwk["kid"] for jwk in keys}

    @pytest.mark.parametrize(("after", "kept"), [(0, True), (KEPT - 1, True), (KEPT, False)])
    @each_algorithm
    def test_a_key_is_dropped_in_the_second_in_which_its_last_token_ends(
        self, algorithm, after, kept
    ):
        """The token is signed in the very second of the rotation, and refused from then on."""
        end = NOW + int(REFRESH.total_seconds())
        token = codec([MADE[algorithm]], NOW).encode(claims(token_type="refresh", iat=NOW, exp=end))
        before = key_files.rotated([MADE[algorithm]], MADE["EdDSA"] | {"kid": "a"}, now=NOW)
        later = key_files.rotated(before, MADE["EdDSA"] | {"kid": "b"}, now=NOW + after)

        assert (MADE[algorithm]["kid"] in {jwk["kid"] for jwk in later}) is kept
        if kept:
            assert codec(later, NOW + after).decode(token, "refresh")
        else:
            with pytest.raises(TokenExpired):
                codec(before, NOW + after).decode(token, "refresh")
            with pytest.raises(TokenInvalid):
                codec(later, NOW + after).decode(token, "refresh")

    @pytest.mark.parametrize("longer", ["ACCESS_TOKEN_LIFETIME", "REFRESH_TOKEN_LIFETIME"])
    def test_the_longer_of_the_two_lifetimes_and_the_leeway_count(self, longer):
        lifetimes = {
            "ACCESS_TOKEN_LIFETIME": timedelta(hours=1),
            "REFRESH_TOKEN_LIFETIME": timedelta(hours=1),
            longer: timedelta(hours=2),
        }
        with override_settings(BACKSTAY={**lifetimes, "LEEWAY": timedelta(seconds=7)}):
            assert key_files.expires({"retired_at": NOW}) == NOW + 7_200 + 7


class TestWrite:
    @pytest.mark.parametrize("umask", [0o000, 0o022, 0o777])
    def test_the_file_is_its_owners_only(self, path, umask):
        before = os.umask(umask)
        try:
            key_files.write(path, [MADE["HS256"]])
        finally:
            os.umask(before)

        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_an_open_file_is_closed_by_its_next_writing(self, path):
        path.write_text("anything")
        path.chmod(0o666)
        key_files.write(path, [MADE["HS256"]])

        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def test_leaves_nothing_beside_it(self, path):
        key_files.write(path, [MADE["HS256"]])
        key_files.write(path, [MADE["EdDSA"]])

        assert list(path.parent.iterdir()) == [path]

    def test_leaves_no_copy_of_a_key_where_it_fails(self, path):
        path.mkdir()
        with pytest.raises(ImproperlyConfigured, match="Is a directory"):
            key_files.write(path, [MADE["HS256"]])

        assert list(path.parent.iterdir()) == [path]

    def test_does_not_write_what_could_not_be_read(self, path):
        key_files.write(path, [MADE["HS256"]])
        before = path.read_bytes()
        with pytest.raises(ImproperlyConfigured):
            key_files.write(path, [oct_jwk(b"short")])

        assert path.read_bytes() == before

    def test_puts_nothing_in_place_of_a_file_that_came_meanwhile(self, path):
        key_files.write(path, [MADE["HS256"]], replace=False)
        before = path.read_bytes()
        with pytest.raises(ImproperlyConfigured, match=r"keys\.json: File exists"):
            key_files.write(path, [MADE["EdDSA"]], replace=False)

        assert path.read_bytes() == before
        assert list(path.parent.iterdir()) == [path]

    @pytest.mark.parametrize(
        ("below", "reason"),
        [("missing/keys.json", "No such file"), ("file/keys.json", "Not a dir")],
    )
    def test_a_directory_that_cannot_be_written_to_is_named(self, tmp_path, below, reason):
        (tmp_path / "file").touch()
        with pytest.raises(ImproperlyConfigured, match=f"{below}: {reason}"):
            key_files.write(tmp_path / below, [MADE["HS256"]])

    @pytest.mark.long
    def test_a_reader_sees_the_old_file_or_the_new_one_and_never_a_part(self, path):
        """60 rotations, read all the while; a reader also takes up the last one at once."""
        key_files.write(path, [MADE["RS256"]])
        seen, faults, done = [], [], Event()

        def read_on():
            while not done.is_set():
                try:
                    seen.append(load_keys().signer.kid)
                except ImproperlyConfigured as error:
                    faults.append(str(error))

        signers = [MADE["RS256"]["kid"]]
        with override_settings(BACKSTAY={"AUTH_KEYS": str(path)}):
            reader = Thread(target=read_on)
            reader.start()
            try:
                for _ in range(60):
                    new = key_files.generate("EdDSA")
                    key_files.write(path, [new, *key_files.read(path)[:2]])
                    signers.append(new["kid"])
                    assert load_keys().signer.kid == new["kid"]
            finally:
                done.set()
                reader.join()

        assert faults == []
        assert len(set(seen)) > 10, "The reader hardly ran."
        places = [signers.index(kid) for kid in seen]
        assert all(before <= after for before, after in pairwise(places))


class TestRead:
    def test_gives_the_signing_key_first(self, path):
        public = parse_key(MADE["RS256"]).public
        path.write_text(jwks(public, MADE["EdDSA"], MADE["HS256"]))

        assert [jwk["alg"] for jwk in key_files.read(path)] == ["EdDSA", "RS256", "HS256"]

    @pytest.mark.parametrize("jwk", [rsa_jwk(), ec_jwk(), ed_jwk(), {"kty": "oct", "k": "k" * 43}])
    def test_completes_a_key_without_a_name_or_algorithm(self, path, jwk):
        """As other programs write them; both follow from the key."""
        bare = {name: value for name, value in jwk.items() if name not in {"alg", "kid", "use"}}
        path.write_text(jwks(bare))
        (found,) = key_files.read(path)

        assert found["kid"] == thumbprint(bare)
        assert ALGORITHMS[found["alg"]] == bare["kty"]

    @pytest.mark.parametrize(
        "retired_at", [None, True, "now", "1800000000", 1.5, -1, [], {}, MAX_TIME + 1, 10**400]
    )
    def test_a_retirement_that_is_no_time_is_named(self, path, retired_at):
        path.write_text(jwks(MADE["EdDSA"], {**MADE["HS256"], "retired_at": retired_at}))

        with pytest.raises(ImproperlyConfigured, match=r"keys\.json: a retired_at is no time"):
            key_files.read(path)

    def test_the_last_time_there_is_does_not_overflow(self, path):
        assert key_files.expires({"retired_at": MAX_TIME}) == MAX_TIME

    def test_does_not_change_a_file(self, path):
        path.write_text(jwks(MADE["EdDSA"]))
        key_files.read(path)

        assert json.loads(path.read_text()) == {"keys": [MADE["EdDSA"]]}
