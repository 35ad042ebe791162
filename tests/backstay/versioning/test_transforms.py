"""Transforms are pure: what goes forward comes back, and nothing is changed in place."""

from copy import deepcopy

import pytest
from django.test import override_settings
from hypothesis import given
from hypothesis import strategies as st

from backstay.versioning import Collapse, Default, Drop, Nest, Rename, Split, Transform
from backstay.versioning.transforms import steps_back

pytestmark = [pytest.mark.V1, pytest.mark.once]

PRICE = Nest("price", {"amount": "price", "currency": "currency"})
TOTAL = Nest("total", {"amount": "total_amount", "currency": "currency"})
AUTHOR = Collapse("author", to="id")

nests = st.sampled_from([PRICE, TOTAL])
values = st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.lists(st.integers())
others = st.dictionaries(st.sampled_from(["id", "name", "stock", "author"]), values)


@st.composite
def older_bodies(draw):
    """A transform, and a body of the version before it, with all of its members."""
    nest = draw(nests)
    members = {name: draw(values) for name in nest.members.values()}
    return nest, {**draw(others), **members}


@st.composite
def newer_bodies(draw):
    nest = draw(nests)
    members = {name: draw(values) for name in nest.members}
    return nest, {**draw(others), nest.field: members}


class TestNest:
    @given(older_bodies())
    def test_an_older_body_comes_back_as_it_went(self, case):
        nest, body = case
        assert nest.downgrade(nest.upgrade(body)) == body

    @given(newer_bodies())
    def test_a_newer_body_comes_back_as_it_went(self, case):
        nest, body = case
        assert nest.upgrade(nest.downgrade(body)) == body

    @given(older_bodies(), newer_bodies())
    def test_nothing_is_changed_in_place(self, older, newer):
        for (nest, body), way in ((older, "upgrade"), (newer, "downgrade")):
            before = deepcopy(body)
            getattr(nest, way)(body)
            assert body == before

    @given(others)
    def test_a_body_without_the_field_is_left_as_it_is(self, body):
        assert PRICE.upgrade(body) == body
        assert PRICE.downgrade(body) == body

    def test_a_part_of_the_members_is_carried_forward(self):
        """A PATCH of v1 names only what it changes."""
        assert PRICE.upgrade({"currency": "USD"}) == {"price": {"currency": "USD"}}
        assert PRICE.upgrade({"price": "5.00"}) == {"price": {"amount": "5.00"}}

    def test_members_stand_where_the_object_stood(self):
        body = {"id": 1, "price": {"amount": "5.00", "currency": "EUR"}, "stock": 3}

        assert list(PRICE.downgrade(body)) == ["id", "price", "currency", "stock"]

    def test_null_is_null_for_each_member(self):
        """The older version promised its fields: they may be null, but not be missing."""
        assert TOTAL.downgrade({"id": 1, "total": None}) == {
            "id": 1,
            "total_amount": None,
            "currency": None,
        }
        assert PRICE.downgrade({"price": None}) == {"price": None, "currency": None}


class TestNestErrors:
    def test_move_back_to_the_names_the_client_sent(self):
        errors = {"name": ["a"], "total": {"amount": ["b"], "currency": ["c"]}}

        assert TOTAL.downgrade_errors(errors) == {
            "name": ["a"],
            "total_amount": ["b"],
            "currency": ["c"],
        }

    def test_of_the_object_itself_are_told_of_its_first_member(self):
        assert TOTAL.downgrade_errors({"total": ["required"]}) == {"total_amount": ["required"]}
        assert PRICE.downgrade_errors({"price": ["required"]}) == {"price": ["required"]}

    def test_of_other_fields_are_left_as_they_are(self):
        assert PRICE.downgrade_errors({"name": ["a"]}) == {"name": ["a"]}

    def test_are_not_changed_in_place(self):
        errors = {"price": {"amount": ["b"]}}
        PRICE.downgrade_errors(errors)

        assert errors == {"price": {"amount": ["b"]}}


MONEY = {
    "type": "object",
    "required": ["amount"],
    "properties": {
        "amount": {"type": "string", "format": "decimal"},
        "currency": {"type": "string"},
    },
}
PERSON = {"type": "object", "properties": {"id": {"type": "integer"}, "name": {"type": "string"}}}


def resolve(schema):
    if "allOf" in schema:
        return resolve(schema["allOf"][0])
    return {"Money": MONEY, "Person": PERSON}.get(schema.get("$ref"), schema)


