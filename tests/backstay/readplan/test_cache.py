"""A plan is made once, for as long as it would be the same, and knows nobody's context."""

import gc
import threading
import weakref

import pytest
from django.db.models import Count, Prefetch
from django.test import override_settings
from rest_framework import serializers

from backstay.readplan import cache, peers, read
from backstay.readplan.compile import compile_serializer
from backstay.readplan.execute import _Table
from backstay.readplan.paths import NotPlanned
from backstay.readplan.run import Run
from tests.backstay.readplan.lab.models import Person, Pet
from tests.backstay.readplan.lab.shown import PersonDetail, serializer

pytestmark = pytest.mark.L1


@pytest.fixture(autouse=True)
def empty():
    cache._plans.clear()
    yield
    cache._plans.clear()


def plan(kind, queryset=None, **context):
    rows = Person.objects.all() if queryset is None else queryset
    return cache.plan_for(kind(context=context), rows)


class Wanting(serializers.ModelSerializer):
    """Fields that depend on the context, and a serializer that says so."""

    class Meta:
        model = Person
        fields = ["id", "name", "slug"]

    @classmethod
    def plan_variant(cls, context):
        return context.get("wanted")

    def get_fields(self):
        wanted = self.context["wanted"]
        return {name: one for name, one in super().get_fields().items() if name in wanted}


class TestAPlan:
    pytestmark = pytest.mark.once

    def test_is_made_once(self):
        assert plan(PersonDetail) is plan(PersonDetail)

    def test_is_made_for_each_shape_of_a_queryset(self):
        counted = Person.objects.annotate(n=Count("pets"))
        chosen = Person.objects.prefetch_related(Prefetch("pets", Pet.objects.all()))
        made = {id(plan(PersonDetail, rows)) for rows in (None, counted, chosen)}
        assert len(made) == 3
        assert plan(PersonDetail, counted.filter(n=1)) is plan(PersonDetail, counted)

    def test_is_made_for_each_answer_of_plan_variant(self):
        first, second = plan(Wanting, wanted="id"), plan(Wanting, wanted="name")
        assert first is not second
        assert plan(Wanting, wanted="id") is first

    def test_is_made_anew_where_a_field_decides_when_it_is_bound(self):
        class ForStaff(serializers.CharField):
            def bind(self, field_name, parent):
                super().bind(field_name, parent)
                self.write_only = not parent.context["staff"]

        shown = serializer(Person, "id", slug=ForStaff())
        columns = [[*plan(shown, staff=staff).statement.columns] for staff in (True, False)]
        assert columns == [["id", "slug"], ["id"]]

    def test_is_made_anew_where_fields_are_decided_in_code(self):
        def decide(self):
            return serializers.ModelSerializer.get_fields(self)

        decided = serializer(Person, "id", get_fields=decide)
        assert plan(decided) is not plan(decided)

    def test_is_made_anew_where_a_nested_serializer_decides(self):
        def decide(self, *args, **kwargs):
            serializers.ModelSerializer.__init__(self, *args, **kwargs)

        inner = serializer(Person, "id", __init__=decide)
        outer = serializer(Person, boss=inner(read_only=True))
        assert plan(outer) is not plan(outer)

    def test_is_made_anew_where_a_subclass_decides_more(self):
        class More(Wanting):
            def get_fields(self):
                return super().get_fields()

        assert plan(More, wanted="id") is not plan(More, wanted="id")

    def test_that_cannot_be_made_is_not_tried_again(self, monkeypatch):
        """Why is remembered, and nothing of who asked: each has an error of their own."""
        tried = []

        def tries(*args):
            tried.append(args)
            return compile_serializer(*args)

        monkeypatch.setattr(cache, "compile_serializer", tries)
        owner = serializer(Person, pets=serializer(Pet, "id")(many=True, read_only=True))
        pet = serializer(Pet, owner=owner(read_only=True))
        shown = serializer(Person, pets=pet(many=True, read_only=True))
        rows = Person.objects.prefetch_related(Prefetch("pets", Pet.objects.filter(name="a")))
        refusals = []
        for _ in range(2):
            with pytest.raises(NotPlanned) as refused:
                plan(shown, rows)
            refusals.append(refused.value)
        assert len(tried) == 1
        assert str(refusals[0]) == str(refusals[1])
        assert refusals[0] is not refusals[1]

    def test_keeps_nobodys_context(self):
        secret = object()
        made = plan(PersonDetail, request=secret)
        assert made.serializer.context == {}
        assert plan(PersonDetail, request=None) is made


