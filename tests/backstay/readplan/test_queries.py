"""A list's queries are those of its relations, and not of its rows."""

import pytest
from rest_framework import serializers

from backstay.readplan import read
from tests.backstay.readplan.lab import shown
from tests.backstay.readplan.lab.models import (
    Badge,
    City,
    Country,
    Dog,
    Label,
    Note,
    Passport,
    Person,
    Pet,
    Stamp,
    Toy,
)
from tests.backstay.readplan.lab.shown import serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]


def many(model, *names, **options):
    return serializer(model, *names)(many=True, read_only=True, **options)


def one(model, *names, **options):
    return serializer(model, *names)(read_only=True, **options)


def said(method):
    return {"said": serializers.SerializerMethodField(), "get_said": method}


CASES = {
    "columns": (lambda: serializer(Person, "id", "name"), 1),
    "keys of to-one relations": (lambda: serializer(Person, "city", "home", "boss", "passport"), 1),
    "to-one relations": (
        lambda: serializer(Person, city=one(City, "name"), boss=one(Person, "name")),
        1,
    ),
    "a chain of them": (
        lambda: serializer(Person, place=one(Country, "name", source="passport.issued_in.country")),
        1,
    ),
    "a one-to-one relation from either side": (
        lambda: serializer(
            Passport, person=shown.serializer(Person, passport=one(Passport, "id"))()
        ),
        1,
    ),
    "a parent table": (lambda: serializer(Dog, "id", "name", "owner"), 1),
    "a child table": (lambda: serializer(Pet, dog=one(Dog, "breed")), 1),
    "to-many rows": (lambda: serializer(Person, pets=many(Pet, "id")), 2),
    "keys of to-many rows": (lambda: serializer(Person, "pets", "pet_set", "labels"), 4),
    "many-to-many rows": (lambda: serializer(Person, spoken=many(Country, "id")), 2),
    "many-to-many rows from the other side": (
        lambda: serializer(Label, people=many(Person, "id")),
        2,
    ),
    "friends": (lambda: serializer(Person, friends=many(Person, "id")), 2),
    "rows in no order": (lambda: serializer(Passport, stamps=many(Stamp, "text")), 2),
    "rows below a missing relation": (
        lambda: serializer(Person, stamps=many(Stamp, "text", source="passport.stamps")),
        2,
    ),
    "rows below rows": (
        lambda: serializer(
            Person, pets=serializer(Pet, toys=many(Toy, "id"))(many=True, read_only=True)
        ),
        3,
    ),
    "rows of a generic relation": (lambda: serializer(Person, notes=many(Note, "id")), 2),
    "a method over relations": (
        lambda: serializer(
            Person,
            **said(lambda self, person: [person.city.country.name, person.label_texts()]),
        ),
        4,
    ),
    "a method below rows": (
        lambda: serializer(
            Person,
            pets=serializer(Pet, **said(lambda self, pet: [toy.pk for toy in pet.toys.all()]))(
                many=True, read_only=True
            ),
        ),
        3,
    ),
    "a property over a relation": (lambda: serializer(Person, "greeting"), 2),
    "texts of relations": (
        lambda: serializer(
            Person,
            home=serializers.StringRelatedField(),
            pets=serializers.StringRelatedField(many=True),
        ),
        5,
    ),
    "instances that are changed when made": (lambda: serializer(Badge, "id", "text"), 1),
    "a whole representation of its own": (
        lambda: serializer(Pet, to_representation=lambda self, pet: {"owner": pet.owner.name}),
        2,
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_of_each_kind_of_relation_do_not_grow_with_rows(case, query_count):
    make, queries = CASES[case]
    kind = make()
    rows = kind.Meta.model._default_manager.order_by("pk")
    few = rows.filter(pk__in=[*rows.values_list("pk", flat=True)[: max(3, rows.count() // 2)]])

    def count(queryset):
        return query_count(lambda: read(queryset.all(), kind()))

    assert rows.count() > 2
    assert count(rows) == queries
    assert count(few) <= queries


def test_of_nothing_are_one(query_count):
    assert query_count(lambda: read(Person.objects.filter(pk=0), shown.PersonDetail())) == 1


def test_select_no_column_that_nobody_shows(query_count):
    (statement,) = query_count._queries(
        lambda: read(Person.objects.order_by("pk"), serializer(Person, "name")())
    )
    selected = statement.partition(" FROM ")[0]
    assert selected.count(",") == 1  # The key and the name.


def test_join_nothing_for_a_key_that_is_in_the_row(query_count):
    """And take it from there once: it also tells whether there is a body at all."""
    city = serializer(City, "id")(read_only=True)
    (statement,) = query_count._queries(
        lambda: read(Person.objects.order_by("pk"), serializer(Person, city=city)())
    )
    assert (" JOIN " in statement, statement.count('."city_id"')) == (False, 1)
