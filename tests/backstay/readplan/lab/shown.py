"""Serializers as people write them, for tests that choose what is shown."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from tests.backstay.readplan.lab.models import City, Label, Passport, Person, Pet, Toy


def linking() -> dict[str, Any]:
    """A context of which links can be made."""
    return {"request": Request(APIRequestFactory().get("/"))}


def serializer(model: Any, *names: str, **body: Any) -> Any:
    """A ``ModelSerializer`` of *model* with *names* and what is declared in *body*."""
    declared = [key for key in body if isinstance(body[key], serializers.Field)]
    fields = [*names, *(key for key in declared if key not in names)]
    body["Meta"] = type("Meta", (), {"model": model, "fields": fields})
    bases = body.pop("bases", (serializers.ModelSerializer,))
    return type(f"{model.__name__}Serializer", bases, body)


class ToyDetail(serializers.ModelSerializer[Toy]):
    class Meta:
        model = Toy
        fields = ["id", "name", "cost"]


class PetDetail(serializers.ModelSerializer[Pet]):
    toys = ToyDetail(many=True, read_only=True)

    class Meta:
        model = Pet
        fields = ["id", "name", "born", "toys"]


class CityDetail(serializers.ModelSerializer[City]):
    country = serializers.CharField(source="country.name", read_only=True)

    class Meta:
        model = City
        fields = ["id", "name", "country"]


class LabelDetail(serializers.ModelSerializer[Label]):
    class Meta:
        model = Label
        fields = ["id", "text"]


class PassportDetail(serializers.ModelSerializer[Passport]):
    class Meta:
        model = Passport
        fields = ["number", "issued_in"]


class PersonDetail(serializers.ModelSerializer[Person]):
    """Nested as deep as people nest, and nothing that needs an instance."""

    url = serializers.HyperlinkedIdentityField(view_name="person-detail")
    city = CityDetail(read_only=True)
    home = CityDetail(read_only=True)
    pets = PetDetail(many=True, read_only=True)
    labels = LabelDetail(many=True, read_only=True)
    passport = PassportDetail(read_only=True)

    class Meta:
        model = Person
        fields = [
            *("id", "url", "name", "level", "price", "made", "ratio", "data", "doc"),
            *("city", "home", "pets", "labels", "passport"),
        ]


class GreetedPerson(PersonDetail):
    """The same, with a method over relations."""

    hello = serializers.SerializerMethodField()

    def get_hello(self, person: Person) -> str:
        asked = self.context["request"].method if "request" in self.context else "nobody"
        return f"{person.greeting} {asked} {[pet.name for pet in person.pets.all()]}"

    class Meta(PersonDetail.Meta):
        fields = [*PersonDetail.Meta.fields, "hello"]


class ChosenPerson(PersonDetail):
    """Shows the fields that ``?fields=`` names, as the recipe in DRF's documentation does."""

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        request = self.context.get("request")
        wanted = request.query_params.get("fields") if request else None
        for name in set(self.fields) - set(wanted.split(",")) if wanted else ():
            self.fields.pop(name)