class TestTheCache:
    pytestmark = pytest.mark.once

    def test_keeps_nobody_who_asked(self):
        """A request, with its user and its body."""

        class Asking:
            pass

        def ask():
            asking = Asking()
            plan(PersonDetail, request=asking)
            return weakref.ref(asking)

        seen = ask()
        gc.collect()
        assert seen() is None

    def test_is_bounded(self, monkeypatch):
        monkeypatch.setattr(cache, "MAX_PLANS", 3)
        kinds = [serializer(Person, "id") for _ in range(5)]
        plans = [plan(kind) for kind in kinds]
        assert len(cache._plans) == 3
        assert plan(kinds[-1]) is plans[-1]
        assert plan(kinds[0]) is not plans[0]

    def test_of_what_classes_decide_is_bounded(self):
        """A view may make a class for each request."""
        for _ in range(3):
            plan(serializer(Person, "id"))
        assert cache._variants.cache_info().maxsize is not None

    def test_forgets_when_a_setting_changes(self):
        made = plan(PersonDetail)
        with override_settings(REST_FRAMEWORK={"COERCE_DECIMAL_TO_STRING": False}):
            assert plan(PersonDetail) is not made


@pytest.mark.django_db
@pytest.mark.usefixtures("rows")
class TestSettings:
    @pytest.mark.parametrize(
        "changed",
        [
            {"COERCE_DECIMAL_TO_STRING": False},
            {"DATETIME_FORMAT": "%Y"},
            {"UPLOADED_FILES_USE_URL": False},
        ],
    )
    def test_of_drf_are_followed_at_once(self, changed):
        shown = serializer(Person, "price", "made", "doc")
        before = read(Person.objects.all(), shown())
        with override_settings(REST_FRAMEWORK=changed):
            there = read(Person.objects.all(), shown())
            assert there == shown(Person.objects.all(), many=True).data
        assert there != before
        assert read(Person.objects.all(), shown()) == before


@pytest.mark.once
class TestThreads:
    """Sixteen threads run one plan at a time, each for a request of its own."""

    def test_see_only_their_own_context_and_fields(self):
        def said(self, person):
            return [self.context["who"], self.parent is None, type(self.fields["loud"]).__name__]

        class Loud(serializers.CharField):
            def to_representation(self, value):
                return f"{self.context['who']} {self.root.context['who']}"

        shown = serializer(
            Person,
            loud=Loud(source="name"),
            said=serializers.SerializerMethodField(),
            get_said=said,
        )
        made = plan(shown, who="nobody")
        bodies: dict[int, list[object]] = {}
        barrier = threading.Barrier(16)

        def run(who):
            barrier.wait()
            for _ in range(20):
                own = shown(context={"who": who})
                again = cache.plan_for(own, Person.objects.all())
                assert again is made
                reading = Run(again.serializer, own, {}, "default")
                bodies.setdefault(who, []).extend(shown_by(again.statement, reading))

        threads = [threading.Thread(target=run, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert set(bodies) == set(range(16))
        for who, found in bodies.items():
            assert found == [{"loud": f"{who} {who}", "said": [who, True, "Loud"]}] * 20


def shown_by(statement, run):
    """The bodies of one row that no database was asked for."""
    row = {name: (1 if name.endswith("id") else "x",) for name in statement.columns}
    table = _Table(statement, row, run, ())
    assert all(peers.of(one)[0] for made in table.made.values() for one in made)
    return table.shown(statement.node)
