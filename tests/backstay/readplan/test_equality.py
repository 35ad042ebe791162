"""
A plan shows the very bytes that DRF shows, or fails as DRF does.

The cases are random: hypothesis knows every draw of the ``Random`` that it gives, so a
failing one shrinks to the few fields that matter, which a seed would not.
``python -m tests.backstay.readplan.fuzz`` runs as many seeded ones as there is time for.
"""

import json
from random import Random
from typing import Any

import pytest
from django.db import connection, models
from django.db.models import Count, F, Prefetch
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework import serializers

from backstay.readplan import CountField, convert, read
from backstay.readplan.paths import NotCompiled
from backstay.readplan.reading import attach
from tests.backstay.readplan.comparison import by_drf, by_plan, compare, draw
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
from tests.backstay.readplan.lab.shown import linking, serializer
from tests.backstay.readplan.lab.words import Whole

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]

UNHEALTHY = [
    HealthCheck.function_scoped_fixture,
    HealthCheck.too_slow,
    HealthCheck.data_too_large,
    HealthCheck.large_base_example,
]


def cases(count):
    def decorate(test):
        chosen = hypothesis_settings(max_examples=count, suppress_health_check=UNHEALTHY)
        return chosen(given(random=st.randoms(use_true_random=False))(test))

    return decorate


class TestRandomSerializers:
    @cases(30)
    def test_show_the_same_through_a_plan(self, random: Random):
        assert draw(random).difference == ""

    @pytest.mark.long
    @cases(2000)
    def test_show_the_same_in_two_thousand_cases(self, random: Random):
        assert draw(random).difference == ""


def assert_same(queryset, shown, context=None):
    """Both sides show the same; returns the plan's bodies."""
    case = compare(queryset, shown, context)
    assert case.difference == ""
    assert case.drf.error is None
    return json.loads(case.plan.body)


def said(method):
    """A method field, and its method."""
    return {"said": serializers.SerializerMethodField(), "get_said": method}


class TestKeys:
    def test_of_a_relation_may_have_a_field_of_their_own(self):
        """DRF binds ``pk_field`` to no parent."""
        hexed = serializers.UUIDField(format="hex")
        key: Any = serializers.PrimaryKeyRelatedField(source="city", read_only=True, pk_field=hexed)
        many: Any = serializers.PrimaryKeyRelatedField(source="twins", many=True, read_only=True)
        assert_same(Person.objects.all(), serializer(Person, key=key))
        assert_same(City.objects.all(), serializer(City, "id", "country", "twin", many=many))

    def test_of_a_parent_table_are_the_childs(self):
        parent = serializer(Pet, "id", "name")(source="pet_ptr", read_only=True)
        assert_same(Dog.objects.all(), serializer(Dog, "id", "toys", parent=parent))

    def test_of_a_child_table_may_be_missing(self):
        dog = serializer(Dog, "breed")(read_only=True)
        breed = serializers.CharField(source="dog.breed", default="none", read_only=True)
        assert_same(Pet.objects.all(), serializer(Pet, "id", "dog", dog=dog, breed=breed))


class TestFiles:
    def test_in_a_field_of_ones_own_make_are_more_than_their_names(self):
        own = type("OwnFile", (serializers.FileField,), {})
        shown = serializer(Person, "id", doc=own(read_only=True))
        bodies = assert_same(Person.objects.all(), shown, linking())
        assert any(body["doc"] for body in bodies)

    def test_whose_columns_value_is_of_ones_own_make_are_drfs_to_show(self):
        column = models.FileField()
        column.attr_class = type("OwnFile", (FieldFile,), {})
        with pytest.raises(NotCompiled):
            convert.converter(serializers.FileField(), column)


