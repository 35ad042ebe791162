"""
People, their cities, passports and pets: one of each thing that makes a plan hard.

UUID keys, ``to_field``, tables that inherit, relations to self, one-to-one both ways,
many-to-many with and without a name and symmetrical, a generic relation, a manager that
hides rows, a column with Python code, a ``post_init`` receiver, keys that no constraint
holds, every kind of column.

Each model but ``Stamp`` has an order, so that DRF's bytes are defined.

Tables of apps without migrations are made first, hence no constraint to content types.
"""

import uuid

from django.contrib.contenttypes.fields import GenericForeignKey, GenericRelation
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.db.models.functions import Length
from django.db.models.signals import post_init
from django.dispatch import receiver

from backstay.readplan import PeersMixin


class ShoutedField(models.CharField):
    """Upper case in Python, lower case in the database."""

    def from_db_value(self, value, expression, connection):
        return None if value is None else value.upper()

    def get_prep_value(self, value):
        return None if value is None else value.lower()


class Country(models.Model):
    code = models.CharField(max_length=2, unique=True)
    name = models.CharField(max_length=50)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"<{self.name}>"


class City(models.Model):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    name = models.CharField(max_length=50, null=True)  # noqa: DJ001  # Nulls are a hard spot.
    country = models.ForeignKey(
        Country, on_delete=models.CASCADE, to_field="code", related_name="cities"
    )
    twin = models.ForeignKey("self", on_delete=models.SET_NULL, null=True, related_name="twins")

    class Meta:
        ordering = ["country__name", "pk"]

    def __str__(self) -> str:
        return f"{self.name} in {self.country.name}"


class Label(models.Model):
    text = models.CharField(max_length=30)
    rank = models.IntegerField()

    class Meta:
        ordering = ["-rank", "pk"]

    def __str__(self) -> str:
        return self.text.upper()


class Note(models.Model):
    body = models.TextField()
    content_type = models.ForeignKey(
        ContentType, on_delete=models.CASCADE, null=True, db_constraint=False
    )
    object_id = models.PositiveIntegerField(null=True)
    about = GenericForeignKey()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"note {self.body}"


class PersonQuerySet(PeersMixin, models.QuerySet["Person"]):
    pass


class Person(models.Model):
    class Level(models.IntegerChoices):
        LOW = 1, "Low"
        HIGH = 2, "High"

    name = models.CharField(max_length=50)
    nick = models.CharField(max_length=50, null=True)  # noqa: DJ001  # As above.
    level = models.IntegerField(choices=Level.choices)
    mood = models.CharField(  # noqa: DJ001  # As above.
        max_length=10, choices=[("a", "Angry"), ("b", "Bright")], blank=True, null=True
    )
    kind = models.CharField(max_length=10, choices=[("x", "Ex"), ("y", "Why")])
    age = models.IntegerField(null=True)
    small = models.SmallIntegerField(default=0)
    big = models.BigIntegerField(default=0)
    ratio = models.FloatField(null=True)
    price = models.DecimalField(max_digits=10, decimal_places=2)
    tiny = models.DecimalField(max_digits=20, decimal_places=10, null=True)
    ok = models.BooleanField()
    maybe = models.BooleanField(null=True)
    made = models.DateTimeField()
    seen = models.DateTimeField(null=True)
    day = models.DateField()
    clock = models.TimeField(null=True)
    span = models.DurationField(null=True)
    uid = models.UUIDField(default=uuid.uuid4)
    data = models.JSONField(null=True)
    ip = models.GenericIPAddressField(null=True)
    slug = models.SlugField()
    url = models.URLField(blank=True)
    mail = models.EmailField(blank=True)
    doc = models.FileField(null=True, blank=True)
    pic = models.ImageField(blank=True)
    blob = models.BinaryField(null=True)
    shout = ShoutedField(max_length=20, null=True)
    hidden = models.BooleanField(default=False)
    city = models.ForeignKey(City, on_delete=models.CASCADE, related_name="people")
    home = models.ForeignKey(City, on_delete=models.SET_NULL, null=True, related_name="natives")
    boss = models.ForeignKey("self", on_delete=models.SET_NULL, null=True)
    labels = models.ManyToManyField(Label, related_name="people")
    spoken = models.ManyToManyField(Country)
    friends = models.ManyToManyField("self")
    notes = GenericRelation(Note)

    objects = PersonQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"P{self.name}"

    @property
    def greeting(self) -> str:
        return f"hi {self.name} of {self.city.name}"

    def shouted(self) -> str:
        return self.name.upper()

    def shout_out(self) -> None:
        self.name = "!"

    def label_texts(self) -> list[str]:
        return [label.text for label in self.labels.all()]


