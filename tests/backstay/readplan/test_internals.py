"""The private parts of Django that the read path stands on are there, and do what it thinks."""

import gc
import weakref
from datetime import UTC, datetime

import pytest
from django.db import connection, models
from django.db.models import Count, F, FilteredRelation, Prefetch, Q, QuerySet
from django.db.models.functions import Lower
from django.db.models.query import ModelIterable
from django.db.models.sql.compiler import SQLCompiler

from backstay.readplan import internals, read, sql
from backstay.readplan.cache import plan_for
from backstay.readplan.reading import attach
from backstay.tables import recording
from tests.backstay.readplan.lab.models import City, Label, Person, Pet, Toy
from tests.backstay.readplan.lab.shown import serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


class Pairs(ModelIterable):
    def __iter__(self):
        for one in super().__iter__():
            yield one, one.pk


class TestRows:
    def test_are_made_by_the_iterable_of_a_copy(self):
        rows = Person.objects.all()
        pairs = internals.yielding(rows, Pairs)
        assert internals.iterable_of(pairs[:1]) is Pairs
        assert list(pairs) == [(one, one.pk) for one in rows]
        assert internals.iterable_of(rows) is ModelIterable

    def test_are_of_copies_that_know_what_it_was_told(self):
        """As all paginators slice and filters filter, before anything is read."""
        told = internals.yielding(Person.objects.all(), Pairs, told="it")
        for copied in (told[:1], told.filter(pk=1), told.order_by("pk").all()):
            assert copied.query.told == "it"
        assert not hasattr(Person.objects.all().query, "told")

    def test_are_prefetched_no_more_where_that_is_said(self, query_count):
        rows = Person.objects.prefetch_related("pets")
        internals.prefetch_no_more(rows)
        assert query_count(lambda: list(rows)) == 1

    def test_of_a_queryset_that_reads_in_its_own_way_are_known(self):
        class Own(QuerySet):
            def _fetch_all(self):
                super()._fetch_all()

        assert internals.fetches_as_usual(Person.objects.all())
        assert not internals.fetches_as_usual(Own(Person))

    def test_that_are_prefetched_are_named(self):
        pets = Prefetch("pets", Pet.objects.all())
        assert list(internals.lookups_of(Person.objects.prefetch_related("city", pets))) == [
            "city",
            pets,
        ]


class TestManagers:
    def test_of_djangos_own_give_the_same_rows_each_time(self):
        assert internals.reads_as_usual(Person._default_manager)
        assert internals.reads_as_usual(City._default_manager)

    def test_that_choose_are_known(self):
        assert not internals.reads_as_usual(Pet._default_manager)

    @pytest.mark.parametrize("name", ["filter", "__init__"])
    def test_whose_queryset_does_more_are_known(self, name):
        def more(self, *args, **kwargs):
            return getattr(QuerySet, name)(self, *args, **kwargs)

        own = type("Own", (QuerySet,), {name: more})
        assert not internals.reads_as_usual(models.Manager.from_queryset(own)())


class TestBareQueries:
    @pytest.mark.parametrize(
        "change",
        [
            lambda rows: rows.annotate(n=Count("pets")),
            lambda rows: rows.distinct(),
            lambda rows: rows.extra(select={"one": "1"}),
            lambda rows: rows.values("name").annotate(n=Count("pk")),
        ],
    )
    def test_are_only_those_of_columns(self, change):
        assert internals.is_bare(Person.objects.filter(pets__name="a").query)
        assert not internals.is_bare(change(Person.objects.all()).query)


class TestJoins:
    def test_of_the_latest_filter_are_those_of_the_columns(self):
        """Or a label's people would be those of any filter before."""
        keys = [one.pk for one in Person.objects.all()[:3]]
        rows = Label.objects.filter(people__level=1).filter(people__in=keys).order_by()
        found = set(rows.values_list("people", "pk"))
        shown = set(Person.objects.filter(level=1).values_list("labels", flat=True))
        assert found == {
            (person.pk, label.pk)
            for person in Person.objects.filter(pk__in=keys)
            for label in person.labels.filter(pk__in=shown)
        }


def test_a_text_that_is_kept_keeps_nobody_who_asked_for_it():
    """A view, with its request and its user."""

    class View:
        pass

    def ask():
        view, shown = View(), serializer(Person, "name")

        def serializer_of():
            vars(view)["asked"] = True
            return shown()

        assert len(list(attach(Person.objects.filter(pk__gt=0), serializer_of))) > 1
        return weakref.ref(view)

    seen = ask()
    gc.collect()
    assert seen() is None


