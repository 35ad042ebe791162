"""A project of its own for the error tests, and a client that meets its errors."""

import pytest
from django.test import override_settings
from rest_framework.test import APIClient

MIDDLEWARE = [
    "backstay.errors.ProblemMiddleware",
    "corsheaders.middleware.CorsMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["rest_framework.authentication.BasicAuthentication"],
    "DEFAULT_PARSER_CLASSES": ["backstay.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "EXCEPTION_HANDLER": "backstay.errors.exception_handler",
    "LIST_SERIALIZER_ERRORS_AS_DICT": True,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}


@pytest.fixture(autouse=True)
def project():
    with override_settings(
        ROOT_URLCONF="tests.backstay.errors.urls",
        MIDDLEWARE=MIDDLEWARE,
        REST_FRAMEWORK=REST_FRAMEWORK,
        BACKSTAY={},
        CORS_ALLOWED_ORIGINS=["https://app.example"],
        CSRF_FAILURE_VIEW="backstay.errors.views.csrf_failure",
    ):
        yield


@pytest.fixture
def api():
    """A client that gets the answer to a mistake, not the exception."""
    return APIClient(raise_request_exception=False)


@pytest.fixture(params=[False, True], ids=["production", "debug"])
def any_debug(request):
    with override_settings(DEBUG=request.param):
        yield request.param


def assert_problem(response, status, code):
    """*response* is a whole problem; its body is returned."""
    body = response.json()
    assert (response.status_code, body["status"], body["code"]) == (status, status, code), body
    assert response.headers["Content-Type"] == "application/problem+json"
    assert response.headers["X-Request-ID"] == body["request_id"]
    assert response.headers["Cache-Control"] == "no-store"
    assert body["type"] == f"/errors/{code}"
    assert body["instance"] == response.wsgi_request.path
    assert body["title"]
    assert body["detail"]
    return body
