"""Rates are read in one way only, and what has no such reading is refused."""

import pytest
from django.core.exceptions import ImproperlyConfigured

from backstay.throttling import Rate, parse_rates, rates_of
from tests.backstay.throttling.conftest import project

pytestmark = [pytest.mark.T5, pytest.mark.once]

READ = {
    1: ["s", "sec", "second"],
    60: ["m", "min", "minute"],
    3_600: ["h", "hour"],
    86_400: ["d", "day"],
}


@pytest.mark.parametrize(
    ("period", "seconds"), [(name, n) for n, names in READ.items() for name in names]
)
def test_a_period_is_its_name_or_a_usual_short_form(period, seconds):
    assert Rate.parse(f"5/{period}") == Rate(5, seconds)


@pytest.mark.parametrize("limit", [1, 10, 1_000_000_000])
def test_a_count_is_a_whole_number_up_to_a_thousand_million(limit):
    assert Rate.parse(f"{limit}/hour") == Rate(limit, 3_600)


@pytest.mark.parametrize("limit", [1, 100, 3_600_000])
def test_a_rate_can_be_smooth_up_to_a_thousand_a_second(limit):
    assert Rate.parse(f"{limit}/hour smooth") == Rate(limit, 3_600, smooth=True)


@pytest.mark.parametrize("text", ["3600001/hour smooth", "1001/s smooth", "1000000000/day smooth"])
def test_a_faster_one_cannot(text):
    with pytest.raises(ImproperlyConfigured, match="too fast to be smooth"):
        parse_rates(text)


@pytest.mark.parametrize(
    "text",
    [
        *("5/hour  smooth", "5/hour Smooth", "5/hoursmooth", "5/hour smooth ", "5/hour burst"),
        *("5/month", "5/week", "5/year", "5/minutes", "5/Minute", "5/mi", "5/"),
        *(" 5/minute", "5/minute ", "5 /minute", "5/ minute", "5/minute\n"),
        *("0/s", "05/s", "-5/s", "+5/s", "5.5/s", "5e3/s", "1_000/s", "1000000001/s", "\u0665/s"),
        *("", "5", "/s", "5/s/s", "5/minute;", "5/minute;;5/hour", "5/minute; 5/hour", "5/10s"),
    ],
)
def test_any_other_text_is_refused_by_name(text):
    with pytest.raises(ImproperlyConfigured) as error:
        parse_rates(text)
    assert repr(text.split(";")[-1]) in str(error.value) or "''" in str(error.value)


def test_several_windows_are_all_read():
    assert parse_rates("5/minute;100/hour") == (Rate(5, 60), Rate(100, 3_600))


def test_one_of_several_can_be_smooth():
    assert parse_rates("5/minute;100/hour smooth") == (Rate(5, 60), Rate(100, 3_600, smooth=True))


@pytest.mark.parametrize("text", ["60/m;70/minute", "60/minute;60/minute smooth"])
def test_two_limits_for_one_window_are_refused(text):
    with pytest.raises(ImproperlyConfigured, match=text):
        parse_rates(text)


class TestScope:
    def test_has_the_projects_rate(self):
        with project(rates={"login": "7/hour"}):
            assert rates_of("login") == (Rate(7, 3_600),)

    def test_changes_with_the_settings_at_once(self):
        with project(rates={"user": "7/hour"}):
            with project(rates={"user": "8/hour"}):
                assert rates_of("user") == (Rate(8, 3_600),)
            assert rates_of("user") == (Rate(7, 3_600),)

    @pytest.mark.A6
    @pytest.mark.parametrize(
        ("scope", "rate"), [("login", Rate(5, 60)), ("auth_failure", Rate(60, 60))]
    )
    def test_of_guessing_has_a_rate_where_the_project_names_none(self, scope, rate):
        with project():
            assert rates_of(scope) == (rate,)

    def test_set_to_none_has_no_limit(self):
        with project(rates={"login": None}):
            assert rates_of("login") == ()

    def test_that_nobody_named_is_refused_by_name(self):
        with project(), pytest.raises(ImproperlyConfigured, match="'sign-up'"):
            rates_of("sign-up")

    @pytest.mark.parametrize("value", ["5/month", 5, ["5/minute"]])
    def test_with_a_bad_rate_is_refused_by_name(self, value):
        with (
            project(rates={"login": value}),
            pytest.raises(ImproperlyConfigured, match=r"DEFAULT_THROTTLE_RATES\['login'\]: .*5"),
        ):
            rates_of("login")
