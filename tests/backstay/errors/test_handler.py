"""What each exception raised in a DRF view is answered with."""

import logging

import pytest
from django.test import override_settings

from tests.backstay.errors.conftest import assert_problem
from tests.backstay.errors.urls import SECRET

pytestmark = [pytest.mark.E2, pytest.mark.once]

ANSWERS = [
    ("out-of-stock", 409, "out_of_stock"),
    ("conflict", 409, "conflict"),
    ("unavailable", 503, "service_unavailable"),
    ("query", 400, "validation_error"),
    ("legacy", 402, "payment_overdue"),
    ("legacy-without-code", 400, "validation_error"),
    ("http404", 404, "not_found"),
    ("django-denied", 403, "permission_denied"),
    ("suspicious", 400, "parse_error"),
    ("too-big", 413, "payload_too_large"),
    ("too-many-fields", 400, "parse_error"),
    ("unreadable", 400, "parse_error"),
    ("parse", 400, "parse_error"),
    ("not-authenticated", 401, "not_authenticated"),
    ("failed", 401, "invalid_credentials"),
    ("failed-inactive", 401, "invalid_credentials"),
    ("failed-expired", 401, "token_expired"),
    ("failed-simplejwt", 401, "token_invalid"),
    ("denied", 403, "permission_denied"),
    ("denied-by-plan", 403, "plan_required"),
    ("csrf", 403, "csrf_failed"),
    ("not-found", 404, "not_found"),
    ("not-acceptable", 406, "not_acceptable"),
    ("media-type", 415, "unsupported_media_type"),
    ("throttled", 429, "throttled"),
    ("throttled-without-wait", 429, "throttled"),
    ("api-exception", 500, "internal_error"),
    ("mistake", 500, "internal_error"),
]


class TestEveryException:
    @pytest.mark.parametrize(("name", "status", "code"), ANSWERS)
    def test_has_its_status_and_code(self, api, any_debug, name, status, code):
        assert_problem(api.get(f"/raise/{name}/"), status, code)

    @pytest.mark.parametrize(("name", "status", "code"), ANSWERS)
    def test_has_the_same_from_a_plain_django_view(self, api, any_debug, name, status, code):
        assert_problem(api.get(f"/django/{name}/"), status, code)

    @pytest.mark.parametrize(("name", "status", "code"), ANSWERS)
    def test_answers_head_without_a_body(self, api, name, status, code):
        for path in (f"/raise/{name}/", f"/django/{name}/"):
            response = api.head(path)
            assert response.content == b""
            assert response.headers["X-Request-ID"]


class TestOwnProblem:
    def test_tells_its_title_detail_and_pointers(self, api):
        body = assert_problem(api.get("/raise/out-of-stock/"), 409, "out_of_stock")
        assert body["title"] == "Not enough stock"
        assert body["detail"] == "2 are left."
        assert body["errors"] == [
            {"pointer": "/items/0/quantity", "code": "max_value", "detail": "At most 2."}
        ]

    def test_points_at_a_query_parameter_with_a_question_mark(self, api):
        body = assert_problem(api.get("/raise/query/"), 400, "validation_error")
        assert body["errors"] == [
            {"pointer": "?page_size", "code": "invalid", "detail": "Must be from 1 to 100."}
        ]

    def test_has_no_empty_list_of_errors(self, api):
        assert "errors" not in api.get("/raise/conflict/").json()


class TestHeaders:
    @pytest.mark.parametrize(
        ("name", "seconds"),
        [
            ("throttled", "3"),
            ("throttled-without-wait", "60"),
            ("unavailable", "2"),
        ],
    )
    def test_retry_after_is_in_whole_seconds_rounded_up(self, api, name, seconds):
        assert api.get(f"/raise/{name}/").headers["Retry-After"] == seconds

    @pytest.mark.parametrize("name", ["not-authenticated", "failed", "failed-expired"])
    def test_401_has_the_project_s_challenge_where_the_view_has_none(self, api, name):
        response = api.get(f"/raise/{name}/")
        assert response.headers["WWW-Authenticate"] == 'Basic realm="api"'

    def test_401_has_the_view_s_challenge(self, api):
        response = api.get("/protected/")
        assert_problem(response, 401, "not_authenticated")
        assert response.headers["WWW-Authenticate"] == 'Basic realm="api"'

    def test_without_any_challenge_it_is_drf_s_403(self, api):
        session = "rest_framework.authentication.SessionAuthentication"
        with override_settings(
            REST_FRAMEWORK={
                "DEFAULT_AUTHENTICATION_CLASSES": [session],
                "EXCEPTION_HANDLER": "backstay.errors.exception_handler",
            }
        ):
            assert_problem(api.get("/raise/not-authenticated/"), 403, "not_authenticated")

    def test_405_has_allow(self, api):
        response = api.put("/orders/", {})
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "POST, OPTIONS"


class TestSecrecy:
    @pytest.mark.parametrize("name", ["mistake", "suspicious"])
    @pytest.mark.parametrize("place", ["raise", "django"])
    def test_no_internals_in_the_body(self, api, any_debug, place, name):
        content = api.get(f"/{place}/{name}/").content.decode()
        assert SECRET not in content
        assert "Traceback" not in content
        assert "RuntimeError" not in content

    def test_404_does_not_name_the_model(self, api):
        assert api.get("/raise/http404/").json()["detail"] == "Not found."


class TestBrowsableApi:
    def test_shows_the_problem_in_its_own_page(self, api):
        response = api.post("/browsable/", {}, headers={"accept": "text/html"})
        assert response.status_code == 409
        assert response.headers["Content-Type"].startswith("text/html")
        assert "out_of_stock" in response.content.decode()

    def test_clients_get_the_problem(self, api):
        assert_problem(api.post("/browsable/", {}), 409, "out_of_stock")


class TestLog:
    def test_a_mistake_is_logged_once_with_traceback_and_request_id(self, api, caplog):
        with caplog.at_level(logging.WARNING):
            response = api.get("/raise/mistake/")
        [record] = caplog.records
        assert record.levelno == logging.ERROR
        assert SECRET in caplog.text
        assert "Traceback" in caplog.text
        assert response.headers["X-Request-ID"] in record.getMessage()

    def test_a_mistake_reaches_those_who_listen_to_django(self, api):
        api.raise_request_exception = True
        with pytest.raises(RuntimeError):
            api.get("/raise/mistake/")

    def test_an_attack_reaches_the_security_log(self, api, caplog):
        with caplog.at_level(logging.WARNING):
            api.get("/raise/suspicious/")
        [record] = caplog.records
        assert record.name == "django.security.SuspiciousOperation"

    @override_settings(DEBUG_PROPAGATE_EXCEPTIONS=True)
    def test_a_mistake_propagates_where_django_is_told_so(self, api):
        with pytest.raises(RuntimeError):
            api.get("/raise/mistake/")
