"""The three shapes, and a project's own."""

import json

import pytest

from backstay.errors import Details
from backstay.errors.formatters import error_message, problem_json, status_errors, written_as
from tests.backstay.errors.conftest import assert_problem

pytestmark = [pytest.mark.E2, pytest.mark.once]

FORMATTERS = "backstay.errors.formatters"


@pytest.fixture
def shape(settings):
    def use(path):
        settings.BACKSTAY = {"ERROR_FORMATTER": path}

    return use


class TestStatusErrors:
    @pytest.fixture(autouse=True)
    def chosen(self, shape):
        shape(f"{FORMATTERS}.status_errors")

    def test_validation_errors_are_nested_as_drf_nests_them(self, api):
        response = api.post("/orders/", {"items": [{"quantity": 0}], "tags": 1})
        assert response.headers["Content-Type"] == "application/json"
        assert response.json() == {
            "status": "error",
            "code": 400,
            "errors": {
                "items": {"0": {"quantity": ["Ensure this value is greater than or equal to 1."]}},
                "tags": ['Expected a list of items but got type "int".'],
            },
        }

    def test_errors_of_no_field(self, api):
        response = api.post("/orders/", {"items": []})
        assert response.json()["errors"] == {"non_field_errors": ["Order something."]}

    def test_other_errors_have_a_detail(self, api):
        assert api.get("/nowhere/").json() == {
            "status": "error",
            "code": 404,
            "errors": {"detail": "Nothing is here, or nothing that the account may see."},
        }

    def test_errors_that_came_flat_are_keyed_by_field(self, api):
        assert api.get("/raise/query/").json()["errors"] == {
            "page_size": ["Must be from 1 to 100."]
        }


class TestErrorMessage:
    def test_has_code_message_and_status(self, api, shape):
        shape(f"{FORMATTERS}.error_message")
        response = api.get("/raise/out-of-stock/")
        assert response.headers["Content-Type"] == "application/json"
        assert response.json() == {
            "error": {"code": "out_of_stock", "message": "2 are left.", "status": 409}
        }


class TestEveryShape:
    @pytest.mark.parametrize("formatter", [problem_json, status_errors, error_message])
    @pytest.mark.parametrize(
        ("path", "status"),
        [("/nowhere/", 404), ("/raise/mistake/", 500), ("/raise/throttled/", 429)],
    )
    def test_is_the_same_in_and_outside_views(self, api, any_debug, shape, formatter, path, status):
        shape(f"{FORMATTERS}.{formatter.__name__}")
        response = api.get(path)
        assert response.status_code == status
        assert set(response.json()) == set(formatter(SAMPLE))
        assert response.headers["X-Request-ID"]

    @pytest.mark.parametrize("formatter", [problem_json, status_errors, error_message])
    def test_can_be_written_as_json(self, formatter):
        json.dumps(formatter(SAMPLE))


class TestOwnFormatter:
    def test_is_named_by_its_path(self, api, shape):
        shape(f"{__name__}.own")
        response = api.get("/raise/conflict/")
        assert response.headers["Content-Type"] == "application/vnd.api+json"
        assert response.json() == {"oops": "conflict"}

    @pytest.mark.parametrize(
        "broken", [f"{__name__}.raising", f"{__name__}.unwritable", "nowhere.at.all"]
    )
    def test_one_that_fails_does_not_hide_the_error(self, api, shape, caplog, broken):
        shape(broken)
        assert_problem(api.get("/raise/conflict/"), 409, "conflict")
        assert "formatter failed" in caplog.text


SAMPLE = Details("/errors/x", "X", 400, "x", "Because.", "/a/", "1")


@written_as("application/vnd.api+json")
def own(details):
    return {"oops": details.code}


def raising(details):
    raise RuntimeError


def unwritable(details):
    return {"never": object()}