class TestWayBack:
    """Django gives a child the very parent it was read for, which may be of a subclass."""

    def test_to_a_child_table_is_to_its_instance(self):
        pet = serializer(Pet, "id", kind=Whole(source="*", read_only=True))
        toy = serializer(Toy, "id", pet=pet(read_only=True))
        dog = serializer(Dog, "id", toys=toy(many=True, read_only=True))
        bodies = assert_same(Dog.objects.all(), dog)
        kinds = {toy["pet"]["kind"].split()[0] for body in bodies for toy in body["toys"]}
        assert kinds == {"Dog"}

    def test_from_code_is_to_its_instance(self):
        toy = serializer(Toy, "id", **said(lambda self, toy: type(toy.pet).__name__))
        dog = serializer(Dog, "id", toys=toy(many=True, read_only=True))
        bodies = assert_same(Dog.objects.all(), dog)
        assert {toy["said"] for body in bodies for toy in body["toys"]} == {"Dog"}

    def test_to_a_row_of_the_same_class_is_compiled(self):
        pet = serializer(Pet, "id", owner=serializer(Person, "name")(read_only=True))
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        assert compare(Person.objects.all(), shown).plan.planned
        assert_same(Person.objects.all(), shown)


class TestNumbers:
    """orjson may write a float in another way, so whoever shows one has to be noticed."""

    TINY = 1e-5

    def test_of_a_serializer_left_to_drf(self):
        def own(self, instance):
            return {"tiny": TestNumbers.TINY}

        assert_same(Person.objects.all(), serializer(Person, "id", to_representation=own))

    def test_of_what_finishes_a_body(self):
        def finished(self, instance):
            body = serializers.ModelSerializer.to_representation(self, instance)
            return self.finisher()(body)

        finished.finished_by = "finisher"  # type: ignore[attr-defined]  # As the compiler looks for it.
        shown = serializer(
            Person,
            "id",
            to_representation=finished,
            finisher=lambda self: lambda body: {**body, "tiny": TestNumbers.TINY},
        )
        assert_same(Person.objects.all(), shown)

    def test_of_a_default(self):
        default = serializers.FloatField(source="boss.ratio", default=self.TINY, read_only=True)
        assert_same(Person.objects.all(), serializer(Person, ratio=default))

    def test_of_a_total(self):
        class Share(CountField):
            def to_representation(self, value):
                return value * TestNumbers.TINY

        assert_same(Person.objects.all(), serializer(Person, share=Share("pets")))

    def test_of_an_amount_that_is_no_text(self):
        """DRF's encoder makes a float of a ``Decimal``; orjson has never heard of one."""
        amount = serializers.DecimalField(
            source="tiny", max_digits=20, decimal_places=10, coerce_to_string=False
        )
        assert_same(Person.objects.all(), serializer(Person, amount=amount))


class TestMethods:
    def test_see_the_fields_that_were_taken_away(self):
        def without_name(self, *args, **kwargs):
            serializers.ModelSerializer.__init__(self, *args, **kwargs)
            self.fields.pop("name")

        inner = serializer(
            City, "id", "name", __init__=without_name, **said(lambda self, _: sorted(self.fields))
        )
        (body, *_) = assert_same(
            Person.objects.all(), serializer(Person, "id", city=inner(read_only=True))
        )
        assert body["city"]["said"] == ["id", "said"]

    def test_run_in_the_order_of_the_rows(self):
        """One may leave something for the next."""

        def counted(self, person):
            self.seen = getattr(self, "seen", 0) + 1
            return self.seen

        bodies = assert_same(Person.objects.all(), serializer(Person, "id", **said(counted)))
        assert [body["said"] for body in bodies] == list(range(1, len(bodies) + 1))

    def test_see_annotations(self):
        shown = serializer(Person, "id", **said(lambda self, person: person.n))
        assert_same(Person.objects.annotate(n=Count("pets")).order_by("pk"), shown)

    def test_see_rows_of_a_prefetch_under_its_name(self):
        newest = Prefetch("pets", Pet.objects.order_by("-pk"), to_attr="newest")
        shown = serializer(
            Person, "id", **said(lambda self, person: [pet.name for pet in person.newest])
        )
        assert_same(Person.objects.prefetch_related(newest), shown)

    def test_see_rows_of_a_prefetch_further_down(self):
        some = Prefetch("pets__toys", Toy.objects.filter(weight__gt=2))
        pet = serializer(Pet, "id", **said(lambda self, pet: [toy.pk for toy in pet.toys.all()]))
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        assert_same(Person.objects.prefetch_related(some), shown)


