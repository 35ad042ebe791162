"""Settings are read at use, typed, and a mistake in them is told before it matters."""

import os.path
from datetime import timedelta

import pytest
from django.conf import settings as django_settings
from django.core.checks import run_checks
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.test import override_settings

from backstay.checks import check_setting_names, check_setting_values, check_sqlite_transactions
from backstay.conf import Settings, settings

pytestmark = [pytest.mark.M3, pytest.mark.once]


def found(**backstay):
    """The messages about a project's ``BACKSTAY``."""
    with override_settings(BACKSTAY=backstay):
        return [*check_setting_names(), *check_setting_values()]


class TestReading:
    def test_a_setting_has_its_default(self):
        with override_settings(BACKSTAY={}):
            assert settings.ISSUER == "backstay"
            assert timedelta(minutes=15) == settings.ACCESS_TOKEN_LIFETIME

    def test_without_the_dict_every_setting_has_its_default(self):
        with override_settings():
            del django_settings.BACKSTAY
            assert all(
                getattr(settings, name) == getattr(Settings, name).default for name in settings
            )

    def test_an_override_is_seen_at_once_and_undone_at_once(self):
        with override_settings(BACKSTAY={"ISSUER": "outer"}):
            assert settings.ISSUER == "outer"
            with override_settings(BACKSTAY={"ISSUER": "inner"}):
                assert settings.ISSUER == "inner"
            assert settings.ISSUER == "outer"

    def test_a_dotted_path_is_imported_at_use(self):
        with override_settings(BACKSTAY={"TOKEN_CLAIMS": "os.path.join"}):
            assert settings.TOKEN_CLAIMS is os.path.join

    def test_a_sequence_of_names_is_a_tuple(self):
        with override_settings(BACKSTAY={"VERSIONS": ["v1", "v2"]}):
            assert settings.VERSIONS == ("v1", "v2")

    def test_a_wrong_value_is_refused_where_it_is_used(self):
        with (
            override_settings(BACKSTAY={"LEEWAY": 10}),
            pytest.raises(ImproperlyConfigured, match=r'BACKSTAY\["LEEWAY"\]: expected a datetime'),
        ):
            _ = settings.LEEWAY

    def test_every_setting_is_listed(self):
        assert {"ISSUER", "VERSIONS", "PLANS", "MAX_BODY_BYTES"} <= set(settings)


class TestChecks:
    def test_run_with_the_others(self):
        with override_settings(BACKSTAY={"ISUER": "shop", "LEEWAY": 10}):
            ids = {error.id for error in run_checks()}

        assert {"backstay.E001", "backstay.E002"} <= ids


class TestSqlite:
    @pytest.fixture
    def mode(self, monkeypatch):
        """Have one more database, whose transactions begin so."""

        def begin(**options: str) -> list[str | None]:
            given = {**connections["default"].settings_dict, "OPTIONS": options}
            given["ENGINE"] = "django.db.backends.sqlite3"
            monkeypatch.setitem(connections.settings, "other", given)
            messages = check_sqlite_transactions()
            del connections["other"]
            return [message.id for message in messages if "'other'" in message.msg]

        return begin

    def test_transactions_that_lock_late_are_told_of(self, mode):
        assert mode() == mode(transaction_mode="DEFERRED") == ["backstay.W023"]

    def test_those_that_lock_when_they_begin_are_not(self, mode):
        assert mode(transaction_mode="IMMEDIATE") == mode(transaction_mode="exclusive") == []

    def test_the_shops_are_none(self):
        assert "backstay.W023" not in {message.id for message in run_checks()}


class TestUnknownKey:
    def test_is_an_error_with_the_nearest_name(self):
        (error,) = found(ISUER="shop")

        assert (error.id, error.is_serious()) == ("backstay.E001", True)
        assert error.msg == 'BACKSTAY["ISUER"] is not a setting of backstay, so it has no effect.'
        assert error.hint == 'Did you mean "ISSUER"?'

    def test_far_from_any_is_told_the_known_ones(self):
        (error,) = found(XYZ=1)

        assert error.hint.startswith("Known settings: ERROR_FORMATTER, ")

    def test_each_is_an_error_of_its_own(self):
        assert len(found(ISUER="a", issuer="b", Issuer="c")) == 3


WRONG = [
    ("ACCESS_TOKEN_LIFETIME", 900),
    ("ACCESS_TOKEN_LIFETIME", "15 minutes"),
    ("ACCESS_TOKEN_LIFETIME", None),
    ("REFRESH_TOKEN_LIFETIME", timedelta(days=-1)),
    ("LEEWAY", timedelta(seconds=-1)),
    ("ISSUER", ""),
    ("ISSUER", None),
    ("ISSUER", 5),
    ("AUDIENCE", ["shop"]),
    ("AUTH_KEYS", ""),
    ("AUTH_KEYS", 5),
    ("TOKEN_CLAIMS", "nowhere"),
    ("TOKEN_CLAIMS", "nowhere.claims"),
    ("TOKEN_CLAIMS", "os.path.nothing"),
    ("TOKEN_CLAIMS", "os.sep"),
    ("TOKEN_CLAIMS", 5),
    ("VERSIONS", "v1"),
    ("VERSIONS", 5),
    ("VERSIONS", []),
    ("PLANS", ()),
    ("VERSIONS", None),
    ("VERSIONS", ["v1", 2]),
    ("VERSIONS", ["v1", ""]),
    ("VERSIONS", {"v1": "2026-01-01"}),
    ("MAX_BODY_BYTES", 0),
    ("MAX_BODY_BYTES", -1),
    ("MAX_BODY_BYTES", True),
    ("MAX_BODY_BYTES", 1e6),
    ("MAX_BODY_BYTES", "1000"),
]
RIGHT = [
    ("ACCESS_TOKEN_LIFETIME", timedelta(seconds=1)),
    ("LEEWAY", timedelta(0)),
    ("ISSUER", "shop"),
    ("AUTH_KEYS", None),
    ("AUTH_KEYS", "/etc/keys.json"),
    ("TOKEN_CLAIMS", None),
    ("TOKEN_CLAIMS", dict),
    ("TOKEN_CLAIMS", "os.path.join"),
    ("VERSIONS", ("v1",)),
    ("VERSIONS", ["v1", "v2"]),
    ("ERROR_HTML_PATHS", ()),
    ("MAX_BODY_BYTES", 1),
]


class TestValues:
    @pytest.mark.parametrize(("name", "value"), WRONG)
    def test_a_wrong_one_is_an_error_that_names_it(self, name, value):
        (error,) = found(**{name: value})

        assert (error.id, error.is_serious()) == ("backstay.E002", True)
        assert error.msg.startswith(f'BACKSTAY["{name}"]: ')

    @pytest.mark.parametrize(("name", "value"), RIGHT)
    def test_a_right_one_is_fine(self, name, value):
        assert found(**{name: value}) == []

    def test_every_wrong_one_is_told_at_once(self):
        assert len(found(ISSUER="", AUDIENCE="", LEEWAY=1)) == 3
