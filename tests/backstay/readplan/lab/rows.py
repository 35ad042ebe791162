"""Rows of the lab: awkward texts, extreme numbers and times, and relations that are missing."""

import datetime
import uuid
from collections.abc import Callable, Sequence
from decimal import Decimal
from random import Random
from typing import Any, TypeVar

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

T = TypeVar("T")

TEXTS = (
    *("", "a", "ünïcode", "tab\tnew\nline", 'quote"back\\slash', "\u2028sep\u2029"),
    *("emoji 🎉", "\x7f\x01ctl", "</script>", "long " * 3),
)
MOMENTS = tuple(
    datetime.datetime.fromisoformat(f"{text}+00:00")
    for text in (
        *("0001-01-03T04:05:06", "1883-11-18T12:00:00", "2024-02-29T23:59:59.999999"),
        *("2026-03-29T01:30:00.120000", "2026-10-25T00:30:00.000001", "9999-12-30T00:00:00"),
    )
)
AMOUNTS = tuple(map(Decimal, ("0", "0.01", "-0.00", "99999999.99", "-1234.50")))
SMALL_AMOUNTS = tuple(map(Decimal, ("0", "1E-10", "1234567890.1234567891", "-0.0000001")))
RATIOS = (0.0, -0.0, 1e16, 1e-7, -1.5, 1 / 3, 1e300, 123456789.0)
BIG = (0, 2**62, -(2**63), 2**53 + 1)
DATA: tuple[Any, ...] = (
    {"b": 1, "a": [1.5, None, "x"]},
    *([], 0, "s", True, {"k": {"n": 1e20}}, 12345678901234567890123),
)
SPANS = tuple(
    datetime.timedelta(days=days, microseconds=micros)
    for days, micros in ((0, 0), (-3, 5), (400, 86_399_000_001))
)


def populate(random: Random, people: int = 12) -> None:
    """Make rows that depend on *random* alone."""
    make = _Rows(random)
    make.places()
    make.people(people)
    make.belongings()


