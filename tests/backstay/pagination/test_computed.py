"""Orders by what the database computes: the place of a row is the database's own value."""

from decimal import Decimal

import pytest
from django.contrib.postgres.fields import ArrayField
from django.db import connection, models
from django.db.models import (
    Avg,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    Subquery,
    Window,
)
from django.db.models.functions import RowNumber
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from rest_framework import serializers
from rest_framework.request import Request

from backstay.pagination import AdaptivePagination, CursorPagination
from backstay.pagination.keyset import keyset
from backstay.readplan.reading import attach
from tests.backstay.readplan.lab.models import Person
from tests.backstay.testapp.models import Book, Loan

pytestmark = [pytest.mark.django_db, pytest.mark.L2]

#: Three of them, of which Python has the same float; in SQLite they are the same.
NEARLY = ExpressionWrapper(
    F("rank") * Decimal("1e-20") + Decimal(1), output_field=models.FloatField()
)


def key_after(ordering):
    """What makes it total."""
    return "-pk" if ordering[-1].startswith("-") else "pk"


def walk_of(queryset, kind=CursorPagination, **attributes):
    """All rows of a walk of two at a time."""
    made = type("Pages", (kind,), {"page_size": 2, **attributes})
    found, url = [], "/"
    for _ in range(20):
        paginator = made()
        found += paginator.paginate_queryset(queryset, Request(RequestFactory().get(url)))
        url = paginator.get_next_link()
        if url is None:
            return found
    raise AssertionError("The walk does not end.")


@pytest.fixture
def loans(lend, shelf):
    """Whose books have 1, 1.333…, 1.5 and 1.333… pages on average, and one without."""
    made = lend(*[1, 2, 0, 2, 1])
    books = [Book.objects.create(shelf=shelf, position=at, pages=at // 2 + 1) for at in range(3)]
    for loan, lent in zip(made, (books[:1], books, books[1:], books), strict=False):
        loan.books.set(lent)
    return made


def places(rows, loans):
    return [[loan.pk for loan in loans].index(row["id"]) for row in rows]


@pytest.mark.parametrize(
    ("kind", "threshold"),
    [(CursorPagination, None), (AdaptivePagination, 1), (AdaptivePagination, 99)],
)
def test_rows_of_values_show_no_more_than_they_were_asked_for(kind, threshold, loans):
    averages = Loan.objects.annotate(mean=Avg("books__pages")).order_by("mean")
    rows = walk_of(averages.values("id", "mean"), kind, threshold=threshold)

    assert places(rows, loans) == [0, 1, 3, 2, 4]
    assert {tuple(row) for row in rows} == {("id", "mean")}


def test_a_walk_that_began_with_a_page_goes_on_from_its_last_row(loans):
    rows = walk_of(
        Loan.objects.annotate(mean=Avg("books__pages")).order_by("-mean"),
        AdaptivePagination,
        threshold=1,
    )

    assert [row.pk for row in rows] == [loans[at].pk for at in (4, 2, 3, 1, 0)]


def test_what_is_computed_for_the_order_alone_will_do(loans):
    rows = walk_of(Loan.objects.alias(nearly=NEARLY).order_by("nearly", "-pk"))

    by_rank = Loan.objects.order_by("rank", "-pk")
    by_key = Loan.objects.order_by("-pk")
    assert rows == list(by_rank if connection.vendor == "postgresql" else by_key)


def test_a_plan_reads_the_place_along(loans):
    class Shown(serializers.ModelSerializer):
        class Meta:
            model = Loan
            fields = ("id",)

    planned = attach(Loan.objects.annotate(nearly=NEARLY).order_by("nearly"), Shown)
    paginator = CursorPagination()
    paginator.page_size = 2
    with CaptureQueriesContext(connection) as captured:
        paginator.paginate_queryset(planned, Request(RequestFactory().get("/")))
        assert paginator.get_next_link()
    assert len(captured) == 1


def test_a_decimal_may_have_more_digits_than_its_column_tells(loans):
    """SQLite keeps them where they were computed by it."""
    Loan.objects.update(fee=Decimal("1.10"))
    for factor in (1.1, 1.1, 1.1):
        Loan.objects.update(fee=F("fee") * factor)
    Loan.objects.filter(pk=loans[2].pk).update(fee=Decimal("0.50"))

    assert walk_of(Loan.objects.order_by("fee")) == [loans[2], *loans[:2], *loans[3:]]


NOBODY = Book.objects.none()
CONDITIONS = [
    *(Q(rank=1), ~Q(rank=1), Q(rank=1) | Q(urgent=True), Q(returned_at=None)),
    *(Q(pk__in=()), ~Q(pk__in=())),
    *(~Exists(Book.objects.filter(loan=OuterRef("pk"))), Exists(NOBODY), ~Exists(NOBODY)),
]


@pytest.mark.parametrize("condition", CONDITIONS)
@pytest.mark.parametrize("ordering", [("holds",), ("-holds",), ("rank", "-holds")])
def test_a_condition_can_order(condition, ordering, loans):
    """Also one that all rows meet, or none."""
    holds = ExpressionWrapper(condition, output_field=models.BooleanField())
    rows = Loan.objects.annotate(holds=holds).order_by(*ordering)

    assert walk_of(rows) == list(rows.order_by(*ordering, key_after(ordering)))


@pytest.mark.parametrize(
    "ordering", [("place",), ("-place",), ("rank", "place"), ("-rank", "place")]
)
def test_what_is_computed_over_a_window_of_rows_is_so_on_each_page(ordering, loans):
    place = Window(RowNumber(), order_by=(F("rank").desc(), F("pk").desc()))
    rows = Loan.objects.annotate(place=place).order_by(*ordering)

    assert [(row.pk, row.place) for row in walk_of(rows)] == [(row.pk, row.place) for row in rows]


def test_the_key_of_another_row_does_not_tell_rows_apart(loans):
    last = Loan.objects.order_by("-pk").values("pk")[:1]

    assert walk_of(Loan.objects.annotate(last=Subquery(last)).order_by("last")) == loans


def test_a_field_that_reads_otherwise_than_it_writes_is_not_asked():
    (shout, _), (name, _) = (keyset(Person.objects.all(), [one]) for one in ("shout", "name"))
    assert (shout.own, name.own) == ("_own_0", None)


class Box(models.Model):
    """Only its field matters: it has no table and no rows."""

    labels = ArrayField(models.TextField())

    class Meta:
        app_label = "testapp"
        managed = False

    def __str__(self):
        return "a box"


def test_nor_is_one_of_several_values():
    labels, _ = keyset(Box._default_manager.all(), ["labels"])
    assert labels.own == "_own_0"