class TestNestSchema:
    SCHEMA = {
        "type": "object",
        "required": ["id", "total"],
        "properties": {"id": {"type": "integer"}, "total": {"$ref": "Money"}},
    }

    def test_has_the_members_in_place_of_the_object(self):
        assert TOTAL.downgrade_schema(self.SCHEMA, resolve) == {
            "type": "object",
            "required": ["id", "total_amount"],
            "properties": {
                "id": {"type": "integer"},
                "total_amount": {"type": "string", "format": "decimal"},
                "currency": {"type": "string"},
            },
        }

    def test_requires_no_member_of_an_optional_object(self):
        optional = {**self.SCHEMA, "required": ["id"]}

        assert TOTAL.downgrade_schema(optional, resolve)["required"] == ["id"]

    def test_is_not_changed_in_place(self):
        before = deepcopy((self.SCHEMA, MONEY))
        TOTAL.downgrade_schema(self.SCHEMA, resolve)

        assert before == (self.SCHEMA, MONEY)

    def test_without_the_field_is_left_as_it_is(self):
        assert TOTAL.downgrade_schema(PERSON, resolve) == PERSON

    @given(newer_bodies())
    def test_names_the_fields_that_the_body_has(self, case):
        nest, body = case
        schema = {
            "properties": {name: {"type": "string"} for name in body} | {nest.field: MONEY},
        }

        assert list(nest.downgrade_schema(schema, resolve)["properties"]) == list(
            nest.downgrade(body)
        )


class TestCollapse:
    @given(others, values)
    def test_shows_one_member_and_changes_nothing_in_place(self, rest, value):
        body = {**rest, "author": {"id": value, "name": "Ada"}}
        before = deepcopy(body)

        assert AUTHOR.downgrade(body) == {**rest, "author": value}
        assert body == before

    @pytest.mark.parametrize("body", [{"author": None}, {}, {"id": 1}])
    def test_leaves_null_and_absent_as_they_are(self, body):
        assert AUTHOR.downgrade(body) == body

    def test_carries_bodies_and_errors_as_they_are(self):
        assert AUTHOR.upgrade({"title": "x"}) == {"title": "x"}
        assert AUTHOR.downgrade_errors({"title": ["a"]}) == {"title": ["a"]}

    def test_documents_the_member_as_read_only(self):
        person = {"allOf": [{"$ref": "Person"}], "readOnly": True}
        schema = {"properties": {"title": {"type": "string"}, "author": person}}

        assert AUTHOR.downgrade_schema(schema, resolve)["properties"] == {
            "title": {"type": "string"},
            "author": {"type": "integer", "readOnly": True},
        }


class TestCollapseOfWrites:
    def test_takes_the_member_where_the_newer_takes_the_object(self):
        assert AUTHOR.upgrade({"author": 7}) == {"author": {"id": 7}}
        assert AUTHOR.upgrade({"author": [7, 8]}) == {"author": [{"id": 7}, {"id": 8}]}
        assert AUTHOR.upgrade({"author": None}) == {"author": None}

    def test_tells_the_object_s_errors_as_the_member_s(self):
        for newer, older in (
            ({"id": ["a"], "name": ["b"]}, ["a", "b"]),
            (["required"], ["required"]),
            ([{}, {"id": ["a"]}], [[], ["a"]]),
            ({1: {"id": ["a"]}}, {1: ["a"]}),
        ):
            assert AUTHOR.downgrade_errors({"author": newer}) == {"author": older}

    def test_documents_a_list_as_a_list_of_members(self):
        people = {"type": "array", "items": {"$ref": "Person"}}
        shown = AUTHOR.downgrade_schema({"properties": {"author": people}}, resolve)
        assert shown["properties"]["author"] == {"type": "array", "items": {"type": "integer"}}


NAME = Rename("full_name", was="name")


class TestRename:
    def test_keeps_the_place_of_the_field(self):
        assert list(NAME.upgrade({"id": 1, "name": "Ada", "age": 36})) == ["id", "full_name", "age"]
        assert list(NAME.downgrade({"id": 1, "full_name": "Ada", "age": 36})) == [
            "id",
            "name",
            "age",
        ]

    def test_moves_errors_and_schema(self):
        assert NAME.downgrade_errors({"full_name": ["a"], "id": ["b"]}) == {
            "name": ["a"],
            "id": ["b"],
        }
        schema = {"required": ["full_name", "id"], "properties": {"full_name": {"type": "string"}}}
        assert NAME.downgrade_schema(schema, resolve) == {
            "required": ["name", "id"],
            "properties": {"name": {"type": "string"}},
        }


WHOLE = Split("name", into=("first_name", "last_name"))


