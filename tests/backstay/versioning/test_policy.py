"""When a version is deprecated and when it is over: to the second, and asked of no clock."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from backstay.versioning.policy import Policy, Version, moment, policy

pytestmark = [pytest.mark.V1, pytest.mark.once]

#: 2027-01-01 and 2027-07-01, midnight UTC.
DEPRECATED, SUNSET = 1_798_761_600, 1_814_400_000
LINK = "https://shop.example/v1-ends"
ENDING = {"deprecated": "2027-01-01", "sunset": "2027-07-01", "link": LINK}


def versions(**ends):
    names = ("v1", "v2", "v3")
    return Policy({name: Version.read(name, ends.get(name, {})) for name in names}, "v3")


class TestStatus:
    @pytest.mark.parametrize(
        ("now", "status"),
        [
            (0, "current"),
            (DEPRECATED - 0.001, "current"),
            (DEPRECATED, "deprecated"),
            (SUNSET - 0.001, "deprecated"),
            (SUNSET, "sunset"),
            (SUNSET * 9, "sunset"),
        ],
    )
    def test_changes_at_the_moments(self, now, status):
        assert Version("v1", DEPRECATED, SUNSET).status(now) == status

    def test_without_moments_it_is_current_for_ever(self):
        assert Version("v1").status(1e12) == "current"

    def test_one_moment_is_enough(self):
        assert Version("v1", deprecated_at=5).status(1e12) == "deprecated"
        assert Version("v1", sunset_at=5).status(5) == "sunset"


class TestHeaders:
    def test_tell_both_dates_and_where_to_read_and_to_go(self):
        assert versions(v1=ENDING).headers("v1", "/api/v1/orders/7/", 0) == {
            "Deprecation": "@1798761600",
            "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT",
            "Link": f'<{LINK}>; rel="deprecation", <{LINK}>; rel="sunset", '
            '</api/v2/orders/7/>; rel="successor-version"',
        }

    def test_are_the_same_before_between_and_after(self):
        told = [versions(v1=ENDING).headers("v1", "/", now) for now in (0, DEPRECATED, SUNSET)]
        assert told[0] == told[1] == told[2]

    def test_of_a_version_without_an_end_there_are_none(self):
        assert versions(v1=ENDING).headers("v2", "/api/v2/orders/", 0) == {}
        assert versions(v2={"link": LINK}).headers("v2", "/api/v2/orders/", 0) == {}

    def test_the_successor_is_the_next_that_is_not_on_its_way_out(self):
        both = versions(v1=ENDING, v2=ENDING)
        assert both.successor("v1", DEPRECATED - 1) == "v2"
        assert both.successor("v1", DEPRECATED) == "v3"
        assert both.successor("v3", DEPRECATED) is None

    def test_a_path_that_does_not_say_the_version_has_no_successor(self):
        assert versions(v1={"sunset": "2027-07-01"}).headers("v1", "/mobile/orders/", 0) == {
            "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT"
        }

    def test_only_the_first_place_in_the_path_is_the_version_s(self):
        link = versions(v1={"sunset": "2027-07-01"}).headers("v1", "/v1/tags/v1/", 0)["Link"]
        assert link == '</v2/tags/v1/>; rel="successor-version"'

    @pytest.mark.E1
    @given(st.text())
    def test_no_path_breaks_out_of_its_brackets(self, text):
        link = versions(v1=ENDING).headers("v1", f"/v1/{text}", 0)["Link"]
        target = link.rpartition("<")[2].removesuffix('>; rel="successor-version"')
        assert target.isascii()
        assert target.isprintable()
        assert not set(target) & set(' <>"')


class TestMoment:
    @pytest.mark.parametrize(
        "value",
        [
            "2027-07-01",
            date(2027, 7, 1),
            "2027-07-01T00:00:00Z",
            "2027-07-01T02:00:00+02:00",
            datetime(2027, 7, 1, tzinfo=UTC),
            datetime(2027, 6, 30, 19, tzinfo=timezone(timedelta(hours=-5))),
        ],
    )
    def test_is_read_in_every_form(self, value):
        assert moment("sunset", value) == SUNSET

    @pytest.mark.parametrize(
        "value", ["", "soon", "2027-13-01", "2027-02-30", "27-07-01", "01.07.2027", "@1814400000"]
    )
    def test_what_is_no_date_is_refused_by_name(self, value):
        with pytest.raises(ValueError, match="expected sunset as YYYY-MM-DD"):
            moment("sunset", value)

    @pytest.mark.parametrize(
        "value",
        ["2027-07-01T00:00:00", datetime(2027, 7, 1)],  # noqa: DTZ001  # What is refused.
    )
    def test_a_time_of_nobody_s_zone_is_refused(self, value):
        with pytest.raises(ValueError, match="offset"):
            moment("sunset", value)

    @given(st.dates())
    def test_a_day_begins_at_midnight_in_utc(self, day):
        at = moment("sunset", day.isoformat())
        assert at is not None
        assert datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=at) == datetime.combine(
            day, datetime.min.time(), UTC
        )


class TestSettings:
    @pytest.mark.parametrize(
        ("given", "said"),
        [
            ({"VERSION_POLICIES": {"v9": {}}}, "no version 'v9'"),
            ({"DEFAULT_VERSION": "v9"}, "no version 'v9'"),
            ({"VERSION_POLICIES": {"v1": {"ends": "2027-01-01"}}}, '"v1".*ends'),
            ({"VERSION_POLICIES": {"v1": {"sunset": "soon"}}}, '"v1".*soon'),
            (
                {"VERSION_POLICIES": {"v1": {"deprecated": "2027-07-01", "sunset": "2027-01-01"}}},
                "before it is deprecated",
            ),
            ({"VERSION_POLICIES": {"v1": {"link": "javascript:alert(1)"}}}, "link"),
            ({"VERSION_POLICIES": {"v1": {"link": "https://a/ b"}}}, "link"),
            ({"VERSION_POLICIES": {"v1": {"link": "https://é/"}}}, "link"),
            ({"VERSION_POLICIES": {"v1": {"link": "https://a/\r\nX: 1"}}}, "link"),
            ({"VERSION_POLICIES": {"v1": {"link": date(2027, 1, 1)}}}, "link"),
        ],
    )
    def test_that_cannot_be_are_refused(self, given, said):
        refused = pytest.raises(ImproperlyConfigured, match=said)
        with override_settings(BACKSTAY={"VERSIONS": ["v1", "v2"], **given}), refused:
            policy()

    @pytest.mark.parametrize("form", ["v1", {"v1": "2027-01-01"}, {1: {}}, {"v1": {"sunset": 5}}])
    def test_of_another_form_are_refused(self, form):
        refused = pytest.raises(ImproperlyConfigured, match="VERSION_POLICIES")
        with override_settings(BACKSTAY={"VERSION_POLICIES": form}), refused:
            policy()

    def test_are_read_when_used(self):
        for day, at in (("2027-01-01", DEPRECATED), ("2027-07-01", SUNSET)):
            ends = {"v1": {"sunset": day}}
            with override_settings(BACKSTAY={"VERSIONS": ["v1"], "VERSION_POLICIES": ends}):
                assert policy().versions["v1"].sunset_at == at
                ends["v1"]["sunset"] = "2030-01-01"
                assert policy().versions["v1"].sunset_at == 1_893_456_000

    def test_the_newest_is_meant_unless_another_is_named(self):
        for default, meant in ((None, "v2"), ("v1", "v1")):
            given = {"VERSIONS": ["v1", "v2"], "DEFAULT_VERSION": default}
            with override_settings(BACKSTAY=given):
                assert policy().default == meant
