"""A plan in words, from Python and from the command line."""

import io

import pytest
from django.core.management import CommandError, call_command
from django.db.models import Count
from rest_framework import serializers

from backstay.readplan import CountField
from backstay.readplan.cache import plan_for
from backstay.readplan.explain import asking_for_each, explain
from tests.backstay.testapp.models import Book, Shelf

pytestmark = [pytest.mark.L1, pytest.mark.once]


ASKS_EACH = (
    "a query for each object; "
    "choose in Python from .all(), which is loaded for all objects at once."
)


class BookBrief(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ["id", "title"]


class ShelfDetail(serializers.ModelSerializer):
    books = BookBrief(many=True, read_only=True)
    number = CountField("books")
    long = serializers.SerializerMethodField()
    short = serializers.SerializerMethodField()

    class Meta:
        model = Shelf
        fields = ["id", "books", "number", "long", "short"]

    def get_long(self, shelf):
        return shelf.books.all().filter(pages__gt=300).exists()

    def get_short(self, shelf):
        return [book.title for book in shelf.books.all() if book.pages < 300]


class Opaque(serializers.ModelSerializer):
    class Meta:
        model = Book
        fields = ["id"]

    def to_representation(self, instance):
        return {"book": instance.pk}


class TestExplain:
    def test_it_names_queries_columns_and_reasons(self):
        assert explain(ShelfDetail).splitlines() == [
            "ShelfDetail: 2 queries for any number of rows, and those of what runs from instances",
            "Shelf: id, name",
            "  id: id, as is",
            "  books: one query by shelf_id",
            "    Book: shelf_id, id, title",
            "      id: id, as is",
            "      title: title, as is",
            "  number: the number of Book that are read anyway",
            "  long: from an instance: get_long() takes one",
            "  short: from an instance: get_short() takes one",
            f"! ShelfDetail.get_long(): shelf.books.filter() is {ASKS_EACH}",
        ]

    def test_a_serializer_with_a_body_of_its_own_is_one_of_instances(self):
        assert explain(Opaque).splitlines()[2] == (
            "  all of it from an instance: Opaque.to_representation is its own"
        )

    def test_a_plan_explains_itself_for_the_queryset_it_is_of(self):
        counted = Shelf.objects.annotate(more=Count("books"))
        plan = plan_for(ShelfDetail(context={}), counted)
        assert plan.explain().splitlines()[1] == "Shelf: id, name, more"


class TestAskingForEach:
    def test_a_relation_that_is_counted_or_asked(self):
        def method(self, order):
            return order.items.count(), order.items.order_by("id"), order.customer.orders.first()

        assert set(asking_for_each(method)) == {
            ("order.items", "count"),
            ("order.items", "order_by"),
            ("order.customer.orders", "first"),
        }

    def test_nothing_is_said_of_what_is_loaded_together_or_is_no_relation(self):
        def method(self, order):
            return list(order.items.all()), "a b".count("a"), self.known.get(order.pk)

        assert list(asking_for_each(method)) == []

    def test_nothing_is_said_without_a_source(self):
        assert list(asking_for_each(len)) == []


class TestCommand:
    @staticmethod
    def run(*names):
        out = io.StringIO()
        call_command("readplan", *names, stdout=out)
        return out.getvalue()

    def test_it_takes_an_apps_label_or_a_dotted_path(self):
        assert self.run("orders.OrderList") == self.run("shop.orders.serializers.OrderList")
        assert self.run("orders.OrderList").startswith("OrderList: 2 queries")

    @pytest.mark.parametrize(
        "name", ["orders.Nothing", "nowhere.OrderList", "OrderList", "orders.OrderCreate"]
    )
    def test_what_is_no_serializer_of_a_model_is_said(self, name):
        with pytest.raises(CommandError, match=name):
            self.run(name)
