"""What serializers of the lab may name: columns, relations, dotted sources, fields."""

import datetime
from collections.abc import Callable
from typing import Any

from django.db import models
from rest_framework import serializers

from backstay.readplan import CountField, DecimalSumField, SumField
from tests.backstay.readplan.lab.models import (
    Badge,
    City,
    Country,
    Dog,
    Label,
    Note,
    Parcel,
    Passport,
    Person,
    Pet,
    Stamp,
    Toy,
)

Model = type[models.Model]

#: Names for ``Meta.fields``: whatever ``ModelSerializer`` makes of them.
NAMES: dict[Model, list[str]] = {
    Person: [
        *("id", "pk", "name", "nick", "level", "mood", "kind", "age", "small", "big", "ratio"),
        *("price", "tiny", "ok", "maybe", "made", "seen", "day", "clock", "span", "uid", "data"),
        *("ip", "slug", "url", "mail", "doc", "pic", "shout", "hidden", "city", "city_id", "home"),
        *("boss", "labels", "spoken", "friends", "pets", "pet_set", "passport", "badges"),
        *("greeting", "shouted", "label_texts"),
    ],
    City: ["id", "name", "country", "country_id", "twin", "people", "natives", "twins"],
    Country: ["id", "code", "name", "cities", "person_set"],
    Label: ["id", "text", "rank", "people"],
    Note: ["id", "body", "content_type", "object_id"],
    Passport: ["id", "person", "number", "issued_in"],
    Stamp: ["id", "passport", "text"],
    Pet: ["id", "owner", "keeper", "name", "born", "hidden", "toys", "dog"],
    Dog: ["id", "pet_ptr", "owner", "name", "breed", "toys"],
    Toy: ["id", "pet", "name", "weight", "cost"],
    Badge: ["id", "person", "text"],
    Parcel: [
        *("id", "sender", "sender_id", "receiver", "origin", "pass_shown", "before", "text"),
        "first_of_sender",
    ],
}

#: Sources of to-one relations, with where they lead.
ONE: dict[Model, dict[str, Model]] = {
    Person: {
        "city": City,
        "home": City,
        "boss": Person,
        "passport": Passport,
        "city.country": Country,
        "home.twin": City,
        "boss.home": City,
        "boss.boss": Person,
        "passport.issued_in": City,
        "boss.passport": Passport,
    },
    City: {"country": Country, "twin": City, "twin.twin": City, "twin.country": Country},
    Country: {},
    Label: {},
    Note: {},
    Passport: {
        "person": Person,
        "issued_in": City,
        "person.boss": Person,
        "parcel": Parcel,
        "parcel.sender": Person,
    },
    Stamp: {"passport": Passport, "passport.person": Person},
    Pet: {"owner": Person, "keeper": Person, "dog": Dog, "keeper.passport": Passport},
    Dog: {"owner": Person, "keeper": Person, "pet_ptr": Pet},
    Toy: {"pet": Pet, "pet.keeper": Person, "pet.dog": Dog},
    Badge: {"person": Person},
    Parcel: {
        "sender": Person,
        "receiver": Person,
        "origin": Country,
        "pass_shown": Passport,
        "before": Parcel,
        "sender.city": City,
        "receiver.home": City,
        "before.before": Parcel,
        "before.sender": Person,
        "pass_shown.person": Person,
    },
}

#: Sources of to-many relations, with where they lead.
MANY: dict[Model, dict[str, Model]] = {
    Person: {
        "labels": Label,
        "spoken": Country,
        "friends": Person,
        "person_set": Person,
        "pets": Pet,
        "pet_set": Pet,
        "notes": Note,
        "badges": Badge,
        "home.people": Person,
        "city.twins": City,
        "passport.stamps": Stamp,
        "passport.issued_in.people": Person,
        "boss.pets": Pet,
        "sent": Parcel,
        "received": Parcel,
    },
    City: {"people": Person, "natives": Person, "twins": City, "country.cities": City},
    Country: {"cities": City, "person_set": Person},
    Label: {"people": Person},
    Note: {},
    Passport: {"stamps": Stamp, "issued_in.natives": Person},
    Stamp: {},
    Pet: {"toys": Toy, "owner.pets": Pet},
    Dog: {"toys": Toy},
    Toy: {"pet.toys": Toy},
    Badge: {"person.badges": Badge},
    Parcel: {
        "sender.pets": Pet,
        "receiver.labels": Label,
        "before.sender.sent": Parcel,
        "parcel_set": Parcel,
        "origin.parcels": Parcel,
    },
}

