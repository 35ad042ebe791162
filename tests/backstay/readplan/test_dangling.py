"""
Keys that no constraint holds may lead to no row: what DRF shows then, a plan shows.

A nested body, a text, a slug or a value behind such a key is null, the key itself is not,
and the row that has it is there.
"""

import json
from typing import Any

import pytest
from django.core.exceptions import ObjectDoesNotExist
from django.db.models import Count, Prefetch
from rest_framework import serializers

from backstay.readplan import read, stream, with_peers
from backstay.readplan.explain import explain
from tests.backstay.readplan.comparison import compare
from tests.backstay.readplan.lab.models import City, Country, Parcel, Passport, Person
from tests.backstay.readplan.lab.shown import linking, serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]

ALL = Parcel.objects.all()
NOWHERE, NOR_HERE = 999_999, 999_998


@pytest.fixture(autouse=True)
def parcels(rows):
    """Each way in which a key may lead somewhere or not, and each over two steps."""
    Parcel.objects.all().delete()
    ann, ben = Person.objects.all()[:2]
    shown = Passport.objects.values_list("pk", flat=True)[0]
    there = {"sender": ann, "receiver": ben, "origin_id": "fr", "pass_shown_id": shown}
    nowhere = dict.fromkeys(("sender_id", "receiver_id", "pass_shown_id"), NOWHERE)
    Parcel.objects.bulk_create(
        [
            Parcel(pk=1, before_id=2, **there),
            Parcel(pk=2, before_id=99, origin_id="zz", **nowhere),
            Parcel(pk=3, before_id=2, sender=ann, origin_id="zz"),
            Parcel(pk=4, before_id=1, sender_id=NOWHERE, receiver=ann, origin_id="us"),
            Parcel(pk=5, before_id=3, sender_id=NOR_HERE, receiver_id=NOR_HERE, origin_id="fr"),
        ]
    )


def bodies(queryset, shown, context=None):
    """What both sides show, the one by a plan."""
    case = compare(queryset, shown, context)
    assert case.difference == ""
    assert case.drf.error is None
    assert case.plan.planned
    return json.loads(case.plan.body)


SOURCES = ["sender", "receiver", "origin", "pass_shown", "before", "before.sender", "before.before"]
VALUES = [
    *("sender.id", "sender.pk", "sender.name", "sender.made", "sender.city_id", "receiver.pk"),
    *("receiver.name", "receiver.boss.name", "receiver.city.country.name", "origin.name"),
    *("origin.code", "origin.id", "pass_shown.number", "pass_shown.person.name"),
    *("before.sender.name", "before.sender.pk", "before.sender_id", "before.before.text"),
    *("before.receiver.nick", "before.origin.code", "sender.shouted", "receiver.shouted"),
    "before.first_of_sender",
]
MISSING: dict[str, dict[str, Any]] = {
    "plain": {},
    "nullable": {"allow_null": True},
    "default": {"default": "absent"},
    "none": {"default": None},
}


def each(kind, **known):
    """Such a field with each of the options that tell what to show where nothing is."""
    return {name: kind(read_only=True, **known, **options) for name, options in MISSING.items()}


def model_of(source):
    model: Any = Parcel
    for step in source.split("."):
        model = model._meta.get_field(step).related_model
    return model


