"""Bodies one after the other, of a chunk of rows at a time."""

import pytest
from rest_framework import serializers

from backstay.readplan import convert, read, stream
from tests.backstay.readplan.lab.models import Person, Pet
from tests.backstay.readplan.lab.shown import serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]

EVERYBODY = Person.objects.order_by("pk")


@pytest.fixture
def shown():
    pets = serializer(Pet, "id", "name")(many=True, read_only=True)
    return serializer(Person, "name", "made", pets=pets)


def test_are_those_of_a_list(shown):
    assert [*stream(EVERYBODY, shown(), chunk_rows=3)] == read(EVERYBODY, shown())


def test_ask_once_for_what_belongs_to_a_chunk(shown, query_count):
    chunks = -(-Person.objects.count() // 4)
    assert query_count(lambda: [*stream(EVERYBODY, shown(), chunk_rows=4)]) == 1 + chunks


def test_make_no_row_object(shown, monkeypatch):
    monkeypatch.setattr("backstay.readplan.reading.Row", None)
    assert len([*stream(EVERYBODY, shown(), chunk_rows=3)]) == Person.objects.count()


def test_without_a_plan_are_drfs(shown):
    rows = EVERYBODY.extra(select={"one": "1"})
    assert [*stream(rows, shown(), chunk_rows=3)] == shown(rows, many=True).data


def test_of_a_plan_that_fails_are_drfs(monkeypatch):
    def broken(_):
        raise ValueError("by this test")

    broken_text = convert.constant("broken", broken)
    monkeypatch.setitem(convert.KINDS, serializers.SlugField, lambda *_: broken_text)
    slugs = serializer(Person, "slug")
    assert [*stream(EVERYBODY, slugs(), chunk_rows=3)] == slugs(EVERYBODY, many=True).data
