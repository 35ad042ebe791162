"""Random querysets over the lab: with every clause that a plan has to keep or to refuse."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from django.db.models import Count, F, Max, Prefetch, Q, Sum
from django.db.models.functions import Lower

from tests.backstay.readplan.lab.models import City, Country, Label, Person, Pet, Toy
from tests.backstay.readplan.lab.words import NAMES, Model


class Chosen(NamedTuple):
    """A queryset, and what a serializer may show of it beyond its model."""

    queryset: Any
    annotations: tuple[str, ...] = ()
    #: Attributes with lists of rows, which a ``Prefetch`` makes.
    lists: tuple[tuple[str, Model], ...] = ()


def _toys(queryset: Any) -> Prefetch:
    return Prefetch("pets__toys", queryset)


CLAUSES: tuple[Callable[[Any], Chosen], ...] = (
    lambda rows: Chosen(rows.annotate(pet_count=Count("pets")), ("pet_count",)),
    lambda rows: Chosen(
        rows.annotate(
            label_count=Count("labels", distinct=True),
            pet_count=Count("pets", distinct=True),
            low=Lower("name"),
        ),
        ("label_count", "low"),
    ),
    lambda rows: Chosen(
        rows.annotate(top=Max("pets__toys__cost"), place=F("city__name"), again=F("made")),
        ("top", "place", "again"),
    ),
    lambda rows: Chosen(
        rows.alias(n=Count("pets")).filter(n__gte=1).annotate(years=Sum("age")), ("years",)
    ),
    lambda rows: Chosen(rows.filter(labels__rank__gte=0).distinct()),
    lambda rows: Chosen(rows.filter(Q(pets__name__gt="a") | Q(home=None))),
    lambda rows: Chosen(rows.filter(pets__name__gt="a", home__name__isnull=False)),
    lambda rows: Chosen(rows.exclude(pets__name="a").order_by("city__name", "pk")),
    lambda rows: Chosen(rows.order_by("-boss__made", "pk")),
    lambda rows: Chosen(rows.order_by(Lower("name").desc(), "-made", "pk")),
    lambda rows: Chosen(rows.order_by("-pk").reverse()),
    lambda rows: Chosen(rows.select_related("city", "home").filter(home__isnull=False)),
    lambda rows: Chosen(rows.select_related()),
    lambda rows: Chosen(rows.only("name")),
    lambda rows: Chosen(rows.defer("name", "city", "made")),
    lambda rows: Chosen(rows.prefetch_related("pets", "labels", "boss__pets__toys")),
    lambda rows: Chosen(
        rows.prefetch_related(
            Prefetch("pets", Pet.objects.filter(name__gt="a").order_by("-pk")), "labels"
        )
    ),
    lambda rows: Chosen(
        rows.prefetch_related(Prefetch("friends", Person.objects.order_by("-name", "pk")))
    ),
    lambda rows: Chosen(
        rows.prefetch_related(Prefetch("labels", Label.objects.filter(people__level=1).distinct()))
    ),
    lambda rows: Chosen(rows.prefetch_related(_toys(Toy.objects.filter(cost__gt=1)))),
    lambda rows: Chosen(
        rows.prefetch_related(
            Prefetch(
                "pets",
                Pet.objects.order_by("-pk").prefetch_related(
                    Prefetch("toys", Toy.objects.order_by("name", "pk"))
                ),
            )
        )
    ),
    lambda rows: Chosen(rows.prefetch_related(Prefetch("pets", Pet.objects.order_by("-pk")[:1]))),
    lambda rows: Chosen(
        rows.prefetch_related(
            Prefetch("pets", Pet.objects.annotate(n=Count("toys")).order_by("-n", "pk"))
        )
    ),
    lambda rows: Chosen(
        rows.prefetch_related(
            Prefetch("city", City.objects.only("name")), Prefetch("boss__pets", Pet.objects.all())
        )
    ),
    lambda rows: Chosen(
        rows.prefetch_related(Prefetch("home", City.objects.filter(name__isnull=False)))
    ),
    lambda rows: Chosen(
        rows.prefetch_related(
            Prefetch("pets", Pet.objects.filter(name__gt="a"), to_attr="chosen_pets"),
            Prefetch("labels", Label.objects.filter(rank=1), to_attr="first_labels"),
        ),
        lists=(("chosen_pets", Pet), ("first_labels", Label)),
    ),
    lambda rows: Chosen(rows.extra(select={"twice": "age * 2"}), ("twice",)),
    lambda rows: Chosen(rows.order_by().union(rows.order_by().filter(age=1)).order_by("pk")),
    lambda rows: Chosen(rows.none()),
    lambda rows: Chosen(rows.filter(pk__in=[])),
    lambda rows: Chosen(rows.with_peers()),
    lambda rows: Chosen(rows.select_for_update()),
)


def choose(random: Random) -> Chosen:
    """A queryset in an order that tells all rows apart, often sliced."""
    model: Model = Person if random.random() < 0.6 else random.choice([*NAMES])
    manager: Any = model._default_manager
    chosen = Chosen(manager.all())
    if model is Person and random.random() < 0.8:
        chosen = random.choice(CLAUSES)(chosen.queryset)
    elif model is Country and random.random() < 0.5:
        chosen = Chosen(manager.annotate(n=Count("cities")).filter(n__gte=1), ("n",))
    queryset = chosen.queryset
    if not queryset.query.combinator and not queryset.query.order_by:
        queryset = queryset.order_by("pk")
    if random.random() < 0.3:
        start = random.randrange(3)
        queryset = queryset[start : start + random.randrange(1, 9)]
    return chosen._replace(queryset=queryset)
