"""The known mistakes with versions."""

import pytest
import time_machine
from django.test import override_settings
from django.urls import path
from rest_framework import generics, serializers

from backstay.versioning import Collapse, Default, Drop, Nest, Rename, Transform, TransformsMixin
from backstay.versioning import checks as version_checks

pytestmark = [pytest.mark.V1, pytest.mark.M3, pytest.mark.once]


class Seller(serializers.Serializer):
    id = serializers.IntegerField()


class Product(TransformsMixin, serializers.Serializer):
    title = serializers.CharField()
    seller = Seller()

    class Meta:
        transforms: dict[str, tuple[Transform, ...]] = {}


class Basket(serializers.Serializer):
    products = Product(many=True)


class Failing(Transform):
    def downgrade(self, body):
        return {**body, "title": body["title"] + "!"}


class ProductView(generics.ListAPIView):
    serializer_class = Basket


urlpatterns = [path("products/", ProductView.as_view())]


def ids(check, **given):
    own = {"VERSIONS": ["v1", "v2", "v3"], **given}
    with override_settings(ROOT_URLCONF=__name__, BACKSTAY=own, MIDDLEWARE=[]):
        return [(message.id, message.msg) for message in check()]


class TestTransforms:
    @pytest.fixture
    def told(self, monkeypatch):
        def look(**transforms):
            monkeypatch.setattr(Product.Meta, "transforms", transforms)
            return ids(version_checks.check_transforms)

        return look

    def test_that_lead_somewhere_are_left_alone(self, told):
        assert told(v2=(Rename("title", was="name"),), v3=(Collapse("seller", to="id"),)) == []

    def test_of_a_chain_are_of_what_the_newer_ones_leave(self, told):
        assert told(v2=(Drop("name"),), v3=(Rename("title", was="name"),)) == []
        [(name, said)] = told(v2=(Drop("title"),), v3=(Rename("title", was="name"),))
        assert name == "backstay.E031"
        assert "Drop(field='title')" in said
        assert "there are name, seller" in said

    @pytest.mark.parametrize(
        "step",
        [
            Rename("titel", was="name"),
            Nest("price", {"amount": "price"}),
            Collapse("owner", to="id"),
            Drop("name"),
            Default("gift", value=False),
        ],
    )
    def test_of_a_field_that_is_not_there(self, told, step):
        [(name, said)] = told(v2=(step,))
        assert name == "backstay.E031"
        assert "Product.Meta.transforms" in said

    def test_of_a_version_that_is_none_or_that_none_precedes(self, told):
        assert [said.partition(": ")[2] for _, said in told(v1=(), v9=())] == [
            "'v1' is the oldest, so that its changes lead nowhere.",
            "'v9' is none of VERSIONS, so that its changes lead nowhere.",
        ]

    def test_of_one_s_own_that_fail(self, told):
        [(name, said)] = told(v2=(Failing(),))
        assert name == "backstay.E031"
        assert "fails where every value is None: TypeError" in said

    def test_of_a_serializer_that_wants_a_request_are_not_looked_at(self, told, monkeypatch):
        monkeypatch.setattr(Basket, "get_fields", lambda self: self.context["request"])
        assert told(v2=(Drop("name"),)) == []

    def test_of_one_s_own_need_no_field(self, told):
        assert told(v2=(Transform(),)) == []


class TestPolicy:
    def test_that_can_be_has_none(self):
        ends = {"v1": {"deprecated": "2027-01-01", "sunset": "2027-01-01"}}
        assert ids(version_checks.check_policy, VERSION_POLICIES=ends) == []

    def test_that_cannot_be(self):
        ends = {"v1": {"deprecated": "2027-01-02", "sunset": "2027-01-01"}}
        [(name, said)] = ids(version_checks.check_policy, VERSION_POLICIES=ends)
        assert name == "backstay.E030"
        assert 'BACKSTAY["VERSION_POLICIES"]["v1"]' in said


class TestMiddleware:
    def test_nothing_ends(self):
        assert ids(version_checks.check_middleware) == []

    def test_nobody_is_told(self):
        [(name, _)] = ids(version_checks.check_middleware, VERSION_POLICIES={"v1": {}})
        assert name == "backstay.W030"


class TestDefault:
    ENDS = {"v3": {"deprecated": "2027-01-01", "sunset": "2027-07-01"}}

    @pytest.mark.parametrize(
        ("today", "said"),
        [("2026-12-31", None), ("2027-01-01", "deprecated"), ("2027-07-01", "answered with 410")],
    )
    def test_that_is_over_or_soon(self, today, said):
        with time_machine.travel(f"{today}T00:00Z", tick=False):
            found = ids(version_checks.check_default, VERSION_POLICIES=self.ENDS)
            assert (
                ids(version_checks.check_default, VERSION_POLICIES=self.ENDS, DEFAULT_VERSION="v2")
                == []
            )
        assert [name for name, _ in found] == ["backstay.W031"] * (said is not None)
        assert all(said in text for _, text in found)

    def test_that_cannot_be_is_told_by_another(self):
        assert ids(version_checks.check_default, DEFAULT_VERSION="v9") == []