class TestAKeyThatLeadsNowhere:
    @pytest.mark.parametrize("source", SOURCES)
    def test_shows_no_body(self, source):
        key = serializers.IntegerField(source="pk", read_only=True)
        one = serializer(model_of(source), "id", key=key)
        shown = bodies(ALL, serializer(Parcel, "id", **each(one, source=source)))
        assert len(shown) == Parcel.objects.count()
        assert None in [body["none"] for body in shown]

    @pytest.mark.parametrize("source", SOURCES)
    def test_shows_no_body_of_an_instance(self, source):
        def said(self, one):
            return str(one)

        method = serializers.SerializerMethodField()
        one = serializer(model_of(source), said=method, get_said=said)
        bodies(ALL, serializer(Parcel, "id", one=one(source=source, read_only=True)))

    @pytest.mark.parametrize("source", SOURCES)
    def test_is_shown_itself(self, source):
        keys = each(serializers.PrimaryKeyRelatedField, source=source)
        text = serializers.CharField()
        keys["text"] = serializers.PrimaryKeyRelatedField(
            source=source, read_only=True, pk_field=text
        )
        bodies(ALL, serializer(Parcel, "id", **keys))

    def test_is_shown_by_its_name(self):
        names = ["sender", "sender_id", "receiver", "receiver_id", "origin", "origin_id"]
        (body, *_) = bodies(ALL.filter(pk=2), serializer(Parcel, *names, "pass_shown", "before"))
        assert body["sender"] == body["sender_id"] == body["receiver"] == NOWHERE
        assert (body["origin_id"], body["before"]) == ("zz", 99)
        assert body["origin"] is None  # For DRF a slug.

    @pytest.mark.parametrize("source", SOURCES)
    def test_shows_no_text(self, source):
        one: Any = serializers.StringRelatedField(source=source)
        bodies(ALL, serializer(Parcel, "id", one=one))

    @pytest.mark.parametrize(
        "source_and_slug",
        [
            *(("sender", "name"), ("sender", "pk"), ("receiver", "nick"), ("receiver", "id")),
            *(("sender", "city__name"), ("origin", "code"), ("origin", "name")),
            *(("pass_shown", "number"), ("before.sender", "name"), ("before.receiver", "pk")),
        ],
        ids=".".join,
    )
    def test_shows_no_slug(self, source_and_slug):
        source, slug = source_and_slug
        slugs = each(serializers.SlugRelatedField, source=source, slug_field=slug)
        bodies(ALL, serializer(Parcel, "id", **slugs))

    def test_within_a_slug_is_an_error(self):
        one: Any = serializers.SlugRelatedField(
            source="before", slug_field="sender__name", read_only=True
        )
        case = compare(ALL, serializer(Parcel, "id", one=one))
        for outcome in (case.drf, case.plan):
            assert isinstance(outcome.error, Person.DoesNotExist)

    @pytest.mark.parametrize(
        ("source", "view_name", "lookup"),
        [
            ("sender", "person-detail", "pk"),
            ("sender", "person-by-slug", "slug"),
            ("receiver", "person-detail", "pk"),
            ("receiver", "person-by-slug", "slug"),
            ("origin", "country-by-code", "code"),
            ("before.sender", "person-detail", "pk"),
            ("before.receiver", "person-by-slug", "slug"),
        ],
    )
    def test_is_a_link_only_where_nothing_but_the_key_is_in_it(self, source, view_name, lookup):
        link = serializers.HyperlinkedRelatedField
        links = each(link, source=source, view_name=view_name, lookup_field=lookup)
        bodies(ALL, serializer(Parcel, "id", **links), linking())

    @pytest.mark.parametrize("source", VALUES)
    def test_has_nothing_behind_it(self, source):
        """Null, whatever the default, which is for a key that is null itself."""
        values = each(serializers.CharField, source=source)
        shown = bodies(ALL, serializer(Parcel, "id", **values))
        assert len(shown) == Parcel.objects.count()

    @pytest.mark.parametrize(
        "source", ["sender.pets", "receiver.pets", "origin.cities", "before.sender.pets"]
    )
    def test_has_no_children(self, source):
        *steps, last = source.split(".")
        target: Any = getattr(model_of(".".join(steps)), last).rel.related_model
        children = each(serializer(target, "id"), source=source, many=True)
        bodies(ALL, serializer(Parcel, "id", **children))

    def test_of_what_is_nested_shows_no_body(self):
        person = serializer(Person, "id", "city")
        before = serializer(Parcel, "id", "sender_id", sender=person(), receiver=person())
        shown = serializer(Parcel, "id", before=before(), sender=person(), receiver=person())
        five = bodies(ALL, serializer(Parcel, "id", before=shown()))
        assert five[3]["before"]["sender"]
        assert five[3]["before"]["before"]["sender"] is None


class TestChildrenWithSuchKeys:
    def test_lead_back_to_their_parent(self):
        person = serializer(Person, "id", "name")
        parcel = serializer(Parcel, "id", sender=person(), receiver=person())
        children = {name: parcel(many=True) for name in ("sent", "received")}
        shown = bodies(Person.objects.all(), serializer(Person, "id", **children))
        assert any(one["receiver"] is None for body in shown for one in body["sent"])
        origin = serializer(Country, "id", "name")
        parcel = serializer(Parcel, "id", origin=origin(), sender=person())
        bodies(Country.objects.all(), serializer(Country, "code", parcels=parcel(many=True)))

    def test_are_all_there_where_a_prefetch_chose_them(self):
        person = serializer(Person, "id")(read_only=True)
        sent = serializer(Parcel, "id", receiver=person, before=serializer(Parcel, "id")())
        some = Prefetch("sent", Parcel.objects.order_by("-pk"))
        shown = serializer(Person, "id", sent=sent(many=True, read_only=True))
        bodies(Person.objects.prefetch_related(some), shown)

    def test_are_led_to_over_one_to_one(self):
        parcel = serializer(Parcel, "id", sender=serializer(Person, "id")(read_only=True))
        shown = serializer(Passport, "id", parcel=parcel(read_only=True))
        bodies(Passport.objects.all(), shown)
        name = serializers.CharField(source="parcel.sender.name", default="-", read_only=True)
        bodies(Passport.objects.all(), serializer(Passport, "id", name=name))