#: Sources of single values behind relations.
DOTTED: dict[Model, list[str]] = {
    Person: [
        *("city.name", "home.name", "home.twin.name", "passport.number", "passport.issued_in.name"),
        *("boss.name", "boss.boss.name", "boss.shouted", "boss.pk", "boss.made", "city.id"),
        *("city.country.name", "home.country_id", "home.pk", "boss.passport.number", "boss.shout"),
    ],
    City: ["country.name", "twin.name", "twin.country.code", "twin.pk"],
    Country: [],
    Label: [],
    Note: ["about.pk"],
    Passport: ["person.name", "issued_in.name", "person.home.name"],
    Stamp: ["passport.person.name", "passport.number"],
    Pet: ["owner.name", "keeper.nick", "keeper.home.name", "owner.greeting", "dog.breed"],
    Dog: ["owner.name", "pet_ptr.name", "pet_ptr.owner.name"],
    Toy: ["pet.name", "pet.owner.name", "pet.keeper.name", "pet.dog.breed"],
    Badge: ["person.name", "person.boss.name"],
    Parcel: [
        *("sender.name", "sender.pk", "receiver.name", "receiver.id", "receiver.boss.name"),
        *("origin.name", "origin.code", "before.sender.name", "before.before_id"),
        *("before.receiver.pk", "receiver.shouted", "receiver.city.name", "before.origin_id"),
        *("pass_shown.number", "before.first_of_sender"),
    ],
}

#: Aggregates over to-many relations, known to ``Person`` alone.
TOTALS: list[Callable[[], Any]] = [
    lambda: CountField("pets"),
    lambda: CountField("labels"),
    lambda: CountField("friends"),
    lambda: CountField("notes"),
    lambda: SumField("pet_set", "toys__weight"),
    lambda: SumField("person_set", "age"),
    lambda: DecimalSumField("pets", "toys__cost", max_digits=12, decimal_places=2),
]


class Loud(serializers.CharField):
    """Shows itself in its own way, and asks its context."""

    def to_representation(self, value):
        return f"{value}!{self.context.get('mark')}"


class Whole(serializers.Field):
    """Looks at the whole object."""

    def get_attribute(self, instance):
        return instance

    def to_representation(self, value):
        return f"{type(value).__name__} {value.pk}"


class Bytes(serializers.Field):
    def to_representation(self, value):
        return bytes(value).decode()


def _decimal(source: str, **options: Any) -> Callable[[], Any]:
    options = {"max_digits": 12, "decimal_places": 2, **options}
    return lambda: serializers.DecimalField(source=source, **options)


def _of(kind: Any, source: str, **options: Any) -> Callable[[], Any]:
    return lambda: kind(source=source, **options)


INDIA = datetime.timezone(datetime.timedelta(hours=5, minutes=30))

_S = serializers

