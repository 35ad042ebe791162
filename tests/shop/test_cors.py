"""Other origins: those that are listed read every answer, the others none."""

import pytest
from rest_framework.test import APIClient

LISTED = "https://app.shop.example"

pytestmark = [pytest.mark.M2, pytest.mark.once, pytest.mark.django_db]


@pytest.fixture(autouse=True)
def origins(settings):
    settings.CORS_ALLOWED_ORIGINS = [LISTED]
    settings.ROOT_URLCONF = "tests.shop.failing_urls"


@pytest.fixture
def client():
    return APIClient(raise_request_exception=False)


ANSWERS = [
    ("/api/v1/products/", 200),
    ("/api/schema/", 200),
    ("/api/v1/products/?page=0", 400),
    ("/api/v1/orders/", 401),
    ("/api/v1/products/1/", 404),
    ("/api/v9/products/", 404),
    ("/nowhere/", 404),
    ("/api/token/", 405),
    ("/fails/mistake/", 500),
    ("/fails/plain/", 500),
    ("/fails/unserializable/", 500),
    ("/fails/outage/", 503),
]


class TestListedOrigin:
    @pytest.mark.parametrize(("path", "status"), ANSWERS)
    def test_it_may_read_every_answer(self, client, path, status):
        response = client.get(path, HTTP_ORIGIN=LISTED)

        assert response.status_code == status
        assert response["Access-Control-Allow-Origin"] == LISTED
        assert response["Access-Control-Allow-Credentials"] == "true"
        assert "origin" in response["Vary"].lower().split(", ")

    @pytest.mark.parametrize(
        ("length", "status"), [("3000000", 413), ("three", 400)], ids=["too long", "no number"]
    )
    def test_it_may_read_why_a_body_is_refused(self, client, length, status):
        response = client.post("/api/token/", {}, HTTP_ORIGIN=LISTED, CONTENT_LENGTH=length)

        assert response.status_code == status
        assert response["Access-Control-Allow-Origin"] == LISTED
        assert "origin" in response["Vary"].lower().split(", ")

    def test_it_may_read_the_headers_that_matter(self, client):
        response = client.get("/api/v1/products/", HTTP_ORIGIN=LISTED)

        exposed = response["Access-Control-Expose-Headers"].split(", ")
        assert {"ETag", "Location", "Retry-After", "X-Request-ID"} <= set(exposed)

    @pytest.mark.parametrize("method", ["POST", "PATCH", "DELETE"])
    @pytest.mark.parametrize("path", ["/api/v1/orders/", "/api/v2/products/1/", "/api/token/"])
    def test_its_preflight_is_granted_without_a_credential(self, client, path, method):
        response = client.options(
            path,
            HTTP_ORIGIN=LISTED,
            HTTP_ACCESS_CONTROL_REQUEST_METHOD=method,
            HTTP_ACCESS_CONTROL_REQUEST_HEADERS="authorization, content-type, idempotency-key",
        )

        assert response.status_code == 200
        assert response["Access-Control-Allow-Origin"] == LISTED
        assert method in response["Access-Control-Allow-Methods"].split(", ")
        allowed = set(response["Access-Control-Allow-Headers"].split(", "))
        assert {"authorization", "content-type", "idempotency-key", "if-match"} <= allowed
        assert "origin" in response["Vary"].lower().split(", ")


OTHERS = [
    "https://evil.example",
    "http://app.shop.example",
    "https://app.shop.example:8443",
    "https://app.shop.example.evil.example",
    "https://evilapp.shop.example",
    "https://www.app.shop.example",
    "https://app.shop.example@evil.example",
    "https://user@app.shop.example",
    "null",
    "*",
]


class TestOtherOrigin:
    def headers(self, response):
        return {name for name in response.headers if name.lower().startswith("access-control-")}

    # Which origin it is and who answers are two questions, and nothing asks both at once.
    @pytest.mark.parametrize(
        ("path", "origin"),
        [
            *((path, OTHERS[0]) for path, _ in ANSWERS),
            *(("/api/v1/products/", origin) for origin in OTHERS[1:]),
        ],
    )
    def test_it_may_read_no_answer(self, client, path, origin):
        response = client.get(path, HTTP_ORIGIN=origin)

        assert "Access-Control-Allow-Origin" not in response.headers
        assert "origin" in response["Vary"].lower().split(", ")

    @pytest.mark.parametrize("origin", OTHERS)
    def test_its_preflight_is_not_granted(self, client, origin):
        response = client.options(
            "/api/v1/orders/", HTTP_ORIGIN=origin, HTTP_ACCESS_CONTROL_REQUEST_METHOD="POST"
        )
        assert self.headers(response) == set()


class TestNoOrigin:
    @pytest.mark.parametrize("path", [path for path, _ in ANSWERS])
    def test_a_shared_cache_learns_that_the_origin_matters(self, client, path):
        response = client.get(path)
        assert "Access-Control-Allow-Origin" not in response.headers
        assert "origin" in response["Vary"].lower().split(", ")