class _Rows:
    def __init__(self, random: Random) -> None:
        self.random = random

    def maybe(self, make: Callable[[], T]) -> T | None:
        return None if self.random.random() < 0.3 else make()

    def text(self) -> str:
        return self.random.choice(TEXTS)

    def moment(self) -> datetime.datetime:
        return self.random.choice(MOMENTS)

    def uuid(self) -> uuid.UUID:
        return uuid.UUID(int=self.random.getrandbits(128))

    def places(self) -> None:
        pick = self.random.choice
        countries = Country.objects.bulk_create(
            Country(code=code, name=self.text()) for code in ("fr", "us", "jp")
        )
        self.countries = countries
        cities: list[City] = []
        for _ in range(6):
            twin = self.maybe(lambda: pick(cities)) if cities else None
            name = self.maybe(self.text)
            cities.append(City(id=self.uuid(), name=name, country=pick(countries), twin=twin))
        self.cities = City.objects.bulk_create(cities)
        self.labels = Label.objects.bulk_create(
            Label(text=self.text(), rank=self.random.randrange(3)) for _ in range(5)
        )

    def people(self, count: int) -> None:
        pick, maybe = self.random.choice, self.maybe
        made = Person.objects.bulk_create(
            Person(
                name=self.text(),
                nick=maybe(self.text),
                level=pick((1, 2, 3)),
                mood=pick((None, "", "a", "b", "zz")),
                kind=pick(("x", "y", "q")),
                age=maybe(lambda: self.random.randrange(-5, 200)),
                big=pick(BIG),
                ratio=maybe(lambda: pick(RATIOS)),
                price=pick(AMOUNTS),
                tiny=maybe(lambda: pick(SMALL_AMOUNTS)),
                ok=pick((True, False)),
                maybe=pick((None, True, False)),
                made=self.moment(),
                seen=maybe(self.moment),
                day=self.moment().date(),
                clock=maybe(lambda: pick((datetime.time(0), datetime.time(1, 2, 3, 4)))),
                span=maybe(lambda: pick(SPANS)),
                uid=self.uuid(),
                data=maybe(lambda: pick(DATA)),
                ip=maybe(lambda: pick(("1.2.3.4", "::1", "2001:db8::1"))),
                slug=f"s{index}",
                url=pick(("", "http://x.example/?q=1&b=2")),
                mail=pick(("", "a@b.example")),
                doc=pick((None, "", "docs/a b.txt", "ü.pdf")),
                pic=pick(("", "p.png")),
                blob=maybe(lambda: b"abc"),
                shout=maybe(lambda: "hey"),
                city=pick(self.cities),
                home=maybe(lambda: pick(self.cities)),
            )
            for index in range(count)
        )
        for one in made[1:]:
            one.boss = maybe(lambda: pick(made))
        Person.objects.bulk_update(made, ["boss"])
        self.everybody = made

    def some(self, of: Sequence[T], most: int) -> list[T]:
        return self.random.sample(of, self.random.randrange(most + 1))

    def belongings(self) -> None:
        pick, everybody = self.random.choice, self.everybody
        many = (("labels", "label", self.labels), ("spoken", "country", self.countries))
        for name, target, of in many:
            link: Any = getattr(Person, name).through
            link.objects.bulk_create(
                link(person=one, **{target: other})
                for one in everybody
                for other in self.some(of, 3)
            )
        for one in self.some(everybody, 5):
            one.friends.set(self.some(everybody, 2))
        passports = Passport.objects.bulk_create(
            Passport(
                person=one, number=self.text(), issued_in=self.maybe(lambda: pick(self.cities))
            )
            for one in everybody
            if self.random.random() < 0.6
        )
        Stamp.objects.bulk_create(
            Stamp(passport=one, text=self.text()) for one in passports for _ in range(2)
        )
        Badge.objects.bulk_create(Badge(person=one, text=self.text()) for one in everybody[::2])
        Note.objects.bulk_create(
            Note(body=self.text(), about=pick([one, pick(self.labels)])) for one in everybody
        )
        self.pets()
        self.parcels(passports)

    def pets(self) -> None:
        pick, everybody = self.random.choice, self.everybody
        pets = Pet.objects.bulk_create([self.pet(Pet) for _ in range(len(everybody))])
        dogs = [self.pet(Dog, breed=self.text()) for _ in range(5)]
        for dog in dogs:
            dog.save()
        Toy.objects.bulk_create(
            Toy(
                pet=pick([*pets, *dogs]),
                name=self.text(),
                weight=self.random.randrange(5),
                cost=self.maybe(
                    lambda: pick((Decimal("0.00"), Decimal("12.50"), Decimal("9999.99")))
                ),
            )
            for _ in range(2 * len(everybody))
        )

    def parcels(self, passports: Sequence[Passport]) -> None:
        """Half of what they lead to is not there."""
        pick = self.random.choice
        people = [*(one.pk for one in self.everybody), *[-1, -2] * 6]
        shown: list[int | None] = self.random.sample([*(one.pk for one in passports), -1, -2], 3)
        Parcel.objects.bulk_create(
            Parcel(
                pk=index,
                sender_id=pick(people),
                receiver_id=self.maybe(lambda: pick(people)),
                origin_id=pick(("fr", "us", "zz")),
                pass_shown_id=shown.pop() if index % 2 and shown else None,
                before_id=pick((None, 1, 2, 99)),
                text=self.text(),
            )
            for index in range(1, 9)
        )

    def pet(self, kind: type[Any], **more: Any) -> Any:
        return kind(
            owner=self.random.choice(self.everybody),
            keeper=self.maybe(lambda: self.random.choice(self.everybody)),
            name=self.text(),
            born=self.maybe(lambda: self.moment().date()),
            hidden=self.random.random() < 0.3,
            **more,
        )
