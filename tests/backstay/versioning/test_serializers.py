"""One serializer speaks every version: bodies go forward, answers and errors back."""

from types import SimpleNamespace

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings

from tests.backstay.versioning.urls import Book, BookView

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


class TestChain:
    """v1 to v3 and back, through everything that a version can have changed."""

    OLDEST = {"title": "Emma", "host": 7, "tags": [1, 2]}
    MIDDLE = {"name": "Emma", "host": 7, "tags": [1, 2]}
    NEWEST = {"full_title": "Emma", "host": {"id": 7}, "tags": [{"id": 1}, {"id": 2}]}
    BODIES = [("v1", OLDEST), ("v2", MIDDLE), ("v3", NEWEST | {"gift": False})]

    def test_an_answer_is_that_of_the_version(self, api):
        assert api.get("/v1/event/").json() == self.OLDEST
        assert api.get("/v2/event/").json() == {**self.MIDDLE, "rating": 5}
        assert api.get("/v3/event/").json() == {
            "full_title": "Emma",
            "rating": 5,
            "host": {"id": 7, "name": "Ada"},
            "tags": [{"id": 1, "name": "a"}, {"id": 2, "name": "b"}],
            "gift": True,
        }

    @pytest.mark.parametrize(("version", "body"), BODIES)
    def test_a_body_is_understood_alike(self, api, version, body):
        assert api.post(f"/{version}/event/", body).json() == {**self.NEWEST, "gift": False}

    @pytest.mark.E3
    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_a_patch_changes_what_it_names_and_no_default(self, api, version):
        assert api.patch(f"/{version}/event/", {"host": 8}).json() == {"host": {"id": 8}}

    @pytest.mark.parametrize("version", ["v1", "v2"])
    def test_what_was_shown_can_be_sent_back(self, api, version):
        shown = api.get(f"/{version}/event/").json()
        assert api.post(f"/{version}/event/", shown).status_code == 200

    @pytest.mark.parametrize(
        ("version", "body", "refused"),
        [
            ("v1", MIDDLE, {"/name": "unknown_field", "/title": "required"}),
            ("v1", OLDEST | {"full_title": "x"}, {"/full_title": "unknown_field"}),
            ("v1", OLDEST | {"gift": True}, {"/gift": "unknown_field"}),
            ("v1", OLDEST | {"rating": 1}, {"/rating": "unknown_field"}),
            ("v1", OLDEST | {"host": {"id": 7}}, {"/host": "invalid_type"}),
            ("v2", OLDEST, {"/title": "unknown_field", "/name": "required"}),
            ("v2", MIDDLE | {"full_title": "x"}, {"/full_title": "unknown_field"}),
            ("v2", MIDDLE | {"gift": True}, {"/gift": "unknown_field"}),
            ("v3", NEWEST, {"/gift": "required"}),
            ("v3", NEWEST | {"gift": True, "title": "x"}, {"/title": "unknown_field"}),
        ],
    )
    def test_the_body_of_another_version_is_refused(self, api, version, body, refused):
        assert pointers(api.post(f"/{version}/event/", body)) == refused

    @pytest.mark.filterwarnings("ignore:The list-based error format")
    @pytest.mark.parametrize("as_dict", [False, True])
    @pytest.mark.parametrize(
        ("version", "change", "refused"),
        [
            ("v1", {"title": "x" * 11}, {"/title": "max_length"}),
            ("v2", {"name": "x" * 11}, {"/name": "max_length"}),
            ("v3", {"full_title": "x" * 11}, {"/full_title": "max_length"}),
            ("v1", {"host": 0}, {"/host": "min_value"}),
            ("v1", {"tags": [1, 0, 2]}, {"/tags/1": "min_value"}),
            ("v1", {"tags": 5}, {"/tags": "not_a_list"}),
            ("v3", {"tags": [{"id": 1}, {"id": 0}]}, {"/tags/1/id": "min_value"}),
            # About a field that the client cannot send, so about the whole.
            ("v1", {"title": "No gifts"}, {"": "no_gift"}),
            ("v3", {"full_title": "No gifts"}, {"/gift": "no_gift"}),
        ],
    )
    def test_errors_point_at_the_names_of_the_version(
        self, api, settings, as_dict, version, change, refused
    ):
        settings.REST_FRAMEWORK = {
            **settings.REST_FRAMEWORK,
            "LIST_SERIALIZER_ERRORS_AS_DICT": as_dict,
        }
        body = dict(self.BODIES)[version] | change
        assert pointers(api.post(f"/{version}/event/", body)) == refused

    @pytest.mark.E1
    @pytest.mark.parametrize("version", ["v1", "v2", "v3"])
    @pytest.mark.parametrize("value", [None, 5, "x", [], {}, [[]], [None], {"id": None}, True])
    @pytest.mark.parametrize("name", ["title", "name", "full_title", "host", "tags", "gift"])
    def test_no_value_is_a_5xx(self, api, version, name, value):
        for method in (api.post, api.patch):
            assert method(f"/{version}/event/", {name: value}).status_code in {200, 400}


class TestUnknownVersion:
    def test_of_another_versioning_fails_loudly(self, api):
        with override_settings(BACKSTAY={"VERSIONS": ["v1"]}):
            request = SimpleNamespace(version="2024-01-01")
            with pytest.raises(ImproperlyConfigured, match="no version '2024-01-01'"):
                Book(BookView.STORED, context={"request": request}).data  # noqa: B018  # It is made when asked for.
