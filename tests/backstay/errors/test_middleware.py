"""Errors from outside DRF views, request ids, and the bound of bodies."""

import logging

import pytest
from django.test import override_settings

from backstay.errors import request_id
from tests.backstay.errors import conftest, urls
from tests.backstay.errors.conftest import assert_problem

pytestmark = [pytest.mark.E2, pytest.mark.once]

EVIL_HOST = "evil.example"


class TestOutsideViews:
    def test_unknown_url(self, api, any_debug):
        assert_problem(api.get("/nowhere/"), 404, "not_found")

    def test_bad_host_is_refused_and_not_echoed(self, api, any_debug):
        response = api.get("/echo/", headers={"host": EVIL_HOST})
        assert_problem(response, 400, "parse_error")
        assert EVIL_HOST not in response.content.decode()

    def test_csrf(self, api, any_debug):
        api.handler.enforce_csrf_checks = True
        body = assert_problem(api.post("/form/", {"a": 1}), 403, "csrf_failed")
        assert body["detail"] == "CSRF Failed: CSRF cookie not set."

    def test_csrf_with_django_s_own_view_is_a_problem_too(self, api, settings):
        settings.CSRF_FAILURE_VIEW = "django.views.csrf.csrf_failure"
        api.handler.enforce_csrf_checks = True
        assert_problem(api.post("/form/", {"a": 1}), 403, "permission_denied")

    def test_malformed_multipart(self, api, any_debug):
        response = api.generic("POST", "/form/", b"x", "multipart/form-data; boundary=")
        assert_problem(response, 400, "parse_error")

    def test_a_renderer_that_fails(self, api, any_debug):
        assert_problem(api.get("/unrenderable/"), 500, "internal_error")

    def test_a_middleware_that_fails(self, api, any_debug):
        failing = "tests.backstay.errors.test_middleware.failing"
        with override_settings(MIDDLEWARE=[*conftest.MIDDLEWARE, failing]):
            assert_problem(api.get("/echo/"), 500, "internal_error")

    def test_a_handler_that_fails(self, api, any_debug):
        handler = "tests.backstay.errors.test_middleware.broken_handler"
        with override_settings(
            REST_FRAMEWORK={**conftest.REST_FRAMEWORK, "EXCEPTION_HANDLER": handler}
        ):
            assert_problem(api.get("/raise/conflict/"), 500, "internal_error")

    def test_a_path_that_is_no_uri_is_escaped(self, api):
        response = api.get("/%C3%A4%22%3C/")
        assert response.json()["instance"] == "/%C3%A4%22%3C/"

    def test_the_query_is_not_repeated(self, api):
        assert "token" not in api.get("/nowhere/?token=secret").content.decode()

    def test_mistakes_outside_views_are_logged_once(self, api, caplog):
        with caplog.at_level(logging.WARNING):
            api.get("/unrenderable/")
        assert [record.levelname for record in caplog.records] == ["ERROR"]


class TestWhatIsKept:
    def test_headers_and_cookies_of_the_answer_that_is_replaced(self, api):
        response = api.get("/with-headers/", headers={"origin": "https://app.example"})
        assert_problem(response, 405, "method_not_allowed")
        assert response.headers["Allow"] == "PUT"
        assert response.headers["Access-Control-Allow-Origin"] == "https://app.example"
        assert {"Cookie", "origin"} <= set(response.headers["Vary"].split(", "))
        assert response.cookies["seen"].value == "1"
        assert response.headers["Content-Length"] == str(len(response.content))
        assert "ETag" not in response.headers

    def test_redirects_to_the_path_with_a_slash(self, api):
        response = api.get("/orders")
        assert response.status_code == 301
        assert response.headers["X-Request-ID"]

    def test_streams(self, api):
        assert b"".join(api.get("/streamed/").streaming_content) == b"partial"

    @pytest.mark.parametrize("path", ["/admin/missing/http404/", "/admin/missing/mistake/"])
    def test_html_error_pages_of_the_admin(self, api, any_debug, path):
        response = api.get(path, headers={"accept": "text/html"})
        assert response.headers["Content-Type"].startswith("text/html")
        assert response.headers["X-Request-ID"]

    def test_html_paths_are_a_setting(self, api, settings):
        settings.BACKSTAY = {"ERROR_HTML_PATHS": ["/nowhere/"]}
        assert api.get("/nowhere/").headers["Content-Type"].startswith("text/html")
        assert_problem(api.get("/admin/missing/http404/"), 404, "not_found")


