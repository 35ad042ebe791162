"""The private parts of Django that the read path stands on are there, and do what it thinks."""

import pytest
from django.db import connection, models
from django.db.models import Count, Prefetch, QuerySet
from django.db.models.query import ModelIterable

from backstay.readplan import internals
from tests.backstay.readplan.lab.models import City, Dog, Label, Passport, Person, Pet

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]


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


class TestSelecting:
    """Columns chosen a relation at a time are those that ``values_list`` finds."""

    @pytest.mark.parametrize(
        ("model", "columns"),
        [
            (Person, ["id", "name", "city_id"]),
            (Person, ["id", "city__name", "city__country__name", "city__country__code"]),
            (Person, ["id", "home__twin__name", "home__twin__id", "boss__home__country_id"]),
            (Person, ["passport__pk", "passport__number", "passport__issued_in__name"]),
            (Passport, ["id", "person__city__country__pk"]),
            (
                Dog,
                ["pet_ptr_id", "name", "owner_id", "breed", "owner__city__name", "pet_ptr__name"],
            ),
            (Pet, ["id", "dog__pk", "dog__breed", "dog__name", "dog__owner_id", "keeper__name"]),
        ],
    )
    def test_finds_the_same(self, model, columns):
        rows = model._base_manager.order_by("pk")
        chosen = internals.selecting(rows, columns, {})
        assert list(chosen) == list(rows.values_list(*columns))
        assert str(chosen.query).count("JOIN") == str(rows.values_list(*columns).query).count(
            "JOIN"
        )

    def test_keeps_filters_and_order(self):
        rows = Person.objects.filter(labels__rank__gte=0).order_by("-city__name", "pk")[1:5]
        columns = ["id", "city__name"]
        assert list(internals.selecting(rows, columns, {})) == list(rows.values_list(*columns))

    def test_orders_by_a_column_that_is_wrapped_and_not_by_its_text(self):
        rows = Person.objects.order_by("age", "pk")
        wrapped = {"age": lambda column: models.functions.Cast(column, models.TextField())}
        found = internals.selecting(rows, ["id", "age"], wrapped)
        assert [key for key, _ in found] == [one.pk for one in rows]


class TestJoins:
    def test_of_the_latest_filter_are_those_of_the_columns(self):
        """Or a label's people would be those of any filter before."""
        keys = [one.pk for one in Person.objects.all()[:3]]
        rows = Label.objects.filter(people__level=1).filter(people__in=keys).order_by()
        found = set(internals.selecting(rows, ["people", "pk"], {}))
        shown = set(Person.objects.filter(level=1).values_list("labels", flat=True))
        assert found == set(rows.values_list("people", "pk"))
        assert found == {
            (person.pk, label.pk)
            for person in Person.objects.filter(pk__in=keys)
            for label in person.labels.filter(pk__in=shown)
        }


class TestKeptQueries:
    @staticmethod
    def kept(query, sample):
        return internals.KeptQuery(query, sample, "default")

    @staticmethod
    def pets(keys):
        rows = Pet.objects.filter(owner__in=keys).order_by("pk")
        return internals.selecting(rows, ["owner_id", "name", "born"], {})

    @staticmethod
    def people(keys):
        rows = Person.objects.filter(city__in=keys).order_by("pk")
        return internals.selecting(rows, ["city_id", "name", "shout", "uid", "made", "data"], {})

    def test_read_what_the_query_reads(self):
        """Keys that are UUIDs, and columns that have to be converted, among them."""
        query = self.people
        keys = [city.pk for city in City.objects.all()]
        kept = self.kept(query, keys[0])
        assert kept.fits(keys)
        for some in (keys, keys[:1], keys[1:3]):
            assert [tuple(row) for row in kept.rows(some)] == list(query(some))

    def test_make_their_text_once(self, statements):
        """PostgreSQL takes all keys as one parameter; SQLite wants a place for each."""
        keys = [city.pk for city in City.objects.all()]
        kept = self.kept(self.people, keys[0])
        statements.clear()
        kept.rows(keys)
        kept.rows(keys[:1])
        same = connection.vendor == "postgresql"
        assert len(statements) == 2
        assert (statements[0] == statements[1]) is same

    def test_do_not_serve_where_more_than_keys_would_differ(self):
        """Its manager's filter is a parameter too."""
        kept = self.kept(self.pets, 1)
        assert not kept.fits([1])

    def test_do_not_serve_for_more_keys_than_the_database_takes(self):
        kept = self.kept(self.people, City.objects.all()[0].pk)
        most = connection.features.max_query_params
        assert kept.fits(range(most or 10**6))
        assert most is None or not kept.fits(range(most + 1))
