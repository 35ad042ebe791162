"""Instances that were read together load their relations together."""

import copy
import pickle

import pytest
from django.db.models import Prefetch, prefetch_related_objects

from backstay.readplan import PeersMixin, peers, with_peers
from tests.backstay.readplan.lab.models import City, Dog, Label, Passport, Person, Pet, Toy

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]


@pytest.fixture
def people():
    """All people, as peers."""
    return list(Person.objects.with_peers())


def names(rows):
    return [row.name for row in rows]


class TestQueries:
    """However many instances there are, each relation that a loop names is one query."""

    @pytest.mark.parametrize(
        ("model", "look", "queries"),
        [
            (Person, lambda one: one.city.name, 1),
            (Person, lambda one: one.home and one.home.name, 1),
            (Person, lambda one: one.boss and one.boss.name, 1),
            (Person, lambda one: one.city.country.name, 2),
            (Person, lambda one: one.boss and one.boss.city.country.name, 3),
            (Person, lambda one: names(one.pets.all()), 1),
            (Person, lambda one: names(one.pet_set.all()), 1),
            (Person, lambda one: [label.text for label in one.labels.all()], 1),
            (Person, lambda one: names(one.spoken.all()), 1),
            (Person, lambda one: names(one.friends.all()), 1),
            (Person, lambda one: [note.body for note in one.notes.all()], 1),
            (Person, lambda one: getattr(one, "passport", None), 1),
            (Person, lambda one: [names(pet.toys.all()) for pet in one.pets.all()], 2),
            (Person, lambda one: [str(pet) for pet in one.pets.all()], 1),
            (Passport, lambda one: one.person.name, 1),
            (City, lambda one: names(one.people.all()), 1),
            (City, lambda one: one.twin and names(one.twin.people.all()), 2),
            (Label, lambda one: names(one.people.all()), 1),
            (Toy, lambda one: one.pet.owner.name, 2),
            (Dog, lambda one: one.pet_ptr.name, 1),
            (Dog, lambda one: one.owner.city.name, 2),
        ],
    )
    def test_are_one_a_relation(self, query_count, model, look, queries):
        def loop(rows):
            return [look(one) for one in rows]

        shown = loop(model._default_manager.all())
        together = list(with_peers(model._default_manager.all()))
        assert query_count(lambda: loop(together)) == queries
        assert loop(together) == shown
        assert query_count(lambda: loop(together)) == 0

    def test_are_none_for_what_was_fetched_with_them(self, query_count):
        chosen = Person.objects.select_related("city").prefetch_related(
            Prefetch("pets", Pet.objects.filter(name="a"))
        )
        together = list(with_peers(chosen))
        assert (
            query_count(lambda: [(one.city.name, names(one.pets.all())) for one in together]) == 0
        )
        assert all(pet.name == "a" for one in together for pet in one.pets.all())

    def test_are_one_for_what_hangs_below_it(self, query_count):
        chosen = Person.objects.select_related("city").prefetch_related("pets")
        together = list(with_peers(chosen))
        assert query_count(lambda: [one.city.country.name for one in together]) == 1
        below = [pet for one in together for pet in one.pets.all()]
        assert query_count(lambda: [names(pet.toys.all()) for pet in below]) == 1

    def test_of_a_clone_of_a_relation_stay_its_own(self, query_count, people):
        """``filter()`` is another question for each."""
        assert query_count(lambda: [one.pets.filter(name="a").exists() for one in people]) == len(
            people
        )

    def test_after_an_explicit_prefetch_are_none(self, query_count, people):
        prefetch_related_objects(people, "labels")
        assert query_count(lambda: [one.label_texts() for one in people]) == 0

    def test_of_chunks_are_one_a_chunk(self, query_count):
        """``iterator()`` holds no more in memory than a chunk."""
        count = Person.objects.count()
        rows = Person.objects.with_peers().iterator(chunk_size=count // 2)
        seen: list[str | None] = []
        assert query_count(lambda: seen.extend(one.city.name for one in rows)) == 3
        assert len(seen) == count

    def test_of_an_empty_queryset_are_none_beyond_it(self, query_count):
        assert query_count(lambda: list(Person.objects.none().with_peers())) == 0


class TestQuerysets:
    def test_of_any_class_can_have_peers(self, query_count):
        rows = list(with_peers(City.objects.all()))
        assert query_count(lambda: [one.country.name for one in rows]) == 1

    def test_keep_their_class(self):
        assert isinstance(Person.objects.with_peers(), PeersMixin)
        assert type(with_peers(City.objects.all())) is type(City.objects.all())

    def test_of_values_are_left_alone(self):
        rows = Person.objects.values("id")
        assert with_peers(rows) is rows

    def test_stay_lazy(self, query_count):
        assert query_count(lambda: Person.objects.with_peers().filter(level=1)[:3]) == 0

    def test_are_sliced_after_it_as_ever(self, query_count):
        few = list(Person.objects.with_peers()[1:3])
        assert query_count(lambda: [one.city.name for one in few]) == 1


class TestWhatIsMissing:
    def test_in_a_one_to_one_relation_is_told_as_django_does(self, people, query_count):
        without = [one for one in people if not Passport.objects.filter(person=one).exists()]
        assert without
        for one in without:
            with pytest.raises(Person.passport.RelatedObjectDoesNotExist):
                _ = one.passport
        assert query_count(lambda: [getattr(one, "passport", None) for one in people]) == 0

    def test_behind_a_key_that_leads_nowhere_is_told_as_django_does(self, people):
        people[0].city_id = "00000000-0000-0000-0000-000000000000"
        with pytest.raises(City.DoesNotExist):
            _ = people[0].city
        assert people[1].city.name == City.objects.get(pk=people[1].city_id).name

    def test_of_a_row_that_was_deleted_harms_no_other(self, people):
        gone, *others = people
        Person.objects.filter(pk=gone.pk).delete()
        assert list(gone.pets.all()) == []
        for one in others:
            assert list(one.pets.all()) == list(Pet.objects.filter(owner=one))

    def test_after_a_deletion_of_the_instance_is_told_as_django_does(self, people):
        people[0].delete()
        assert people[0].pk is None
        with pytest.raises(ValueError, match=r"must be saved|primary key"):
            list(people[0].pets.all())
        assert list(people[1].pets.all()) == list(Pet.objects.filter(owner=people[1]))


class TestWrites:
    def test_save_as_ever(self, people):
        one = people[0]
        assert one.city.name == City.objects.get(pk=one.city_id).name
        one.name = "renamed"
        one.save()
        one.refresh_from_db()
        assert one.name == "renamed"

    def test_of_a_key_are_seen(self, people):
        one, other = people[0], City.objects.exclude(pk=people[0].city_id)[0]
        assert one.city.pk != other.pk
        one.city_id = other.pk
        assert one.city == other
        one.city = people[1].city
        assert one.city_id == people[1].city_id

    @pytest.mark.parametrize("read_before", [False, True])
    def test_to_a_relation_are_seen(self, people, read_before):
        one = people[0]
        before = len(one.pets.all()) if read_before else Pet.objects.filter(owner=one).count()
        Pet.objects.all()  # A manager of the class is none of theirs.
        one.pets.create(name="new")
        assert len(one.pets.all()) == before + 1
        one.labels.set(Label.objects.all())
        assert len(one.labels.all()) == Label.objects.count()
        one.labels.clear()
        assert list(one.labels.all()) == []

    def test_of_a_refreshed_instance_are_seen(self, people):
        one = people[0]
        list(one.pets.all())
        Pet.objects.create(owner=one, name="new")
        one.refresh_from_db()
        assert "new" in names(one.pets.all())


class TestACopy:
    @pytest.mark.parametrize(
        "duplicate",
        [copy.deepcopy, lambda one: pickle.loads(pickle.dumps(one))],  # noqa: S301  # Our own.
        ids=["deepcopy", "pickle"],
    )
    @pytest.mark.parametrize("read_before", [False, True])
    def test_is_alone_and_whole(self, people, duplicate, read_before, query_count):
        one = people[0]
        if read_before:
            assert one.city.name, list(one.pets.all())
        other = duplicate(one)
        assert other == one
        assert other.city == one.city
        assert list(other.pets.all()) == list(one.pets.all())
        assert peers.of(other)[0] == [other]

    def test_made_by_copy_changes_nothing_of_the_original(self, people):
        one = people[0]
        other = copy.copy(one)
        other.city = people[1].city
        assert other.pk == one.pk
        assert one.city_id != other.city_id or one.city == other.city

    def test_of_a_queryset_can_be_pickled(self):
        rows = Person.objects.with_peers()
        list(rows)
        again = pickle.loads(pickle.dumps(rows))  # noqa: S301  # Our own.
        assert list(again) == list(rows)


class TestPeers:
    def test_know_each_other(self, people):
        together, known = peers.of(people[0])
        assert list(together) == people
        assert peers.of(people[1])[1] is known

    def test_of_an_instance_alone_are_itself(self):
        one = Person.objects.first()
        assert peers.of(one) == ([one], {})

    def test_that_are_joined_again_stay_where_they_were(self, people):
        peers.join(people[:2])
        assert list(peers.of(people[0])[0]) == people
