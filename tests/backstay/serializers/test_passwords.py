"""A new password is typed twice, bounded, and held to the project's rules."""

import pytest
from django.contrib.auth import get_user_model
from rest_framework import serializers as drf

from backstay.serializers import NewPasswordMixin, Serializer
from backstay.serializers.passwords import MAX_LENGTH

pytestmark = pytest.mark.A5

GOOD = "correct horse battery"


class Registration(NewPasswordMixin, Serializer):
    email = drf.EmailField(required=False)
    first_name = drf.CharField(required=False)
    invitation = drf.CharField(required=False)


def errors(data, **kwargs):
    serializer = Registration(data=data, **kwargs)
    serializer.is_valid()
    return {name: [error.code for error in found] for name, found in serializer.errors.items()}


def twice(password, **more):
    return {"password": password, "password_confirm": password, **more}


class TestNewPassword:
    def test_only_the_password_is_handed_on(self):
        serializer = Registration(data=twice(GOOD, invitation="x"))

        assert serializer.is_valid()
        assert serializer.validated_data == {"password": GOOD, "invitation": "x"}

    def test_is_never_shown(self):
        assert Registration({"password": GOOD, "password_confirm": GOOD}).data == {}

    def test_blanks_belong_to_it(self):
        serializer = Registration(data=twice(f"  {GOOD} "))

        assert serializer.is_valid()
        assert serializer.validated_data["password"] == f"  {GOOD} "

    @pytest.mark.parametrize("confirm", ["another password", f"{GOOD} ", GOOD.upper()])
    def test_must_be_typed_twice_the_same(self, confirm):
        data = {"password": GOOD, "password_confirm": confirm}

        assert errors(data) == {"password_confirm": ["password_mismatch"]}

    @pytest.mark.parametrize("missing", ["password", "password_confirm"])
    def test_both_are_required(self, missing):
        data = twice(GOOD)
        del data[missing]

        assert errors(data) == {missing: ["required"]}

    def test_the_shortest_and_the_longest_are_taken(self):
        assert errors(twice("q7-Rw!2z")) == {}
        assert errors(twice("q7-Rw!2z" * (MAX_LENGTH // 8))) == {}

    @pytest.mark.parametrize(
        ("password", "code"), [("q7-Rw!2", "min_length"), ("q" * 129, "max_length")]
    )
    def test_is_bounded_on_both_sides(self, password, code):
        assert errors(twice(password)) == {"password": [code], "password_confirm": [code]}

    def test_the_projects_validators_run(self):
        assert errors(twice("password")) == {"password": ["password_too_common"]}
        assert errors(twice("8675309867")) == {"password": ["password_entirely_numeric"]}

    @pytest.mark.parametrize(
        "about",
        [{"email": "augusta.lovelace@example.com"}, {"first_name": "augusta.lovelace"}],
        ids=["address", "name"],
    )
    def test_may_not_resemble_the_other_fields(self, about):
        assert errors(twice("augusta.lovelace", **about)) == {"password": ["password_too_similar"]}

    def test_may_not_resemble_the_user_that_changes_it(self):
        user = get_user_model()(first_name="augusta.lovelace")

        assert errors(twice("augusta.lovelace"), instance=user) == {
            "password": ["password_too_similar"]
        }


class TestPartialUpdate:
    def test_need_not_name_it(self):
        assert errors({"first_name": "Ada"}, partial=True) == {}

    @pytest.mark.parametrize("name", ["password", "password_confirm"])
    def test_must_name_both_or_none(self, name):
        assert errors({name: GOOD}, partial=True) == {"password_confirm": ["password_mismatch"]}

    def test_a_refused_one_leaves_the_user_as_they_were(self):
        user = get_user_model()(first_name="Ada")

        assert errors(twice("password", first_name="Eve"), instance=user, partial=True)
        assert user.first_name == "Ada"
