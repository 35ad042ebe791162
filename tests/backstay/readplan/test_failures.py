"""What fails in a plan is read by DRF in its place, told and counted; never a 500 of its own."""

import pytest
from django.conf import settings
from django.core.exceptions import ObjectDoesNotExist
from django.db import OperationalError, connection
from django.test import override_settings
from rest_framework import serializers

from backstay.counters import counted
from backstay.readplan import convert, internals, read
from tests.backstay.readplan.comparison import by_drf, by_plan
from tests.backstay.readplan.lab.models import Person
from tests.backstay.readplan.lab.shown import GreetedPerson, PersonDetail, linking, serializer

pytestmark = [pytest.mark.django_db, pytest.mark.L1, pytest.mark.usefixtures("rows")]


def backstay(**values):
    return override_settings(BACKSTAY={**settings.BACKSTAY, **values})


@pytest.fixture
def failures():
    """How often a plan has failed since the test began."""
    before = counted("readplan_failed")
    return lambda: counted("readplan_failed") - before


class Broken(Exception):
    pass


def broken(*_):
    raise Broken("by this test")


class TestAPlanThatFails:
    @pytest.fixture
    def raising(self, monkeypatch):
        """A conversion that DRF does not make, and that raises."""
        monkeypatch.setitem(
            convert.KINDS, serializers.SlugField, lambda *_: convert.constant("broken", broken)
        )
        return serializer(Person, "id", "slug")

    def test_is_read_by_drf(self, raising, failures):
        drf = by_drf(Person.objects.all(), raising, {})
        plan = by_plan(Person.objects.all(), raising, {})
        assert plan.body == drf.body
        assert not plan.planned
        assert failures() == 1

    def test_is_told_with_its_traceback(self, raising, caplog):
        read(Person.objects.all(), raising())
        (record,) = caplog.records
        assert "The read plan of PersonSerializer failed" in record.getMessage()
        assert record.exc_info[0] is Broken

    def test_is_counted_by_serializer(self, raising):
        before = counted("readplan_failed", serializer="PersonSerializer")
        read(Person.objects.all(), raising())
        assert counted("readplan_failed", serializer="PersonSerializer") == before + 1


class TestWhatDrfRaisesToo:
    def test_is_the_same_error(self, failures):
        class Choosy(serializers.IntegerField):
            def to_representation(self, value):
                raise Broken(value)

        shown = serializer(Person, "id", age=Choosy(source="pk"))
        for outcome in (by_drf, by_plan):
            assert type(outcome(Person.objects.all(), shown, {}).error) is Broken
        assert failures() == 1

    def test_in_a_method_is_the_same_error(self, failures):
        shown = serializer(
            Person,
            said=serializers.SerializerMethodField(),
            get_said=lambda self, person: person.passport.number,
        )
        for outcome in (by_drf, by_plan):
            error = outcome(Person.objects.all(), shown, {}).error
            assert isinstance(error, ObjectDoesNotExist)
        assert failures() == 1

    def test_where_a_relation_is_missing_is_the_same_error(self):
        shown = serializer(
            Person, boss=serializers.CharField(source="boss.name", read_only=False, required=True)
        )
        errors = [one(Person.objects.all(), shown, {}).error for one in (by_drf, by_plan)]
        assert [type(error) for error in errors] == [AttributeError] * 2


class TestADatabaseThatIsOut:
    def test_is_not_asked_again(self, failures):
        asked = []

        def out(execute, statement, *rest):
            asked.append(statement)
            raise OperationalError("by this test")

        with connection.execute_wrapper(out), pytest.raises(OperationalError):
            read(Person.objects.all(), PersonDetail(context=linking()))
        assert len(asked) == 1
        assert failures() == 0


class TestVerification:
    @pytest.fixture
    def verified(self):
        def verified(outcome):
            return counted("readplan_verified", outcome=outcome)

        before = {outcome: verified(outcome) for outcome in ("same", "different")}
        return lambda: {name: verified(name) - so_far for name, so_far in before.items()}

    @pytest.fixture
    def wrong(self, monkeypatch):
        """A conversion that shows what DRF does not."""
        monkeypatch.setitem(
            convert.KINDS, serializers.SlugField, lambda *_: convert.constant("wrong", str.upper)
        )
        return serializer(Person, "id", "slug")

    def test_counts_what_is_the_same(self, verified):
        with backstay(READPLAN_VERIFY=1.0):
            read(Person.objects.all(), PersonDetail(context=linking()))
        assert verified() == {"same": 1, "different": 0}

    def test_asks_nothing_unless_told_to(self, verified, wrong):
        assert read(Person.objects.all(), wrong())[0]["slug"] == "S0"
        assert verified() == {"same": 0, "different": 0}

    def test_serves_drfs_where_they_differ(self, verified, wrong, caplog):
        with backstay(READPLAN_VERIFY=1.0):
            shown = read(Person.objects.all(), wrong())
        assert shown == wrong(Person.objects.all(), many=True).data
        assert verified() == {"same": 0, "different": 1}
        (record,) = caplog.records
        assert "PersonSerializer shows other bytes than DRF" in record.getMessage()
        assert str(shown[0]["id"]) in record.getMessage()

    def test_is_of_the_share_that_is_set(self, verified, monkeypatch):
        drawn = iter([0.2, 0.3, 0.9])
        monkeypatch.setattr("random.random", lambda: next(drawn))
        with backstay(READPLAN_VERIFY=0.25):
            for _ in range(3):
                read(Person.objects.all(), PersonDetail(context=linking()))
        assert verified() == {"same": 1, "different": 0}


class TestEachFastWay:
    @pytest.mark.parametrize("off", ["READPLAN_RAW_VALUES", "READPLAN_KEEP_SQL"])
    def test_can_be_left_out(self, off, failures):
        expected = by_drf(Person.objects.all(), GreetedPerson, linking()).body
        with backstay(**{off: False}):
            outcome = by_plan(Person.objects.all(), GreetedPerson, linking())
        assert (outcome.body, outcome.planned, failures()) == (expected, True, 0)

    def test_is_taken_where_it_may_be(self, monkeypatch, statements):
        """Or the tests of what happens without would compare a thing with itself."""
        taken = []

        def noted(owner, name):
            function = getattr(owner, name)

            def noting(*args):
                taken.append(name)
                return function(*args)

            monkeypatch.setattr(owner, name, noting)

        noted(internals.KeptByKeys, "of")
        noted(internals, "structure_of")
        read(Person.objects.all(), PersonDetail(context=linking()))
        assert set(taken) == {"of", "structure_of"}
        as_text = any("::text" in statement for statement in statements)
        assert as_text is (connection.vendor == "postgresql")


def test_a_row_that_is_gone_says_so():
    """A page is read, its rows are deleted, and then somebody asks for an instance."""
    from backstay.readplan.reading import attach

    first, *_ = attach(Person.objects.order_by("pk"), serializer(Person, "id"))
    Person.objects.filter(pk=first.id).delete()
    with pytest.raises(Person.DoesNotExist, match="deleted meanwhile"):
        first.shouted()
