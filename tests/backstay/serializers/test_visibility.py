"""Fields are declared for some callers, and absent for all others, in answer and input."""

from types import SimpleNamespace

import pytest
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import ImproperlyConfigured
from django.test import override_settings
from rest_framework import serializers as drf

from backstay.serializers import Serializer, VisibleFieldsMixin, plan, role, staff

pytestmark = pytest.mark.P2


def user(*, is_staff=False, role="customer", plan=None):
    organization = SimpleNamespace(plan=plan) if plan else None
    return SimpleNamespace(is_staff=is_staff, role=role, organization=organization)


ANONYMOUS = AnonymousUser()
NOBODY = None  # What DRF says where UNAUTHENTICATED_USER is None.
CUSTOMER = user()
MEMBER = user(role="member", plan="free")
OWNER = user(role="owner", plan="pro")
STAFF = user(is_staff=True, role="staff")


def context(caller):
    return {"request": SimpleNamespace(user=caller)}


class Article(Serializer):
    title = drf.CharField()
    notes = drf.CharField(required=False)
    margin = drf.CharField(required=False)
    forecast = drf.CharField(required=False)

    class Meta:
        visible_to = {"notes": staff, "margin": staff | role("owner"), "forecast": plan("pro")}


class Page(Serializer):
    articles = Article(many=True)


ARTICLE = {"title": "t", "notes": "n", "margin": "m", "forecast": "f"}


class TestAnswer:
    @pytest.mark.parametrize(
        ("caller", "seen"),
        [
            (ANONYMOUS, {"title"}),
            (NOBODY, {"title"}),
            (CUSTOMER, {"title"}),
            (MEMBER, {"title"}),
            (OWNER, {"title", "margin", "forecast"}),
            (STAFF, {"title", "notes", "margin"}),
        ],
        ids=["anonymous", "nobody", "customer", "member", "owner", "staff"],
    )
    def test_holds_what_the_caller_may_see(self, caller, seen):
        assert set(Article(ARTICLE, context=context(caller)).data) == seen

    def test_hides_everything_declared_without_a_request(self):
        assert set(Article(ARTICLE).data) == {"title"}

    def test_hides_in_lists_and_nested_objects_too(self):
        page = {"articles": [ARTICLE, ARTICLE]}

        assert Page(page, context=context(CUSTOMER)).data == {"articles": [{"title": "t"}] * 2}
        assert Article([ARTICLE], many=True, context=context(CUSTOMER)).data == [{"title": "t"}]

    def test_a_hidden_field_is_not_computed(self):
        class Costly(Serializer):
            report = drf.SerializerMethodField()

            class Meta:
                visible_to = {"report": staff}

            def get_report(self, _):
                raise AssertionError("It was computed for somebody who may not see it.")

        assert Costly(object(), context=context(CUSTOMER)).data == {}


class TestInput:
    def test_a_hidden_field_is_unknown_to_others(self):
        serializer = Article(data={"title": "t", "notes": "n"}, context=context(CUSTOMER))

        assert not serializer.is_valid()
        assert serializer.errors["notes"][0].code == "unknown_field"

    def test_the_refusal_is_that_of_a_field_that_is_not_there(self):
        """So nobody learns what staff have."""
        serializer = Article(
            data={"title": "t", "notes": "n", "never": "n"}, context=context(CUSTOMER)
        )

        assert not serializer.is_valid()
        assert serializer.errors["notes"] == serializer.errors["never"]

    def test_staff_may_write_it(self):
        serializer = Article(data={"title": "t", "notes": "n"}, context=context(STAFF))

        assert serializer.is_valid()
        assert serializer.validated_data["notes"] == "n"

    def test_a_required_hidden_field_is_not_asked_of_others(self):
        class Strict(Serializer):
            notes = drf.CharField()

            class Meta:
                visible_to = {"notes": staff}

        assert Strict(data={}, context=context(CUSTOMER)).is_valid()
        assert not Strict(data={}, context=context(STAFF)).is_valid()


class TestRules:
    def test_a_plan_admits_the_higher_ones(self):
        admitted = [
            name for name in ("free", "pro", "enterprise") if plan("pro").admits(user(plan=name))
        ]

        assert admitted == ["pro", "enterprise"]

    def test_an_unknown_plan_is_admitted_nowhere(self):
        assert not plan("free").admits(user(plan="gold"))

    def test_the_order_of_plans_is_a_setting(self):
        with override_settings(BACKSTAY={"PLANS": ["basic", "gold"]}):
            assert plan("basic").admits(user(plan="gold"))
            assert not plan("gold").admits(user(plan="basic"))

    def test_one_of_several_roles_is_enough(self):
        rule = role("owner", "manager")

        assert rule.admits(user(role="manager"))
        assert not rule.admits(user(role="member"))

    def test_rules_can_be_joined_and_say_so(self):
        rule = staff | role("owner", "manager") | plan("pro")

        assert rule.label == "staff or owner or manager or plan pro or higher"
        assert [rule.admits(caller) for caller in (STAFF, OWNER, MEMBER, ANONYMOUS)] == [
            True,
            True,
            False,
            False,
        ]


class TestMixin:
    def test_works_alone_on_any_drf_serializer(self):
        class Plain(VisibleFieldsMixin, drf.Serializer):
            notes = drf.CharField(required=False)

            class Meta:
                visible_to = {"notes": staff}

        assert Plain({"notes": "n"}, context=context(CUSTOMER)).data == {}
        assert Plain({"notes": "n"}, context=context(STAFF)).data == {"notes": "n"}

    def test_without_a_declaration_everybody_sees_everything(self):
        class Plain(Serializer):
            notes = drf.CharField()

        assert Plain({"notes": "n"}).data == {"notes": "n"}


def test_a_plan_that_is_none_is_named_where_it_is_asked_for():
    with pytest.raises(ImproperlyConfigured, match="gold"):
        plan("gold").admits(None)
