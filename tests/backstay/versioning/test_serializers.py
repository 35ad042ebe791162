"""One serializer speaks every version: bodies go forward, answers and errors back."""

import pytest

pytestmark = pytest.mark.V1

V1 = {"title": "Emma", "price": "5.00", "currency": "EUR"}
V2 = {"title": "Emma", "price": {"amount": "5.00", "currency": "EUR"}}
UNDERSTOOD = {"title": "Emma", "price": 5.0, "currency": "EUR"}


def pointers(response):
    assert response.status_code == 400
    return {error["pointer"]: error["code"] for error in response.json()["errors"]}


class TestAnswer:
    def test_is_that_of_the_version(self, api):
        assert api.get("/v1/book/").json() == {**V1, "shelf": 7}
        assert api.get("/v2/book/").json() == {**V2, "shelf": 7}
        assert api.get("/v3/book/").json() == {**V2, "shelf": {"id": 7, "name": "A"}}

    def test_holds_inside_other_serializers(self, api):
        assert api.get("/v1/box/").json() == {"books": [{**V1, "shelf": 7}]}
        assert api.get("/v3/box/").json()["books"][0]["price"] == V2["price"]


class TestInput:
    @pytest.mark.parametrize(("version", "body"), [("v1", V1), ("v2", V2), ("v3", V2)])
    def test_is_understood_alike(self, api, version, body):
        assert api.post(f"/{version}/book/", body).json() == UNDERSTOOD
        assert api.post(f"/{version}/box/", {"books": [body]}).json() == {"books": [UNDERSTOOD]}

    @pytest.mark.parametrize(
        ("version", "body"),
        [("v1", {"currency": "USD"}), ("v2", {"price": {"currency": "USD"}})],
    )
    def test_a_patch_may_name_a_part(self, api, version, body):
        assert api.patch(f"/{version}/book/", body).json() == {"currency": "USD"}

    def test_of_another_version_is_refused(self, api):
        assert pointers(api.post("/v1/book/", V2)) == {
            "/price": "invalid_type",
            "/currency": "required",
        }
        assert pointers(api.post("/v2/book/", V1)) == {
            "/price": "invalid",
            "/currency": "unknown_field",
        }

    @pytest.mark.E1
    @pytest.mark.parametrize("version", ["v1", "v2", "v3"])
    @pytest.mark.parametrize("body", ["[]", "null", "5", '"x"', "[[]]", '{"price": []}', "{}"])
    def test_of_another_form_is_refused(self, api, version, body):
        for path in ("book", "box"):
            response = api.post(f"/{version}/{path}/", body, content_type="application/json")
            assert response.status_code == 400


class TestErrors:
    def test_point_at_the_names_of_the_version(self, api):
        assert pointers(api.post("/v1/book/", V1 | {"price": "-1", "currency": "XXX"})) == {
            "/price": "min_value",
            "/currency": "invalid_choice",
        }
        wrong = {"title": "Emma", "price": {"amount": "-1", "currency": "XXX"}}
        assert pointers(api.post("/v2/book/", wrong)) == {
            "/price/amount": "min_value",
            "/price/currency": "invalid_choice",
        }

    def test_point_into_lists_of_older_bodies(self, api):
        body = {"books": [V1, V1 | {"currency": "XXX"}]}

        assert pointers(api.post("/v1/box/", body)) == {"/books/1/currency": "invalid_choice"}

    def test_a_missing_field_has_its_older_name(self, api):
        assert pointers(api.post("/v1/book/", {"title": "Emma", "price": "1"})) == {
            "/currency": "required"
        }
        assert pointers(api.post("/v1/book/", {"title": "Emma"})) == {"/price": "required"}

    def test_of_fields_that_never_changed_are_the_same(self, api):
        for version, body in (("v1", V1), ("v2", V2)):
            response = api.post(f"/{version}/book/", body | {"title": "x" * 11})
            assert pointers(response) == {"/title": "max_length"}