class TestTotals:
    def test_of_a_class_that_looks_for_itself(self):
        class One(CountField):
            def get_attribute(self, instance):
                return instance.pk

        assert_same(Person.objects.all(), serializer(Person, "id", one=One("pets")))


class TestPrefetches:
    def test_that_leave_out_single_rows_leave_them_out(self):
        """A join would find them."""
        named = Prefetch("home", City.objects.filter(name="a"))
        home = serializer(City, "id", "name")(read_only=True)
        name = serializers.CharField(source="home.name", default="none", read_only=True)
        bodies = assert_same(
            Person.objects.prefetch_related(named), serializer(Person, home=home, name=name)
        )
        assert any(body["home"] for body in bodies)
        assert Person.objects.filter(home__isnull=False).count() > sum(
            body["home"] is not None for body in bodies
        )

    def test_that_look_back_over_the_same_relation_do_so_once_more(self):
        some = Prefetch("labels", Label.objects.filter(people__level=1).distinct())
        labels = serializer(Label, "id")(many=True, read_only=True)
        assert_same(Person.objects.prefetch_related(some), serializer(Person, "id", labels=labels))

    def test_that_lead_back_to_their_parent_show_what_they_chose(self):
        some = Prefetch("pets", Pet.objects.filter(name="a"))
        pets = serializer(Pet, "id")(many=True, read_only=True)
        owner = serializer(Person, "id", pets=pets)(read_only=True)
        pet = serializer(Pet, "id", owner=owner)
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        assert_same(Person.objects.prefetch_related(some), shown)

    @pytest.mark.parametrize("source", ["owner.pets", "owner.boss.pets"])
    def test_that_lead_back_within_a_source_show_what_they_chose(self, source):
        chosen = Pet.objects.filter(name__gt="a")
        prefetches = Prefetch("pets", chosen), Prefetch("boss__pets", chosen)
        siblings = serializer(Pet, "id")(many=True, read_only=True, source=source)
        pet = serializer(Pet, "id", siblings=siblings)
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        bodies = assert_same(Person.objects.prefetch_related(*prefetches), shown)
        assert any(pet["siblings"] for body in bodies for pet in body["pets"])

    def test_that_code_leads_back_to_show_what_they_chose(self):
        def siblings(self, pet):
            return [one.pk for one in pet.owner.pets.all()]

        some = Prefetch("pets", Pet.objects.filter(name="a"))
        pet = serializer(Pet, "id", **said(siblings))
        shown = serializer(Person, "id", pets=pet(many=True, read_only=True))
        bodies = assert_same(Person.objects.prefetch_related(some), shown)
        assert any(pet["said"] for body in bodies for pet in body["pets"])

    def test_over_a_manager_that_hides_rows(self):
        pets = serializer(Pet, "id", "hidden")(many=True, read_only=True)
        bodies = assert_same(Person.objects.all(), serializer(Person, pets=pets))
        assert Pet._base_manager.filter(hidden=True).exists()
        assert not any(pet["hidden"] for body in bodies for pet in body["pets"])