SHOWN = serializer(
    Parcel,
    "id",
    sender=serializer(Person, "id", "name")(read_only=True),
    city=serializers.CharField(source="receiver.city.name", default="-", read_only=True),
    origin=serializer(Country, "name")(read_only=True),
)


class TestQuerysets:
    @pytest.mark.parametrize(
        "queryset",
        [
            ALL.filter(sender__gt=0),
            ALL.filter(sender__name__gt=""),
            ALL.filter(sender__id=NOWHERE),
            ALL.exclude(sender__nick="x"),
            ALL.exclude(receiver__nick="x"),
            ALL.filter(sender__nick__isnull=True),
            ALL.order_by("sender__name", "pk"),
            ALL.order_by("receiver__name", "pk"),
            ALL.order_by("origin__name", "sender__city__name", "pk"),
            ALL.order_by("-pk")[1:4],
            ALL.filter(before__text="").distinct(),
            ALL.annotate(n=Count("parcel")).order_by("pk"),
            ALL.annotate(n=Count("sender__pets")).order_by("pk"),
            ALL.prefetch_related(Prefetch("sender", Person.objects.only("name"))),
            ALL.prefetch_related(Prefetch("receiver", Person.objects.only("name"))),
        ],
    )
    def test_have_the_rows_that_drf_has(self, queryset):
        case = compare(queryset, SHOWN)
        assert case.difference == ""
        assert case.drf.error is None

    def test_lose_no_row_where_select_related_would(self):
        """A plan reads as if there were none."""
        tuned = ALL.select_related("sender", "receiver__city")
        assert len(tuned) < ALL.count()
        assert read(tuned, SHOWN()) == read(ALL, SHOWN())

    def test_are_streamed(self):
        whole = read(ALL, SHOWN())
        assert list(stream(ALL, SHOWN(), chunk_rows=2)) == whole
        assert len(whole) == ALL.count()

    def test_are_read_by_as_many_queries(self, django_assert_num_queries):
        with django_assert_num_queries(1):
            read(ALL, SHOWN())


class TestAKeyThatAConstraintHolds:
    def test_is_joined_as_ever(self, statements):
        city = serializer(City, "id", "name", country=serializer(Country, "name")())
        read(Person.objects.all(), serializer(Person, "id", city=city())())
        (sent,) = statements
        assert "LEFT" not in sent
        assert "__pk" not in explain(serializer(Person, "id", city=city()))

    def test_is_one_that_django_made(self, monkeypatch):
        """Of the tables of a model that it does not manage it knows no constraint."""
        monkeypatch.setattr(Person._meta, "managed", False)
        city = serializer(City, "id")
        assert "city__pk" in explain(serializer(Person, "id", city=city()))

    def test_alone_joins_nothing(self, statements):
        city = serializer(City, "id")
        read(Person.objects.all(), serializer(Person, "id", city=city())())
        (sent,) = statements
        assert "JOIN" not in sent


class TestPeers:
    def test_of_a_key_that_leads_nowhere_say_what_django_says(self):
        for one, alone in zip(with_peers(ALL), ALL, strict=True):
            for name in ("sender", "receiver", "origin", "pass_shown", "before"):
                assert told(one, name) == told(alone, name)

    def test_are_loaded_together_all_the_same(self, django_assert_num_queries):
        with django_assert_num_queries(1 + 1):
            assert "nowhere" in [told(one, "sender") for one in with_peers(ALL)]
        # Where a key may be null, those two that lead nowhere are looked for by Django too.
        with django_assert_num_queries(1 + 1 + 2):
            assert "nowhere" in [told(one, "receiver") for one in with_peers(ALL)]

    def test_may_be_given_another_key(self):
        one = with_peers(ALL).get(pk=2)
        assert told(one, "receiver") == "nowhere"
        one.receiver_id = Person.objects.values_list("pk", flat=True)[0]
        assert told(one, "receiver") == Person.objects.first()
        one.receiver = None
        assert one.receiver is None

    def test_may_lose_their_key(self):
        for one in with_peers(ALL):
            one.receiver = None
            assert one.receiver is None


def told(instance, name):
    """The related row, or what stands for Django's error in its place."""
    try:
        return getattr(instance, name)
    except ObjectDoesNotExist:
        return "nowhere"
