"""Rows that managers hide, choose or add to are those that Django would find."""

import pytest
from django.test import override_settings
from rest_framework import serializers

from backstay.readplan.explain import explain
from tests.backstay.readplan.comparison import by_drf, by_plan
from tests.backstay.readplan.lab.models import Chapter, Leaf, Person, Publisher, Title
from tests.backstay.readplan.lab.shown import serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1]


@pytest.fixture
def title():
    gone = Publisher.everyone.create(name="gone", gone=True)
    kept = Publisher.everyone.create(name="kept")
    title = Title.objects.create(name="first", publisher=kept)
    Title.objects.create(name="second", publisher=gone)
    chapter = Chapter.objects.create(title=title)
    Leaf.everyone.create(chapter=chapter)
    Leaf.everyone.create(chapter=chapter, hidden=True)
    return title


def same(queryset, shown):
    """What both show; neither may fail."""
    drf, plan = by_drf(queryset, shown, {}), by_plan(queryset, shown, {})
    assert (plan.body, plan.error, plan.failure) == (drf.body, None, None)
    return plan.body.decode()


class TestABaseManager:
    def test_hides_a_nested_row(self, title):
        shown = serializer(Title, "id", publisher=serializer(Publisher, "name")(read_only=True))
        assert "gone" not in same(Title.objects.all(), shown)

    @pytest.mark.parametrize(
        "field",
        [
            serializers.CharField(source="publisher.name", read_only=True, default=None),
            serializers.SlugRelatedField(source="publisher", slug_field="name", read_only=True),
        ],
    )
    def test_hides_a_column_of_it(self, title, field):
        assert "gone" not in same(Title.objects.all(), serializer(Title, "id", shown=field))

    def test_is_named_as_the_reason(self):
        shown = serializer(Title, "id", publisher=serializer(Publisher, "name")(read_only=True))
        assert "Publisher has a base manager of its own" in explain(shown)


class TestADefaultManager:
    def test_adds_to_each_child(self, title):
        child = serializer(Title, length=serializers.IntegerField(read_only=True))
        shown = serializer(Publisher, "name", titles=child(many=True, read_only=True))
        assert '"length":5' in same(Publisher.objects.all(), shown)

    def test_adds_to_what_a_childs_method_gets(self, title):
        child = serializer(
            Title,
            twice=serializers.SerializerMethodField(),
            get_twice=lambda self, one: 2 * one.length,
        )
        shown = serializer(Publisher, "name", titles=child(many=True, read_only=True))
        assert '"twice":10' in same(Publisher.objects.all(), shown)

    def test_chooses_what_belongs_to_a_child(self, title):
        leaf = serializer(Leaf, "id", "hidden")(many=True, read_only=True)
        child = serializer(Chapter, "id", pages=leaf)
        shown = serializer(Title, "id", chapters=child(many=True, read_only=True))
        assert "true" not in same(Title.objects.all(), shown)


class Elsewhere:
    """People are in one database, where they live in another."""

    def db_for_read(self, model, **hints):
        return "other" if model.__name__ == "City" else None


@pytest.mark.once
def test_a_row_of_another_database_is_not_joined():
    shown = serializer(Person, "id", city=serializers.CharField(source="city.name"))
    with override_settings(DATABASE_ROUTERS=[f"{__name__}.Elsewhere"]):
        assert "City is in another database" in explain(shown)


@pytest.mark.once
def test_more_tables_than_can_be_joined_are_left_to_drf():
    from backstay.readplan.compile import MOST_TABLES
    from backstay.readplan.paths import NotPlanned

    path = ".".join(["boss"] * (MOST_TABLES + 2))
    shown = serializer(Person, far=serializers.CharField(source=f"{path}.name", default=None))
    with pytest.raises(NotPlanned, match="tables"):
        explain(shown)