class TestOddModels:
    def test_whose_instances_are_changed_when_made_are_made(self):
        bodies = assert_same(Badge.objects.all(), serializer(Badge, "id", "text"))
        assert all(body["text"].endswith("*") for body in bodies)

    def test_in_no_order_are_shown_by_key(self):
        stamps = serializer(Stamp, "id", "text")(many=True, read_only=True)
        for body in read(Passport.objects.all(), serializer(Passport, "id", stamps=stamps)()):
            keys = [stamp["id"] for stamp in body["stamps"]]
            assert keys == sorted(keys)

    def test_with_a_generic_relation(self):
        notes = serializer(Note, "id", "body")(many=True, read_only=True)
        bodies = assert_same(Person.objects.all(), serializer(Person, "id", notes=notes))
        assert any(body["notes"] for body in bodies)
        about: Any = serializers.StringRelatedField()
        assert_same(Note.objects.all(), serializer(Note, "id", "content_type", about=about))

    def test_with_relations_to_themselves(self):
        friends = serializer(Person, "id")(many=True, read_only=True)
        staff = serializer(Person, "id")(source="person_set", many=True, read_only=True)
        shown = serializer(Person, "id", "boss", friends=friends, staff=staff)
        assert_same(Person.objects.all(), shown)

    def test_with_a_relation_that_has_no_name(self):
        people = serializer(Person, "id")(source="person_set", many=True, read_only=True)
        spoken = serializer(Country, "code", people=people)(many=True, read_only=True)
        assert_same(Person.objects.all(), serializer(Person, "id", spoken=spoken))


class TestTimes:
    @pytest.mark.parametrize("zone", ["UTC", "Europe/Paris", "Asia/Kolkata", "America/New_York"])
    def test_are_shown_in_the_zone_at_hand(self, zone):
        city = serializer(Person, "made", "seen")
        shown = serializer(City, "id", people=city(many=True, read_only=True))
        with timezone.override(zone):
            assert_same(Person.objects.all(), serializer(Person, "id", "made", "seen"))
            assert_same(City.objects.all(), shown)

    def test_stay_in_order_where_they_are_read_as_text(self):
        assert_same(Person.objects.order_by("-made", "pk"), serializer(Person, "id", "made"))
        assert_same(Person.objects.order_by(F("made").desc(), "pk"), serializer(Person, "made"))


class TestRawValues:
    """What the database itself has is shown as what Django would have made of it."""

    @pytest.mark.parametrize(
        "price",
        ["0", "-0.5", "12", "12.5", "2.675", "1.005", "99999999.99", "-99999998.995", "0.1"],
    )
    def test_of_an_amount(self, price):
        """SQLite's may have more places than the column, whoever wrote them."""
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE lab_person SET price = {price}")  # noqa: S608  # Of this test.
        person = serializer(Person, "price")
        shown = serializer(City, "id", people=person(many=True, read_only=True))
        with timezone.override("UTC"):
            assert_same(Person.objects.order_by("pk"), person)
            assert_same(City.objects.all(), shown)

    @pytest.mark.parametrize(
        "made",
        [
            *("2026-01-02 03:04:05", "2026-01-02 03:04:05.1", "2026-01-02T03:04:05.000001"),
            *("2026-01-02", "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999"),
            *("2026-01-02 03:04:05+02:00", "2026-01-02 03:04"),
        ],
    )
    def test_of_a_time(self, made):
        with connection.cursor() as cursor:
            cursor.execute("UPDATE lab_person SET made = %s", [made])
        with timezone.override("UTC"):
            shown = serializer(Person, "made")
            outcomes = [
                both(Person.objects.order_by("pk"), shown, {}) for both in (by_drf, by_plan)
            ]
        assert outcomes[0].body == outcomes[1].body != b""

    def test_are_whole_for_whoever_looks_at_a_row(self):
        with timezone.override("UTC"):
            shown = serializer(Person, "made", "price")
            rows = attach(Person.objects.order_by("pk"), shown)
            for row, person in zip(rows, Person.objects.order_by("pk"), strict=True):
                assert row._page.raw == {"made", "price"}
                assert (row.made, str(row.price)) == (person.made, str(person.price))
                assert not row._page.touched