class TestSplit:
    @pytest.mark.parametrize(
        ("name", "first", "last"),
        [("Ada", "Ada", ""), ("Ada King Lovelace", "Ada", "King Lovelace"), ("", "", "")],
    )
    def test_gives_the_last_part_all_that_is_left(self, name, first, last):
        newer = {"id": 1, "first_name": first, "last_name": last}
        assert WHOLE.upgrade({"id": 1, "name": name}) == newer
        assert WHOLE.downgrade(newer) == {"id": 1, "name": name}

    @pytest.mark.parametrize("value", [5, None, ["Ada"]])
    def test_leaves_what_is_no_text_to_validation(self, value):
        assert WHOLE.upgrade({"name": value}) == {"first_name": value}

    def test_null_and_hidden_parts_leave_nothing_behind(self):
        assert WHOLE.downgrade({"first_name": None, "last_name": "King"}) == {"name": "King"}
        assert WHOLE.downgrade({"first_name": None, "last_name": None}) == {"name": None}
        assert WHOLE.downgrade({"last_name": "King", "id": 1}) == {"name": "King", "id": 1}
        assert WHOLE.downgrade({"id": 1}) == {"id": 1}

    def test_errors_of_the_parts_are_of_the_whole(self):
        errors = {"first_name": ["a"], "id": ["b"], "last_name": ["c"]}
        assert WHOLE.downgrade_errors(errors) == {"name": ["a", "c"], "id": ["b"]}

    def test_its_schema_is_one_text(self):
        text, perhaps = {"type": "string", "maxLength": 9}, {"type": ["string", "null"]}
        for parts, whole in (
            ((perhaps, text), {"type": "string"}),
            # The part that is never null may be absent.
            ((text, perhaps), {"type": ["string", "null"]}),
            ((perhaps, perhaps), {"type": ["string", "null"]}),
            (({**text, "readOnly": True},) * 2, {"type": "string", "readOnly": True}),
        ):
            newer = {
                "required": ["last_name"],
                "properties": dict(zip(WHOLE.into, parts, strict=True)),
            }
            assert WHOLE.downgrade_schema(newer, resolve) == {
                "required": ["name"],
                "properties": {"name": whole},
            }


class TestDropAndDefault:
    def test_the_older_version_has_no_such_field(self):
        for step in (Drop("gift"), Default("gift", value=False)):
            assert step.downgrade({"id": 1, "gift": True}) == {"id": 1}
            schema = {"required": ["gift", "id"], "properties": {"gift": {}, "id": {}}}
            assert step.downgrade_schema(schema, resolve) == {
                "required": ["id"],
                "properties": {"id": {}},
            }

    def test_only_a_default_is_given_and_not_to_a_part(self):
        assert Drop("gift").upgrade({"id": 1}) == {"id": 1}
        assert Default("gift", value=False).upgrade({"id": 1}) == {"id": 1, "gift": False}
        assert Default("gift", value=False).upgrade({"id": 1}, partial=True) == {"id": 1}

    def test_errors_of_it_are_of_the_whole(self):
        errors = {"gift": {"size": ["a"], "wrap": [{"colour": ["b"]}]}, "non_field_errors": ["c"]}
        assert Drop("gift").downgrade_errors(errors) == {"non_field_errors": ["c", "a", "b"]}
        assert Drop("gift").downgrade_errors({"id": ["a"]}) == {"id": ["a"]}


class TestOnesOwn:
    def test_changes_nothing_until_it_says_so(self):
        body = {"a": 1}
        own = Transform()
        assert own.upgrade(body) == own.downgrade(body) == own.downgrade_errors(body) == body
        assert own.downgrade_schema(PERSON, resolve) == PERSON
        assert own.downgrade_names(["a"]) == {"a"}


class TestHiddenMembers:
    def test_are_absent_in_the_older_version_too(self):
        """A nested field that the caller must not see."""
        assert TOTAL.downgrade({"total": {"currency": "EUR"}}) == {"currency": "EUR"}

    def test_what_is_said_of_the_object_holds_for_its_members(self):
        money = {"oneOf": [{"$ref": "Money"}, {"type": "null"}], "readOnly": True}
        total = {**money, "description": "For staff."}
        shown = TOTAL.downgrade_schema({"properties": {"total": total}}, resolve)["properties"]
        for name in ("total_amount", "currency"):
            assert shown[name]["description"] == "For staff."
            assert shown[name]["readOnly"] is True
            assert shown[name]["type"] == ["string", "null"]


class TestStepsBack:
    A, B, C = (Collapse(name, to="id") for name in "abc")
    CHANGES = {"v2": (A, B), "v3": (C,)}

    @pytest.fixture(autouse=True)
    def versions(self):
        with override_settings(BACKSTAY={"VERSIONS": ["v1", "v2", "v3"]}):
            yield

    @pytest.mark.parametrize(
        ("version", "steps"), [("v1", [C, B, A]), ("v2", [C]), ("v3", []), (None, [])]
    )
    def test_lead_from_the_newest_change_to_the_version(self, version, steps):
        assert list(steps_back(self.CHANGES, version)) == steps

    def test_nothing_declared_is_no_step(self):
        assert list(steps_back({}, "v1")) == []

    def test_a_new_version_is_a_setting(self):
        with override_settings(BACKSTAY={"VERSIONS": ["v1"]}):
            assert list(steps_back(self.CHANGES, "v1")) == []
