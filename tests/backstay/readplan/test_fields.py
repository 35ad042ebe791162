"""Counts and sums of what belongs to an object: one grouped query, with a plan or without."""

from decimal import Decimal

import pytest
from django.core.exceptions import FieldError
from django.db.models import Sum
from rest_framework import serializers

from backstay.readplan import CountField, DecimalSumField, SumField, needs, read
from backstay.readplan.cache import plan_for
from tests.backstay.readplan.lab.models import Label, Note, Person, Pet, Toy
from tests.backstay.readplan.lab.shown import serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]


def totals():
    return {
        "pet_count": CountField("pets"),
        "label_count": CountField("labels"),
        "friend_count": CountField("friends"),
        "years": SumField("person_set", "age"),
        "weight": SumField("pets", "toys__weight"),
        "paid": DecimalSumField("pets", "toys__cost", max_digits=12, decimal_places=2),
    }


def expected(person):
    pets = Pet.objects.filter(owner=person)
    toys = Toy.objects.filter(pet__in=pets)
    return {
        "pet_count": pets.count(),
        "label_count": person.labels.count(),
        "friend_count": person.friends.count(),
        "years": person.person_set.aggregate(all=Sum("age"))["all"] or 0,
        "weight": toys.aggregate(all=Sum("weight"))["all"] or 0,
        "paid": f"{toys.aggregate(all=Sum('cost'))['all'] or Decimal(0):.2f}",
    }


class TestTotals:
    @pytest.fixture
    def shown(self):
        return serializer(Person, **totals())

    def test_are_those_of_the_database(self, shown):
        people = list(Person.objects.all())
        want = [expected(person) for person in people]
        assert read(Person.objects.all(), shown()) == want
        assert [shown(person).data for person in people] == want
        assert want != [want[0]] * len(want)

    def test_are_one_query_a_relation(self, shown, query_count):
        """
        The page, pets, labels, friends and staff, and two that look further than pets.

        Those of one relation go together, unless a join would have one multiply another.
        """
        assert query_count(lambda: read(Person.objects.all(), shown())) == 7
        together = {"pet_count": CountField("pets"), "born": CountField("pets", "born")}
        assert (
            query_count(lambda: read(Person.objects.all(), serializer(Person, **together)())) == 2
        )

    def test_of_peers_are_one_query_each(self, shown, query_count):
        people = list(Person.objects.with_peers())
        assert query_count(lambda: shown(people, many=True).data) == len(totals())

    def test_are_grouped_by_the_keys_of_the_page_alone(self, query_count, shown):
        page = Person.objects.all()[2:4]
        queries = query_count._queries(lambda: read(page, shown()))
        grouped = [one for one in queries if "GROUP BY" in one]
        assert len(grouped) == 6
        assert all(" IN (" in one or " = ANY(" in one for one in grouped)

    def test_of_nothing_are_0(self):
        one = Person.objects.all()[0]
        for relation in ("pets", "labels", "friends", "person_set"):
            getattr(one, relation).all().delete()
        (body,) = read(Person.objects.filter(pk=one.pk), serializer(Person, **totals())())
        assert body == {
            **dict.fromkeys(("pet_count", "label_count", "friend_count", "years", "weight"), 0),
            "paid": "0.00",
        }

    def test_of_a_nested_body_are_its_own(self, query_count):
        pet = serializer(Pet, toy_count=CountField("toys"))
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        want = [
            {"id": one.pk, "pets": [{"toy_count": pet.toys.count()} for pet in one.pets.all()]}
            for one in Person.objects.all()
        ]
        assert query_count(lambda: read(Person.objects.all(), shown())) == 3
        assert read(Person.objects.all(), shown()) == want

    def test_count_what_the_relations_manager_counts(self):
        """Its manager hides some pets."""
        for one, body in zip(
            Person.objects.all(),
            read(Person.objects.all(), serializer(Person, n=CountField("pets"))()),
            strict=True,
        ):
            assert body["n"] == one.pets.count()
        assert Pet._base_manager.count() > Pet.objects.count()

    def test_of_a_generic_relation_are_those_of_the_database(self, query_count):
        shown = serializer(Person, n=CountField("notes"), most=SumField("notes", "pk"))
        want = [one.notes.count() for one in Person.objects.all()]
        assert [body["n"] for body in read(Person.objects.all(), shown())] == want
        assert query_count(lambda: read(Person.objects.all(), shown())) == 3

    @pytest.mark.parametrize("relation", ["height", "pets__height"])
    def test_of_what_is_no_relation_are_refused(self, relation):
        with pytest.raises(FieldError):
            read(Person.objects.all(), serializer(Person, n=CountField(relation))())


class TestNeeds:
    def test_are_loaded_with_the_instances(self, query_count):
        """The people, their labels, cities and countries, before the first call."""

        @needs("labels", "city__country")
        def get_said(self, person):
            return f"{person.label_texts()} {person.city.country.name}"

        shown = serializer(Person, said=serializers.SerializerMethodField(), get_said=get_said)
        assert query_count(lambda: read(Person.objects.all(), shown())) == 4
        assert read(Person.objects.all(), shown()) == shown(Person.objects.all(), many=True).data

    def test_are_in_the_plan(self):
        shown = serializer(
            Label,
            said=serializers.SerializerMethodField(),
            get_said=needs("people")(lambda self, label: 1),
        )
        assert plan_for(shown(), Label.objects.all()).statement.node.needs == ("people",)

    def test_of_a_nested_body_are_loaded_for_all_of_them(self, query_count):
        pet = serializer(
            Pet,
            said=serializers.SerializerMethodField(),
            get_said=needs("toys")(lambda self, pet: [toy.pk for toy in pet.toys.all()]),
        )
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        assert query_count(lambda: read(Person.objects.all(), shown())) == 3
        assert Note.objects.exists()