#: Every kind of field over columns that suit it, and over some that do not.
UNUSUAL: list[Callable[[], Any]] = [
    _of(_S.DateTimeField, "made", format="%Y/%m"),
    _of(_S.DateTimeField, "seen", format=None),
    _of(_S.DateTimeField, "made", default_timezone=INDIA),
    _of(_S.DateField, "day", format="%d.%m.%Y"),
    _of(_S.DateField, "day", format=None),
    _of(_S.TimeField, "clock", format="%H"),
    _of(_S.TimeField, "clock", format=None),
    _of(_S.DurationField, "span"),
    _of(_S.DurationField, "span", format="iso-8601"),
    _decimal("price", decimal_places=1),
    _decimal("price", decimal_places=4),
    _decimal("price", coerce_to_string=False),
    _decimal("price", localize=True),
    _decimal("price", max_digits=None),
    _decimal("tiny", max_digits=None, decimal_places=None),
    _decimal("tiny", max_digits=30, decimal_places=10, normalize_output=True),
    _decimal("tiny", max_digits=30, decimal_places=10),
    _decimal("age"),
    _decimal("ratio", max_digits=400),
    _of(_S.FloatField, "price"),
    _of(_S.FloatField, "age"),
    _of(_S.FloatField, "ratio"),
    _of(_S.IntegerField, "price"),
    _of(_S.IntegerField, "level"),
    _of(_S.IntegerField, "name"),
    _of(_S.BigIntegerField, "big", coerce_to_string=True),
    _of(_S.CharField, "price"),
    _of(_S.CharField, "made"),
    _of(_S.CharField, "ok"),
    _of(_S.CharField, "ratio"),
    _of(_S.CharField, "uid"),
    _of(_S.CharField, "data"),
    _of(_S.CharField, "doc"),
    _of(_S.CharField, "city_id"),
    _of(_S.CharField, "shout"),
    _of(_S.CharField, "get_kind_display", read_only=True),
    _of(_S.CharField, "get_level_display", read_only=True),
    _of(_S.CharField, "shouted", read_only=True),
    _of(_S.CharField, "name", write_only=True),
    _of(_S.EmailField, "mail"),
    _of(_S.SlugField, "slug"),
    _of(_S.URLField, "url"),
    _of(_S.RegexField, "name", regex="a"),
    _of(_S.IPAddressField, "ip"),
    _of(_S.UUIDField, "uid", format="hex"),
    _of(_S.UUIDField, "uid", format="int"),
    _of(_S.UUIDField, "uid", format="urn"),
    _of(_S.BooleanField, "maybe"),
    _of(_S.BooleanField, "name"),
    _of(_S.BooleanField, "age"),
    _of(_S.ChoiceField, "name", choices=[("a", 1)]),
    _of(_S.ChoiceField, "age", choices=[(1, "x"), ("2", "y")]),
    _of(_S.MultipleChoiceField, "name", choices=["a"]),
    _of(_S.JSONField, "data"),
    _of(_S.JSONField, "data", binary=True),
    _of(_S.DictField, "data"),
    _of(_S.HStoreField, "data"),
    _of(_S.FileField, "doc"),
    _of(_S.FileField, "doc", use_url=False),
    _of(_S.ImageField, "pic"),
    lambda: _S.ListField(source="label_texts", read_only=True, child=Loud()),
    lambda: _S.ListField(source="name", read_only=True, child=Loud()),
    _of(Bytes, "blob", read_only=True),
    _of(Loud, "name"),
    _of(Loud, "city"),
    _of(Whole, "*", read_only=True),
    _of(Whole, "name", read_only=True),
    *(
        _of(_S.ReadOnlyField, source)
        for source in (
            *("made", "price", "uid", "span", "shout", "ratio", "doc", "city", "get_mood_display"),
            *("pk", "id", "city.id", "city_id", "passport.pk", "data", "level", "hidden", "blob"),
        )
    ),
    lambda: _S.HiddenField(default="hidden"),
    lambda: _S.ModelField(model_field=Person._meta.get_field("ratio")),
    lambda: _S.PrimaryKeyRelatedField(
        source="city", read_only=True, pk_field=_S.UUIDField(format="hex")
    ),
    _of(_S.SlugRelatedField, "city", slug_field="name", read_only=True),
    _of(_S.SlugRelatedField, "home", slug_field="country__name", read_only=True),
    _of(_S.SlugRelatedField, "home", slug_field="twin__name", read_only=True),
    _of(_S.SlugRelatedField, "passport", slug_field="number", read_only=True),
    _of(_S.SlugRelatedField, "boss", slug_field="made", read_only=True),
    _of(_S.SlugRelatedField, "boss.home", slug_field="name", read_only=True),
    _of(_S.SlugRelatedField, "labels", slug_field="text", many=True, read_only=True),
    _of(_S.SlugRelatedField, "pets", slug_field="owner__name", many=True, read_only=True),
    _of(_S.SlugRelatedField, "pets", slug_field="keeper__name", many=True, read_only=True),
    lambda: _S.HyperlinkedIdentityField(view_name="person-detail"),
    lambda: _S.HyperlinkedIdentityField(view_name="person-by-slug", lookup_field="slug"),
    *(
        _of(_S.HyperlinkedRelatedField, source, read_only=True, **options)
        for source, options in (
            ("boss", {"view_name": "person-detail"}),
            ("boss", {"view_name": "person-by-slug", "lookup_field": "slug"}),
            ("boss", {"view_name": "no-such-view"}),
            ("city", {"view_name": "city-detail"}),
            ("boss.city", {"view_name": "city-detail"}),
            ("home.country", {"view_name": "country-by-code", "lookup_field": "code"}),
            ("labels", {"view_name": "label-detail", "many": True}),
            ("friends", {"view_name": "person-by-slug", "lookup_field": "slug", "many": True}),
        )
    ),
]
