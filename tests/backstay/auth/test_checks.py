"""Keys that cannot be used stop the start, not the first login; the rest is said at deployment."""

import sys

import pytest
from django.apps import apps
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


def ids(*, deploy=True):
    return {message.id for message in run_checks(include_deployment_checks=deploy)}


class TestStore:
    @pytest.mark.parametrize(
        ("url", "expected"), [("redis://127.0.0.1:6379/0", True), (None, False)]
    )
    def test_without_its_client_it_refuses_to_start(self, url, expected, monkeypatch):
        monkeypatch.setitem(sys.modules, "redis", None)
        with override_settings(BACKSTAY={"REDIS_URL": url}):
            assert ("backstay.E005" in ids(deploy=False)) == expected

    def test_with_its_client_it_is_fine(self):
        with override_settings(BACKSTAY={"REDIS_URL": "redis://127.0.0.1:6379/0"}):
            assert "backstay.E005" not in ids(deploy=False)


class TestKeyFile:
    @pytest.mark.parametrize(
        ("mode", "expected"),
        [(0o600, False), (0o400, False), (0o640, True), (0o604, True), (0o620, True)],
    )
    def test_is_for_its_owner_alone(self, mode, expected, tmp_path):
        path = tmp_path / "keys.json"
        path.write_text(jwks(ed_jwk()))
        path.chmod(mode)
        with override_settings(BACKSTAY={"AUTH_KEYS": str(path)}):
            assert ("backstay.W006" in ids()) == expected
            assert "backstay.W006" not in ids(deploy=False)


class TestSessions:
    def test_are_missed_at_deployment(self):
        names = [name for name in apps.app_configs if name != "backstay_sessions"]
        installed = [apps.app_configs[name].name for name in names]
        with override_settings(INSTALLED_APPS=installed):
            assert "backstay.W007" in ids()
            assert "backstay.W007" not in ids(deploy=False)
        assert "backstay.W007" not in ids()
