"""Each mistake of configuration that breaks the one shape is named."""

import pytest

from backstay.errors.checks import (
    check_csrf_view,
    check_error_formatter,
    check_error_middleware,
)
from tests.backstay.errors import conftest


def ids(messages):
    return [message.id for message in messages]


class TestFormatter:
    @pytest.mark.parametrize("path", ["nowhere.at.all", "backstay.errors.formatters.missing"])
    def test_that_cannot_be_imported_is_an_error(self, settings, path):
        settings.BACKSTAY = {"ERROR_FORMATTER": path}
        assert ids(check_error_formatter()) == ["backstay.E003"]

    def test_that_is_no_function_is_an_error(self, settings):
        settings.BACKSTAY = {"ERROR_FORMATTER": "backstay.errors.codes.CATALOGUE"}
        assert ids(check_error_formatter()) == ["backstay.E003"]

    def test_of_the_library_is_fine(self):
        assert check_error_formatter() == []


class TestMiddleware:
    def test_first_is_fine(self):
        assert check_error_middleware() == []

    def test_absent_is_warned_of(self, settings):
        settings.MIDDLEWARE = conftest.MIDDLEWARE[1:]
        assert ids(check_error_middleware()) == ["backstay.W003"]

    def test_not_first_is_warned_of(self, settings):
        settings.MIDDLEWARE = conftest.MIDDLEWARE[::-1]
        assert ids(check_error_middleware()) == ["backstay.W004"]

    def test_a_project_with_another_handler_is_left_alone(self, settings):
        settings.MIDDLEWARE = []
        settings.REST_FRAMEWORK = {}
        assert check_error_middleware() == []


class TestCsrfView:
    def test_of_django_is_warned_of(self, settings):
        settings.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
        assert ids(check_csrf_view()) == ["backstay.W005"]

    def test_ours_is_fine(self):
        assert check_csrf_view() == []