class TestKeptByKeys:
    @staticmethod
    def kept(query, sample):
        return internals.KeptByKeys(query, sample, "default")

    @staticmethod
    def pets(keys):
        rows = Pet.objects.filter(owner__in=keys).order_by("pk")
        return rows.values_list("owner_id", "name", "born")

    @staticmethod
    def people(keys):
        rows = Person.objects.filter(city__in=keys).order_by("pk")
        return rows.values_list("city_id", "name", "shout", "uid", "made", "data")

    def test_read_what_the_query_reads(self):
        """Keys that are UUIDs, and columns that have to be converted, among them."""
        query = self.people
        keys = [city.pk for city in City.objects.all()]
        kept = self.kept(query, keys[0])
        assert kept.kept
        for some in (keys, keys[:1], keys[1:3]):
            assert list(zip(*kept.of(some), strict=True)) == list(query(some))

    def test_make_their_text_once(self, statements):
        """PostgreSQL takes all keys as one parameter; SQLite wants a place for each."""
        keys = [city.pk for city in City.objects.all()]
        kept = self.kept(self.people, keys[0])
        statements.clear()
        kept.of(keys)
        kept.of(keys[:1])
        same = connection.vendor == "postgresql"
        assert len(statements) == 2
        assert (statements[0] == statements[1]) is same

    def test_take_keys_for_what_they_are_and_not_for_how_they_print(self):
        class Shown(int):
            def __str__(self):
                return f"h{int(self)}"

        def toys(keys):
            return Toy.objects.filter(pet__in=keys).order_by("pk").values_list("pet_id", "name")

        keys = [pet.pk for pet in Pet.objects.all()]
        kept = self.kept(toys, keys[0])
        assert kept.kept
        assert list(zip(*kept.of([*map(Shown, keys)]), strict=True)) == list(toys(keys)) != []

    def test_do_not_serve_where_more_than_keys_would_differ(self):
        """Its manager's filter is a parameter too."""
        kept = self.kept(self.pets, 1)
        assert not kept.kept


def columns(rows, names=("pk", "name", "shout", "uid", "made", "city__name")):
    return rows.values_list(*names)


def structure(rows):
    return internals.structure_of(rows.query, "default") or (None, ())


EVERYBODY = Person.objects.order_by("pk")

#: Of each pair the values differ and nothing else.
SAME_STRUCTURE = [
    (EVERYBODY.filter(age=1), EVERYBODY.filter(age=34)),
    (EVERYBODY.filter(pk__in=[1, 2]), EVERYBODY.filter(pk__in=[3, 9])),
    (
        EVERYBODY.filter(Q(pets__name__gt="a") | Q(home=None)),
        EVERYBODY.filter(Q(pets__name__gt="b") | Q(home=None)),
    ),
    (EVERYBODY.exclude(pets__name="a"), EVERYBODY.exclude(pets__name="b")),
    (
        EVERYBODY.filter(city__in=City.objects.filter(name="a")),
        EVERYBODY.filter(city__in=City.objects.filter(name="b")),
    ),
    (EVERYBODY.filter(made__lt=NOON)[:3], EVERYBODY.filter(made__lt=NOON.replace(year=1800))[:3]),
    (
        Person.objects.order_by(F("age").desc(nulls_last=True), "-city__name", "pk"),
        Person.objects.order_by(F("age").desc(nulls_last=True), "-city__name", "pk"),
    ),
]

#: All of these are another query each.
OTHER_STRUCTURES = [
    EVERYBODY,
    Person.objects.all(),
    Person.objects.order_by(),
    EVERYBODY.reverse(),
    Person.objects.reverse(),
    Person.objects.order_by("name"),
    Person.objects.order_by(F("name").asc()),
    Person.objects.order_by(F("name").desc()),
    Person.objects.order_by(F("name").desc(nulls_last=True)),
    Person.objects.order_by(F("name").desc(nulls_first=True)),
    Person.objects.order_by("city__name"),
    EVERYBODY[:3],
    EVERYBODY[1:3],
    EVERYBODY[1:],
    EVERYBODY.filter(age=1),
    EVERYBODY.filter(age=None),
    EVERYBODY.filter(age__gte=1),
    EVERYBODY.filter(age=F("level")),
    EVERYBODY.exclude(age=1),
    EVERYBODY.filter(pk__in=[1]),
    EVERYBODY.filter(pk__in=[1, 2]),
    EVERYBODY.filter(home__name="a"),
    EVERYBODY.filter(Q(home__name="a") | Q(age=1)),
    EVERYBODY.filter(labels__rank=1),
    EVERYBODY.filter(labels__rank=1).filter(labels__rank=2),
    EVERYBODY.extra(where=["age = 1"]),
    EVERYBODY.extra(tables=["lab_city"]),
    EVERYBODY.extra(order_by=["name"]),
]

