"""Keys that cannot be used stop the start, not the first login."""

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from tests.backstay.auth.jwks import ed_jwk, jwks, oct_jwk

pytestmark = pytest.mark.A8


def found(path):
    with override_settings(BACKSTAY={"AUTH_KEYS": str(path)}):
        return [error for error in run_checks() if error.id == "backstay.E004"]


class TestKeys:
    @pytest.fixture
    def key_file(self, tmp_path):
        return tmp_path / "keys.json"

    def test_a_usable_set_is_fine(self, key_file):
        key_file.write_text(jwks(ed_jwk(), oct_jwk()))

        assert found(key_file) == []

    def test_without_a_file_there_is_nothing_to_find(self):
        with override_settings(BACKSTAY={}):
            assert "backstay.E004" not in {error.id for error in run_checks()}

    def test_a_weak_key_refuses_to_start(self, key_file):
        key_file.write_text(jwks(ed_jwk(), oct_jwk(b"short", kid="weak")))
        (error,) = found(key_file)

        assert error.is_serious()
        assert error.msg.startswith("AUTH_KEYS: key weak has 5 bytes, HS256 needs 32.")

    @pytest.mark.parametrize("text", ["", "{}", "not json", '{"keys": [{}]}'])
    def test_what_is_no_set_refuses_to_start(self, key_file, text):
        key_file.write_text(text)

        assert len(found(key_file)) == 1

    def test_a_missing_file_refuses_to_start(self, key_file):
        assert "No such file" in found(key_file)[0].msg