class Passport(models.Model):
    person = models.OneToOneField(Person, on_delete=models.CASCADE, related_name="passport")
    number = models.CharField(max_length=20)
    issued_in = models.ForeignKey(City, on_delete=models.SET_NULL, null=True)

    class Meta:
        ordering = ["person__name", "pk"]

    def __str__(self) -> str:
        return f"pass {self.number} {self.person.name}"


class Stamp(models.Model):
    """The only one in no order."""

    passport = models.ForeignKey(Passport, on_delete=models.CASCADE, related_name="stamps")
    text = models.CharField(max_length=20)

    def __str__(self) -> str:
        return self.text


class Visible(models.Manager["Pet"]):
    def get_queryset(self) -> models.QuerySet["Pet"]:
        return super().get_queryset().filter(hidden=False)


class Pet(models.Model):
    owner = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="pets")
    keeper = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True)  # pet_set
    name = models.CharField(max_length=20)
    born = models.DateField(null=True)
    hidden = models.BooleanField(default=False)

    objects = Visible()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return f"{self.name}/{self.owner.name}"


class Dog(Pet):
    breed = models.CharField(max_length=20)


class Toy(models.Model):
    pet = models.ForeignKey(Pet, on_delete=models.CASCADE, related_name="toys")
    name = models.CharField(max_length=20)
    weight = models.IntegerField(default=1)
    cost = models.DecimalField(max_digits=6, decimal_places=2, null=True)

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return self.name


class Parcel(models.Model):
    """Leads to rows that need not be there: no constraint holds its keys."""

    sender = models.ForeignKey(
        Person, on_delete=models.DO_NOTHING, db_constraint=False, related_name="sent"
    )
    receiver = models.ForeignKey(
        Person, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="received"
    )
    origin = models.ForeignKey(
        Country,
        on_delete=models.DO_NOTHING,
        db_constraint=False,
        to_field="code",
        related_name="parcels",
    )
    pass_shown = models.OneToOneField(
        Passport, on_delete=models.DO_NOTHING, db_constraint=False, null=True, related_name="parcel"
    )
    before = models.ForeignKey("self", on_delete=models.DO_NOTHING, db_constraint=False, null=True)
    text = models.CharField(max_length=20)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"parcel {self.text}"

    @property
    def first_of_sender(self) -> str:
        return self.sender.name[:1]


class Badge(models.Model):
    """Shows another text than its row has."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="badges")
    text = models.CharField(max_length=20)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text


@receiver(post_init, sender=Badge)
def polish(sender: type[Badge], instance: Badge, **kwargs: object) -> None:
    instance.text = f"{instance.text}*"


class Kept(models.Manager["Publisher"]):
    """Rows that nobody has thrown away."""

    def get_queryset(self) -> models.QuerySet["Publisher"]:
        return super().get_queryset().filter(gone=False)


class Publisher(models.Model):
    """Hides rows also where a relation leads to them."""

    name = models.CharField(max_length=20)
    gone = models.BooleanField(default=False)
    objects = Kept()
    everyone = models.Manager()

    class Meta:
        base_manager_name = "objects"

    def __str__(self) -> str:
        return self.name


class Measured(models.Manager["Title"]):
    """Adds to each row."""

    def get_queryset(self) -> models.QuerySet["Title"]:
        return super().get_queryset().annotate(length=Length("name"))


class Title(models.Model):
    publisher = models.ForeignKey(
        Publisher, on_delete=models.CASCADE, null=True, related_name="titles"
    )
    name = models.CharField(max_length=20)
    objects = Measured()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.name


class Discreet(models.Manager["Chapter"]):
    """Chooses what belongs to each row."""

    def get_queryset(self) -> models.QuerySet["Chapter"]:
        shown = models.Prefetch("pages", Leaf.everyone.filter(hidden=False))
        return super().get_queryset().prefetch_related(shown)


class Chapter(models.Model):
    title = models.ForeignKey(Title, on_delete=models.CASCADE, related_name="chapters")
    objects = Discreet()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"chapter {self.pk}"


class Leaf(models.Model):
    chapter = models.ForeignKey(Chapter, on_delete=models.CASCADE, related_name="pages")
    hidden = models.BooleanField(default=False)
    everyone = models.Manager()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"leaf {self.pk}"