#: Whose text may hold more than their conditions' values, or that are never asked.
NO_STRUCTURE = [
    EVERYBODY.annotate(n=Count("pets")),
    EVERYBODY.distinct(),
    EVERYBODY.extra(select={"one": "1"}),
    EVERYBODY.union(Person.objects.all()),
    EVERYBODY.select_for_update(),
    EVERYBODY.none(),
    EVERYBODY.filter(pk__in=[]),
    Person.objects.order_by(Lower("name")),
    Person.objects.order_by(Lower("name").desc()),
    EVERYBODY.alias(own=FilteredRelation("pets", condition=Q(pets__name="a"))).filter(own=1),
]


class TestKeptByStructure:
    @pytest.mark.parametrize("pair", SAME_STRUCTURE, ids=range(len(SAME_STRUCTURE)))
    def test_reads_what_another_of_the_same_structure_does(self, pair):
        for first, second in (pair, pair[::-1]):
            form, parameters = structure(first)
            kept = internals.KeptByStructure(columns(first).query, "default", parameters)
            other, values = structure(second)
            assert kept.kept
            assert form == other
            assert list(
                zip(*kept.columns(kept.text, values, second.query.where), strict=True)
            ) == list(columns(second))

    def test_of_other_queries_are_others(self):
        found = [structure(rows)[0] for rows in OTHER_STRUCTURES]
        assert None not in found
        assert len({*found}) == len(found)

    @pytest.mark.parametrize("rows", NO_STRUCTURE, ids=range(len(NO_STRUCTURE)))
    def test_is_of_nothing_that_is_not_known(self, rows):
        assert structure(rows) == (None, ())

    def test_does_not_serve_where_there_are_more_parameters_than_the_conditions(self):
        """As those of a join to what a generic relation leads to."""
        rows = Person.objects.order_by("notes__body")
        _, parameters = structure(rows)
        assert not internals.KeptByStructure(columns(rows).query, "default", parameters).kept

    def test_notes_the_rows_that_it_reads_and_no_others(self):
        """Or an answer that is kept would not end when they change."""
        shown = serializer(Person, "name", "city")
        first, second, *_ = EVERYBODY.all()
        read(EVERYBODY.filter(pk=first.pk), shown())
        with recording() as reads:
            read(EVERYBODY.filter(pk=second.pk), shown())
        assert not reads.opaque
        assert reads.tags == {f"lab_person:{second.pk}", "lab_person:*"}
        place = serializer(Person, place=serializer(City, "name")(source="city", read_only=True))
        for _ in range(2):
            with recording() as reads:
                read(EVERYBODY.filter(city__in=City.objects.filter(twin=None)), place())
            assert reads.tags == {"lab_person", "lab_city"}

    def test_makes_a_text_once(self, monkeypatch):
        texts = []
        as_sql = SQLCompiler.as_sql

        def noted(self, *args, **kwargs):
            texts.append(self.query.model)
            return as_sql(self, *args, **kwargs)

        monkeypatch.setattr(SQLCompiler, "as_sql", noted)
        shown = serializer(Person, "name")
        keys = [one.pk for one in EVERYBODY.all()]
        texts.clear()
        bodies = [read(EVERYBODY.filter(pk=key), shown())[0] for key in keys]
        assert bodies == [{"name": one.name} for one in EVERYBODY.all()]
        assert texts == [Person] * 2  # That of the plan, and that of the line above.

    def test_keeps_no_more_than_so_many(self, monkeypatch):
        monkeypatch.setattr(sql, "MAX_TEXTS", 3)
        shown, keys = serializer(Person, "name"), [one.pk for one in EVERYBODY.all()]
        for size in range(1, 9):
            assert len(read(EVERYBODY.filter(pk__in=keys[:size]), shown())) == size
        assert len(plan_for(shown(), EVERYBODY).kept) == 2
