"""What is read out of an OpenAPI document, and what is made of it: no network, no database."""

from types import SimpleNamespace

import pytest
from django.http import HttpResponse

from backstay.testing.answers import answer_of, difference
from backstay.testing.bodies import places, pointer, put, sample
from backstay.testing.document import operations, whole
from backstay.testing.resources import Resource

pytestmark = pytest.mark.once


class TestWhole:
    DOCUMENT = {
        "components": {
            "schemas": {
                "Node": {
                    "type": "object",
                    "properties": {"children": {"$ref": "#/components/schemas/Nodes"}},
                },
                "Nodes": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
                "a/b": {"type": "string"},
            }
        }
    }

    def test_references_are_followed(self):
        assert whole(self.DOCUMENT, {"$ref": "#/components/schemas/a~1b"}) == {"type": "string"}

    def test_a_schema_that_contains_itself_ends(self):
        found = whole(self.DOCUMENT, {"$ref": "#/components/schemas/Node"})

        assert found["properties"]["children"] == {"type": "array", "items": {}}

    def test_all_of_is_merged(self):
        parts = [
            {"type": "object", "properties": {"a": {}}, "required": ["a"]},
            {"properties": {"b": {}}, "required": ["b"]},
        ]

        found = whole({}, {"allOf": parts, "readOnly": True})

        assert set(found["properties"]) == {"a", "b"}
        assert sorted(found["required"]) == ["a", "b"]
        assert found["readOnly"]

    @pytest.mark.parametrize("word", ["oneOf", "anyOf"])
    def test_of_alternatives_the_first_that_is_not_null_counts(self, word):
        assert whole({}, {word: [{"type": "null"}, {"type": "integer"}, {"type": "string"}]}) == {
            "type": "integer"
        }


class TestOperations:
    def test_parameters_of_the_path_and_of_the_method(self):
        document = {
            "paths": {
                "/orders/": {
                    "parameters": [{"name": "page", "in": "query"}],
                    "get": {"parameters": [{"$ref": "#/parameters/State"}]},
                }
            },
            "parameters": {"State": {"name": "state", "in": "query", "schema": {"enum": ["a"]}}},
        }

        (found,) = operations(document)

        assert (found.method, found.route) == ("GET", "/orders/")
        assert found.parameters == {"page": {}, "state": {"enum": ["a"]}}
        assert found.body is found.answer is found.items is None


class TestSample:
    def test_it_holds_what_is_required_and_what_there_are_examples_for(self):
        schema = {
            "type": "object",
            "required": ["id", "name", "lines", "mail", "amount", "state", "on", "count"],
            "properties": {
                "id": {"type": "integer", "readOnly": True},
                "name": {"type": "string", "minLength": 3},
                "mail": {"type": "string", "format": "email"},
                "amount": {"type": "number", "minimum": 2},
                "state": {"enum": ["open", "shut"]},
                "on": {"type": "boolean"},
                "count": {"type": ["null", "integer"], "default": 7},
                "note": {"type": "string"},
                "country": {"type": "string", "pattern": "^[A-Z]{2}$"},
                "tags": {"type": "array", "items": {"type": "string"}},
                "lines": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "required": ["product"],
                        "properties": {"product": {"type": "integer"}},
                    },
                },
            },
        }

        assert sample(schema, {"country": "AT", "tags": "new", "product": 5}) == {
            "name": "xxx",
            "mail": "someone@example.com",
            "amount": 2,
            "state": "open",
            "on": True,
            "count": 7,
            "country": "AT",
            "tags": ["new"],
            "lines": [{"product": 5}],
        }


class TestPlaces:
    SCHEMA = {
        "type": "object",
        "properties": {
            "customer": {"type": "integer", "readOnly": True},
            "address_id": {"type": "integer"},
            "product_ids": {"type": "array", "items": {"type": "integer"}},
            "items": {
                "type": "array",
                "items": {"type": "object", "properties": {"product": {"type": "string"}}},
            },
        },
    }

    def found(self, *references):
        resource = Resource("x", foreign=1, references=references)
        return [pointer(place) for place in places(self.SCHEMA, resource.is_meant_by)]

    def test_names_mean_a_resource(self):
        assert self.found("address") == ["/address_id"]
        assert self.found("product") == ["/product_ids/0", "/items/0/product"]

    def test_what_is_only_read_is_no_place(self):
        assert self.found("customer") == []

    def test_a_value_is_put_without_touching_the_rest(self):
        body = {"note": "x", "items": [{"quantity": 1}]}

        assert put(body, ("items", 0, "product"), 5) == {
            "note": "x",
            "items": [{"quantity": 1, "product": 5}],
        }
        assert put(None, ("ids", 0), 5) == {"ids": [5]}
        assert body == {"note": "x", "items": [{"quantity": 1}]}


class TestAnswers:
    def answer(self, body, **headers):
        response = HttpResponse(body, headers={k.replace("_", "-"): v for k, v in headers.items()})
        return answer_of(response, (5, 987), ["X-Trace"])

    def test_ids_that_were_asked_for_are_no_difference(self):
        assert difference(self.answer("no 5, 12345"), self.answer("no 987, 12345")) is None

    def test_other_numbers_are(self):
        assert "says 'no {id}, 55'" in str(difference(self.answer("no 5, 55"), self.answer("no 5")))

    def test_what_names_the_request_is_no_difference(self):
        one = self.answer('{"id": "6b2f7a0c9d1e4f58"}', X_Request_ID="6b2f7a0c9d1e4f58")
        other = self.answer('{"id": "aaaaaaaaaaaaaaaaa"}', X_Request_ID="aaaaaaaaaaaaaaaaa")

        assert difference(one, other) is None

    def test_headers_are_compared_but_for_those_to_ignore(self):
        assert difference(self.answer("", X_Trace="1"), self.answer("", X_Trace="2")) is None
        told = difference(self.answer("", ETag='"1"'), self.answer(""))
        assert told == "headers differ from a missing one's: etag"

    def test_cookies_are_compared_by_name(self):
        response = HttpResponse()
        response.set_cookie("seen", "1")

        told = difference(answer_of(response, ()), answer_of(HttpResponse(), ()))

        assert told == "headers differ from a missing one's: set-cookie"

    def test_a_streamed_answer_has_bytes_too(self):
        streamed = SimpleNamespace(headers={}, cookies={}, status_code=200, getvalue="é".encode)

        assert answer_of(streamed, ()).body == "é".encode().decode("latin-1")
