"""Where validation errors point, and with which codes."""

import pytest
from rest_framework.exceptions import ErrorDetail

from backstay.errors.pointers import flatten, join
from tests.backstay.errors.conftest import assert_problem

pytestmark = [pytest.mark.E2, pytest.mark.once]


def errors_of(response):
    body = assert_problem(response, 400, "validation_error")
    return {(error["pointer"], error["code"]) for error in body["errors"]}


class TestPointers:
    @pytest.mark.parametrize(
        ("body", "expected"),
        [
            ({}, {("/items", "required")}),
            ({"items": 1}, {("/items", "not_a_list")}),
            ({"items": []}, {("", "empty")}),
            ([], {("", "invalid")}),
            ({"items": [{"quantity": 0}]}, {("/items/0/quantity", "min_value")}),
            ({"items": [{"quantity": 1}, {}]}, {("/items/1/quantity", "required")}),
            ({"items": [{"quantity": 1}, {"quantity": 13}]}, {("/items/1", "unlucky")}),
            ({"items": ["x"]}, {("/items/0", "invalid")}),
            (
                {"items": [{"quantity": 1}], "tags": ["ok", "long"]},
                {("/tags/1", "max_length")},
            ),
            (
                {"items": [{"quantity": 1}], "prices": {"a/b~c": "x"}},
                {("/prices/a~1b~0c", "invalid")},
            ),
            (
                {"items": [{"quantity": 0}, {"quantity": "x"}], "tags": 1},
                {
                    ("/items/0/quantity", "min_value"),
                    ("/items/1/quantity", "invalid"),
                    ("/tags", "not_a_list"),
                },
            ),
        ],
    )
    def test_lead_to_the_value(self, api, body, expected):
        assert errors_of(api.post("/orders/", body)) == expected

    def test_lead_to_the_field_of_a_model_s_own_validation(self, api):
        assert errors_of(api.post("/full-clean/", {})) == {("/name", "blank")}

    def test_lists_of_the_deprecated_form_are_counted_too(self):
        nested = {"items": [{}, {"quantity": [ErrorDetail("x", "min_value")]}]}
        assert [error.pointer for error in flatten(nested)] == ["/items/1/quantity"]

    def test_tokens_are_escaped_in_the_order_of_rfc_6901(self):
        assert join("", "~1") == "/~01"


class TestReturnedErrors:
    def test_of_a_serializer_become_a_problem_with_pointers(self, api):
        response = api.post("/returned/", {"items": [{"quantity": 0}]})
        assert errors_of(response) == {("/items/0/quantity", "min_value")}

    def test_keep_their_own_sentence(self, api):
        body = assert_problem(api.get("/returned/"), 403, "permission_denied")
        assert body["detail"] == "Closed on Sundays."

    def test_of_a_plain_view_keep_their_sentence(self, api):
        response = api.get("/django-json/")
        body = assert_problem(response, 503, "service_unavailable")
        assert body["detail"] == "Not on Sundays."
        assert response.headers["Retry-After"] == "5"