class TestRequestId:
    @pytest.mark.parametrize("offered", ["a", "A-Za-z0-9._-", "f" * 64])
    def test_a_well_formed_one_is_kept(self, api, offered):
        response = api.get("/nowhere/", headers={"x-request-id": offered})
        assert assert_problem(response, 404, "not_found")["request_id"] == offered

    @pytest.mark.parametrize(
        "offered", ["", "f" * 65, "a b", 'x"}', "a\nb", "a,b", "<script>", "ä", "a\n"]
    )
    def test_any_other_is_replaced(self, api, offered):
        response = api.get("/echo/", HTTP_X_REQUEST_ID=offered)
        assert len(response.headers["X-Request-ID"]) == 32
        assert response.headers["X-Request-ID"] != offered

    @pytest.mark.parametrize(
        "offered", ["4929739104127397", "4929-7391-0412-7397", "eyJhbGci.e30."]
    )
    def test_a_secret_is_none(self, api, offered):
        response = api.get("/echo/", HTTP_X_REQUEST_ID=offered)
        assert len(response.headers["X-Request-ID"]) == 32

    def test_it_can_be_read_by_logging_within_the_request_only(self, api, caplog):
        seen = []

        class Handler(logging.Handler):
            def emit(self, record):
                seen.append(request_id())

        handler = Handler()
        logging.getLogger("django.request").addHandler(handler)
        try:
            response = api.get("/raise/mistake/")
        finally:
            logging.getLogger("django.request").removeHandler(handler)
        assert seen == [response.headers["X-Request-ID"]]
        assert request_id() == ""


@pytest.mark.E1
class TestBodyBound:
    def test_a_longer_body_is_refused_without_being_read(self, api, settings):
        settings.BACKSTAY = {"MAX_BODY_BYTES": 10}
        response = api.post("/echo/", {"a": "b" * 100})
        assert_problem(response, 413, "payload_too_large")
        assert not response.wsgi_request._read_started

    def test_a_body_of_exactly_the_bound_is_read(self, api, settings):
        settings.BACKSTAY = {"MAX_BODY_BYTES": 7}
        assert api.generic("POST", "/echo/", b'{"a":1}', "application/json").status_code == 200

    @pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "٣", "1 2", "ten", "+5", "1,1"])
    def test_a_length_that_is_no_number_is_refused(self, api, length):
        response = api.post("/echo/", {"a": 1}, CONTENT_LENGTH=length)
        assert_problem(response, 400, "parse_error")

    @pytest.mark.parametrize("length", ["9" * 18, "9" * 5000])
    def test_an_absurd_length_is_too_large(self, api, length):
        response = api.post("/echo/", {"a": 1}, CONTENT_LENGTH=length)
        assert_problem(response, 413, "payload_too_large")

    def test_a_body_of_undeclared_length_is_refused(self, api):
        response = api.post("/echo/", {"a": 1}, headers={"transfer-encoding": "chunked"})
        assert_problem(response, 400, "parse_error")

    def test_django_s_own_bound_is_413_too(self, api, settings):
        settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
        assert_problem(api.post("/echo/", {"a": "b" * 100}), 413, "payload_too_large")


def failing(get_response):
    def middleware(request):
        raise RuntimeError(urls.SECRET)

    return middleware


def broken_handler(exc, context):
    raise RuntimeError(urls.SECRET)
