"""Whatever the order, the ties and the nulls: a walk has every row that stays exactly once."""

import datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from django.db import models
from django.db.models import Avg, Case, ExpressionWrapper, F, When
from django.db.models.functions import TruncDay
from django.test import RequestFactory
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.request import Request

from backstay.pagination import CursorPagination
from tests.backstay.testapp.models import Book, Loan, Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.L2]

#: Where clocks went from 0 to 1 on the night of the 4th of November 2018.
SAO_PAULO = ZoneInfo("America/Sao_Paulo")
COMPUTED = {
    "late": Case(When(rank__gt=0, then=F("rank")), output_field=models.IntegerField()),
    "mean": Avg("books__pages"),
    # Of which PostgreSQL has more digits than Python is told of.
    "nearly": ExpressionWrapper(
        F("rank") * Decimal("1e-20") + Decimal(1), output_field=models.FloatField()
    ),
    "share": ExpressionWrapper(F("fee") / 3, output_field=models.DecimalField()),
    "day": TruncDay("lent_at", tzinfo=SAO_PAULO),
}
COLUMNS = [
    *("returned_at", "rank", "urgent", "score", "shelf__name", "due_on", "fee", "pk"),
    *COMPUTED,
]
orderings = st.lists(st.sampled_from(COLUMNS), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names))
)
#: Few values of each column, so that most rows tie with others.
rows = st.fixed_dictionaries(
    {
        "rank": st.integers(-1, 1),
        "score": st.sampled_from([-0.5, 0.0]),
        "urgent": st.booleans(),
        "fee": st.sampled_from([Decimal(1), Decimal("1.10")]),
        "lent_at": st.sampled_from(
            [datetime.datetime(2018, 11, 4, hour, tzinfo=datetime.UTC) for hour in (1, 2, 3, 9)]
        ),
        "due_on": st.sampled_from([datetime.date(2026, 1, day) for day in (1, 2)]),
        "returned_at": st.none()
        | st.sampled_from([datetime.datetime(2026, 1, day, tzinfo=datetime.UTC) for day in (1, 2)]),
        "shelf": st.sampled_from("AB"),
        "books": st.sampled_from([(), (0,), (0, 1), (0, 1, 2), (1, 2, 3)]),
    }
)
#: What happens after each page: rows that come, and places among those there are of some that go.
steps = st.lists(
    st.tuples(st.lists(rows, max_size=3), st.lists(st.integers(0, 30), max_size=3)), max_size=12
)
walks = {
    "ordering": orderings,
    "size": st.integers(1, 5),
    "start": st.lists(rows, max_size=14),
    "steps": steps,
    "forward": st.booleans(),
}
SUPPRESSED = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]


@pytest.fixture
def shelves():
    found = {name: Shelf.objects.create(name=name) for name in "AB"}
    Book.objects.bulk_create(
        Book(shelf=found["A"], position=number, pages=pages)
        for number, pages in enumerate((1, 1, 2, 4))
    )
    return found


def create(shelves, values):
    books = list(Book.objects.order_by("position"))
    loans = Loan.objects.bulk_create(
        Loan(**{**row, "shelf": shelves[row["shelf"]]})
        for row in ({name: row[name] for name in row if name != "books"} for row in values)
    )
    lent = Loan.books.through
    lent.objects.bulk_create(
        lent(loan=loan, book=books[place])
        for loan, row in zip(loans, values, strict=True)
        for place in row["books"]
    )
    return [loan.pk for loan in loans]


def page_of(queryset, size, url):
    """The keys on a page, and the links to the pages beside it."""
    paginator = CursorPagination()
    paginator.page_size = size
    found = paginator.paginate_queryset(queryset, Request(RequestFactory().get(url)))
    links = {"next": paginator.get_next_link(), "previous": paginator.get_previous_link()}
    return [loan.pk for loan in found or ()], links


def end_of(queryset, size):
    """The last page and its links."""
    page, links = page_of(queryset, size, "/")
    for _ in range(200):
        if not links["next"]:
            return page, links
        page, links = page_of(queryset, size, links["next"])
    raise AssertionError("the walk does not end")


def follow(shelves, *, ordering, size, start, steps, forward):
    """Walk one way while rows come and go; before they do, look back from each page."""
    Loan.objects.all().delete()
    initial = create(shelves, start)
    computed = {name: COMPUTED[name] for one in ordering if (name := one.lstrip("-")) in COMPUTED}
    queryset = Loan.objects.annotate(**computed).order_by(*ordering)
    ahead, behind = ("next", "previous") if forward else ("previous", "next")
    page, links = page_of(queryset, size, "/") if forward else end_of(queryset, size)

    seen, gone, happenings = list(page), set(), iter(steps)
    while links[ahead]:
        assert len(seen) <= 200, "the walk does not end"
        link = links[ahead]
        _, beyond = page_of(queryset, size, link)
        back, _ = page_of(queryset, size, beyond[behind])
        # The last page may be short, and from the other side a page is as full as it can be.
        assert (back if forward else back[: len(page)]) == page

        coming, going = next(happenings, ([], []))
        create(shelves, coming)
        there = list(Loan.objects.order_by("pk").values_list("pk", flat=True))
        leaving = {there[place] for place in going if place < len(there)}
        Loan.objects.filter(pk__in=leaving).delete()
        gone |= leaving

        page, links = page_of(queryset, size, link)
        seen += page
        if not page:
            break

    staying = set(initial) - gone
    assert sorted(key for key in seen if key in staying) == sorted(staying)
    assert len(seen) == len(set(seen))


@hypothesis_settings(max_examples=60, suppress_health_check=SUPPRESSED)
@given(**walks)
def test_every_row_that_stays_is_seen_exactly_once(shelves, **walk):
    follow(shelves, **walk)


@pytest.mark.long
@hypothesis_settings(max_examples=600, suppress_health_check=SUPPRESSED)
@given(**walks)
def test_at_volume(shelves, **walk):
    follow(shelves, **walk)
