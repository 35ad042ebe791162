"""Pages give every row that stays exactly once, in one order, whatever else happens."""

import datetime
import random
from decimal import Decimal
from itertools import pairwise

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection, models
from django.db.models import Case, F, When
from django.db.models.functions import Lower
from django.test import RequestFactory, override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework.request import Request

from backstay.pagination import MAX_PAGE_SIZE, CursorPagination, keyset
from tests.backstay.pagination.walks import assert_refused, flat, ids, responses, walk
from tests.backstay.readplan.lab.models import Dog, Person
from tests.backstay.testapp.models import Loan, Shelf

pytestmark = pytest.mark.django_db


@pytest.mark.L2
class TestCursorWalk:
    def test_no_rows_are_one_empty_page(self, api):
        assert api.get("/loans/").json() == {"next": None, "previous": None, "results": []}

    @pytest.mark.parametrize("count", [1, 4, 5, 6, 10, 11])
    def test_the_last_page_says_that_it_is(self, api, lend, count):
        lend(*range(count))
        pages = walk(api, "/loans/")

        assert flat(pages) == [loan.pk for loan in Loan.objects.order_by("rank")]
        assert [len(page) for page in pages[:-1]] == [5] * (len(pages) - 1)
        assert 0 < len(pages[-1]) <= 5

    def test_tied_rows_are_told_apart_by_their_key(self, api, lend):
        """DRF's own cursor never left a run of ties longer than a page."""
        lend(*[7] * 33)

        assert flat(walk(api, "/loans/")) == sorted(Loan.objects.values_list("pk", flat=True))

    @pytest.mark.parametrize(
        "ordering", ["rank", "-rank", "rank,-score", "-score,rank", "-lent_at"]
    )
    def test_directions_can_be_mixed(self, api, shelf, ordering):
        for number in range(40):
            Loan.objects.create(shelf=shelf, rank=number % 3, score=number % 4 / 2)
        last = "-pk" if ordering.split(",")[-1].startswith("-") else "pk"
        expected = list(
            Loan.objects.order_by(*ordering.split(","), last).values_list("pk", flat=True)
        )

        assert flat(walk(api, f"/loans/?ordering={ordering}")) == expected

    def test_a_related_column_can_order(self, api, shelf):
        second = Shelf.objects.create(name="0")
        for number in range(12):
            Loan.objects.create(shelf=(shelf, second)[number % 2])
        expected = list(Loan.objects.order_by("shelf__name", "pk").values_list("pk", flat=True))

        assert flat(walk(api, "/loans/?ordering=shelf__name")) == expected

    def test_a_walk_back_is_the_walk_reversed(self, api, lend):
        lend(*[1, 2, 2, 2, 3] * 4)
        forward = list(responses(api.get, "/loans/"))
        back = walk(api, forward[-1].json()["previous"], "previous")

        assert back == [ids(page) for page in forward[-2::-1]]

    def test_the_page_before_the_next_is_this_one(self, api, lend):
        lend(*[1, 2, 2, 2, 3] * 4)
        pages = list(responses(api.get, "/loans/"))

        assert len(pages) == 4
        for page, following in pairwise(pages):
            assert ids(api.get(following.json()["previous"])) == ids(page)

    def test_the_first_page_reached_backwards_has_none_before_it(self, api, lend):
        lend(*range(10))
        second = api.get(api.get("/loans/").json()["next"])
        first = api.get(second.json()["previous"])

        assert first.json()["previous"] is None
        assert first.json()["next"]

    def test_the_page_size_may_change_on_the_way(self, api, lend):
        loans = lend(*range(12))
        link = api.get("/loans/?page_size=3").json()["next"]

        assert ids(api.get(f"{link}&page_size=4")) == [loan.pk for loan in loans[3:7]]


@pytest.mark.L2
class TestCursorWhileRowsComeAndGo:
    @pytest.mark.parametrize("seed", range(5))
    def test_every_row_that_stays_is_seen_exactly_once(self, api, lend, seed):
        chance = random.Random(seed)  # noqa: S311  # Repeatable, not secret.
        staying = {loan.pk for loan in lend(*(chance.randrange(6) for _ in range(30)))}
        passing = [loan.pk for loan in lend(*(chance.randrange(6) for _ in range(30)))]
        seen = []
        for response in responses(api.get, "/loans/"):
            seen += ids(response)
            lend(chance.randrange(6), chance.randrange(6))
            chance.shuffle(passing)
            Loan.objects.filter(pk__in=passing[:3]).delete()
            del passing[:3]

        assert sorted(key for key in seen if key in staying) == sorted(staying)
        assert len(seen) == len(set(seen))

    def test_the_row_at_the_edge_may_go(self, api, lend):
        loans = lend(*range(10))
        link = api.get("/loans/").json()["next"]
        Loan.objects.filter(pk=loans[4].pk).delete()

        assert ids(api.get(link)) == [loan.pk for loan in loans[5:]]

    def test_when_all_later_rows_go_the_page_is_empty_and_leads_back(self, api, lend):
        loans = lend(*range(10))
        link = api.get("/loans/").json()["next"]
        Loan.objects.filter(pk__in=[loan.pk for loan in loans[5:]]).delete()
        empty = api.get(link)

        assert ids(empty) == []
        assert empty.json()["next"] is None
        assert ids(api.get(empty.json()["previous"])) == [loan.pk for loan in loans[:5]]

    def test_when_all_earlier_rows_go_the_page_is_empty_and_leads_on(self, api, lend):
        loans = lend(*range(10))
        second = api.get(api.get("/loans/").json()["next"])
        Loan.objects.filter(pk__in=[loan.pk for loan in loans[:5]]).delete()
        empty = api.get(second.json()["previous"])

        assert ids(empty) == []
        assert empty.json()["previous"] is None
        assert ids(api.get(empty.json()["next"])) == [loan.pk for loan in loans[5:]]


@pytest.mark.L2
class TestCursorIsBound:
    @pytest.fixture
    def cursor(self, api, lend):
        lend(*range(20))
        return api.get("/loans/").json()["next"].rpartition("cursor=")[2]

    def test_it_holds_where_it_was_made(self, api, cursor):
        assert api.get(f"/loans/?cursor={cursor}").status_code == 200

    @pytest.mark.parametrize(
        "url",
        [
            "/others/?cursor={}",
            "/loans/?urgent=false&cursor={}",
            "/loans/?search=reader&cursor={}",
            "/loans/?ordering=-rank&cursor={}",
            "/loans/?ordering=score&cursor={}",
        ],
        ids=["path", "filter", "search", "direction", "ordering"],
    )
    def test_it_is_refused_elsewhere(self, api, cursor, url):
        assert_refused(api.get(url.format(cursor)), "cursor")

    def test_it_is_refused_under_another_secret(self, api, cursor):
        with override_settings(SECRET_KEY="another secret of fifty characters or even a few more"):
            assert_refused(api.get(f"/loans/?cursor={cursor}"), "cursor")

    def test_it_does_not_outlive_a_change_of_the_filters_values(self, api, lend):
        lend(*range(20))
        link = api.get("/loans/?fee_min=0").json()["next"]

        assert api.get(link).status_code == 200
        assert_refused(api.get(link.replace("fee_min=0", "fee_min=1")), "cursor")

    def test_the_order_of_parameters_does_not_matter(self, api, lend):
        lend(*range(20))
        link = api.get("/loans/?fee_min=0&urgent=false").json()["next"]
        cursor = link.rpartition("cursor=")[2].partition("&")[0]

        assert api.get(f"/loans/?cursor={cursor}&urgent=false&fee_min=0").status_code == 200

    @pytest.mark.parametrize(
        "turn",
        [
            lambda cursor: "",
            lambda cursor: cursor[:-1],
            lambda cursor: cursor[1:],
            lambda cursor: cursor[: len(cursor) // 2],
            lambda cursor: cursor + "A",
            lambda cursor: cursor.swapcase(),
            lambda cursor: cursor.partition(":")[2],
            lambda cursor: "%00",
            lambda cursor: f"{cursor}%00",
            lambda cursor: "%ff%fe",
            lambda cursor: "%F0%9F%98%80",
            lambda cursor: "cD0yMDI2LTAxLTAx",
            lambda cursor: ":",
            lambda cursor: "::::",
            lambda cursor: "WyJuIiwxXQ:x",
            lambda cursor: "A" * 100_000,
        ],
    )
    @pytest.mark.E1
    def test_a_forged_or_cut_cursor_is_refused(self, api, cursor, turn):
        assert_refused(api.get(f"/loans/?cursor={turn(cursor)}"), "cursor")

    def test_it_grants_nothing(self, api, cursor):
        """The rows behind it are those of the caller's own queryset."""
        Loan.objects.all().delete()

        assert ids(api.get(f"/loans/?cursor={cursor}")) == []


@pytest.mark.L2
class TestCursorQueries:
    def test_a_page_is_one_query_at_any_depth(self, api, lend):
        lend(*range(60))
        with CaptureQueriesContext(connection) as captured:
            pages = walk(api, "/loans/")

        assert len(captured) == len(pages) == 12
        for query in captured:
            assert "COUNT" not in query["sql"].upper()
            assert "OFFSET" not in query["sql"].upper()

    def test_the_count_does_not_depend_on_the_rows(self, api, lend):
        lend(*range(30))
        for size in (1, 10, 30):
            with CaptureQueriesContext(connection) as captured:
                api.get(f"/loans/?page_size={size}")
            assert len(captured) == 1


ORDERINGS = [
    *["returned_at", "late", "id", "pk", "rank", "score", "fee", "urgent", "due_on", "lent_at"],
    *["lasts", "ticket", "reader", "shelf__name", "shelf__id"],
]
orderings = st.lists(st.sampled_from(ORDERINGS), min_size=1, max_size=4, unique=True).flatmap(
    lambda names: st.tuples(*(st.sampled_from([name, f"-{name}"]) for name in names))
)
rows = st.fixed_dictionaries(
    {
        "reader": st.sampled_from(["", "a", "A", "b", "é", "a b", "😀", "%", "a_"]),
        "rank": st.sampled_from([-(2**31), -1, 0, 1, 2**31 - 1]),
        "score": st.sampled_from([-1e300, -0.1, 0.0, 0.1, 0.30000000000000004, 1e300]),
        "fee": st.sampled_from([Decimal("-1.10"), Decimal(0), Decimal("0.01"), Decimal("9.99")]),
        "urgent": st.booleans(),
        "due_on": st.sampled_from([datetime.date(1, 1, 1), datetime.date(9999, 12, 31)]),
        "lent_at": st.sampled_from(
            [
                datetime.datetime(1, 1, 2, tzinfo=datetime.UTC),
                datetime.datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=datetime.UTC),
                datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
                datetime.datetime(9999, 12, 30, tzinfo=datetime.UTC),
            ]
        ),
        "returned_at": st.sampled_from(
            [None, datetime.datetime(2026, 1, 1, 0, 0, 0, 1, tzinfo=datetime.UTC)]
        ),
        "lasts": st.sampled_from(
            [datetime.timedelta(days=-1, microseconds=1), datetime.timedelta(microseconds=1)]
        ),
    }
)


def nulls_largest(name):
    path = name.removeprefix("-")
    return F(path).desc(nulls_first=True) if path != name else F(path).asc(nulls_last=True)


class PagesOfThree(CursorPagination):
    page_size = 3


def page_of(queryset, url):
    """One page of *queryset*, without a view."""
    paginator = PagesOfThree()
    found = paginator.paginate_queryset(queryset, Request(RequestFactory().get(url)))
    return [loan.pk for loan in found or ()], paginator


def walk_of(queryset, url="/", direction="next"):
    """The pages of *queryset* from *url* on, and the paginator of the last."""
    pages: list[list[int]] = []
    for _ in range(20):
        page, paginator = page_of(queryset, url)
        pages.append(page)
        url = getattr(paginator, f"get_{direction}_link")()
        if url is None:
            return pages, paginator
    raise AssertionError("The walk does not end.")


@pytest.mark.L2
class TestAnyOrdering:
    @hypothesis_settings(
        max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(ordering=orderings, values=st.lists(rows, max_size=12))
    def test_both_walks_give_the_rows_in_the_databases_own_order(self, shelf, ordering, values):
        Loan.objects.all().delete()
        Loan.objects.bulk_create(Loan(shelf=shelf, **row) for row in values)
        # Null in some rows, and unknown to the model.
        late = Case(When(rank__gt=0, then=F("rank")), output_field=models.IntegerField())
        loans = Loan.objects.annotate(late=late)
        total = (*ordering, "-pk" if ordering[-1].startswith("-") else "pk")
        expected = list(loans.order_by(*map(nulls_largest, total)).values_list("pk", flat=True))

        pages, last = walk_of(loans.order_by(*ordering))
        assert flat(pages) == expected

        if len(pages) > 1:
            url = last.get_previous_link()
            back, _ = walk_of(loans.order_by(*ordering), url, "previous")
            assert back == pages[-2::-1]

    def test_a_reversed_queryset_is_walked_in_its_own_order(self, lend):
        lend(1, 1, 1, 2, 2, 3, 3, 3, 3)
        queryset = Loan.objects.order_by("rank", "pk").reverse()

        assert flat(walk_of(queryset)[0]) == list(queryset.values_list("pk", flat=True))


class Node(models.Model):
    """Only its fields matter: it has no table and no rows."""

    parent = models.ForeignKey("self", on_delete=models.CASCADE)

    class Meta:
        app_label = "testapp"
        managed = False

    def __str__(self):
        return "a node"


@pytest.mark.L2
class TestKeyset:
    def paths(self, queryset, default=()):
        return [key.order_by for key in keyset(queryset, default)]

    def test_is_made_total_by_the_primary_key(self):
        assert self.paths(Loan.objects.order_by("rank")) == ["rank", "id"]

    def test_the_primary_key_goes_the_way_of_the_last_column(self):
        """So that one index serves both."""
        assert self.paths(Loan.objects.order_by("rank", "-score")) == ["rank", "-score", "-id"]

    @pytest.mark.parametrize("name", ["pk", "id", "-id"])
    def test_is_total_with_the_primary_key_in_it(self, name):
        assert self.paths(Loan.objects.order_by(name)) == [name]

    def test_the_key_of_a_related_row_does_not_make_it_total(self):
        assert self.paths(Loan.objects.order_by("shelf__id")) == ["shelf__id", "id"]
        assert self.paths(Node._default_manager.order_by("parent__id")) == ["parent__id", "id"]

    def test_the_querysets_ordering_goes_before_the_default(self):
        assert self.paths(Loan.objects.order_by("rank"), ["score"]) == ["rank", "id"]
        assert self.paths(Loan.objects.all(), ["score"]) == ["score", "id"]
        assert self.paths(Loan.objects.all()) == ["id"]

    @pytest.mark.parametrize(
        "name",
        ["shelf", "shelf__nothing", "nothing", "?", "rank__x", "books", "books__title"],
    )
    def test_refuses_what_is_no_column(self, name):
        with pytest.raises(ImproperlyConfigured, match="cannot be paged"):
            keyset(Loan.objects.all(), [name])

    def test_refuses_expressions(self):
        with pytest.raises(ImproperlyConfigured, match="cannot be paged"):
            keyset(Loan.objects.order_by(Lower("reader")), ())

    def test_refuses_rows_that_are_distinct_by_some_columns(self):
        """Beyond a place there are others of them."""
        with pytest.raises(ImproperlyConfigured, match="distinct"):
            keyset(Loan.objects.order_by("rank").distinct("rank"), ())

    def test_takes_an_expression_of_one_column(self):
        assert self.paths(Loan.objects.order_by(models.F("rank").desc())) == ["-rank", "-id"]

    def test_takes_a_foreign_key_by_its_column(self):
        assert self.paths(Loan.objects.order_by("shelf_id")) == ["shelf_id", "id"]

    def test_a_foreign_key_may_be_null(self):
        (home, _) = keyset(Person.objects.all(), ["home_id"])
        assert home.nullable

    def test_the_primary_key_may_be_a_relation(self):
        assert self.paths(Dog.objects.order_by("-pk")) == ["-pk"]


@pytest.mark.L2
class TestCondition:
    """What is asked for the rows beyond a place."""

    @staticmethod
    def sql(queryset):
        _, paginator = page_of(queryset, "/")
        with CaptureQueriesContext(connection) as captured:
            page_of(queryset, paginator.get_next_link())
        return captured[0]["sql"]

    @pytest.fixture(autouse=True)
    def _more_than_a_page(self, lend):
        lend(*range(4))

    def test_one_direction_is_one_comparison_of_rows(self):
        assert '("testapp_loan"."rank", "testapp_loan"."id") < (' in self.sql(
            Loan.objects.order_by("-rank", "-id")
        )

    def test_mixed_directions_are_branches_with_a_bound_for_the_first(self):
        sql = self.sql(Loan.objects.order_by("-rank", "score"))
        assert " OR " in sql
        assert '("testapp_loan"."rank") < (' in sql

    def test_nulls_are_asked_for_only_where_there_may_be_some(self):
        assert "IS NULL" not in self.sql(Loan.objects.order_by("rank"))
        assert "IS NULL" in self.sql(Loan.objects.order_by("returned_at"))


@pytest.mark.L3
class TestPageSize:
    @pytest.mark.parametrize("path", ["/loans/", "/numbered/"])
    @pytest.mark.parametrize(
        "text",
        [
            *["0", "-1", "1.5", "1e2", "abc", "0x10", "1_0", "null", "true", ""],
            *["%2B1", "%201", "1%20", "%00", "%D9%A1", "9" * 19, "9" * 5_000],
        ],
        ids=lambda text: text[:20],
    )
    def test_what_is_no_whole_number_above_zero_is_refused(self, api, path, text):
        assert_refused(api.get(f"{path}?page_size={text}"), "page_size")

    @pytest.mark.parametrize("path", ["/loans/", "/numbered/"])
    def test_more_than_the_maximum_is_capped(self, api, lend, path):
        lend(*range(MAX_PAGE_SIZE + 5))

        for text in ("101", "1000", "9" * 18):
            assert len(ids(api.get(f"{path}?page_size={text}"))) == MAX_PAGE_SIZE

    @pytest.mark.parametrize("path", ["/loans/", "/numbered/"])
    def test_up_to_the_maximum_is_given(self, api, lend, path):
        lend(*range(MAX_PAGE_SIZE + 5))

        for size in (1, 7, 99, 100):
            assert len(ids(api.get(f"{path}?page_size={size}"))) == size
        assert len(ids(api.get(path))) == 5


@pytest.mark.L3
class TestPageNumbers:
    def test_count_and_links(self, api, lend):
        loans = lend(*range(12))
        body = api.get("/numbered/?page=2").json()

        assert body["count"] == 12
        assert [row["id"] for row in body["results"]] == [loan.pk for loan in loans[5:10]]
        assert body["next"] == "http://testserver/numbered/?page=3"
        assert body["previous"] == "http://testserver/numbered/"

    def test_tied_rows_are_on_one_page_each(self, api, lend):
        lend(*[7] * 23)

        assert sorted(flat(walk(api, "/numbered/"))) == sorted(
            Loan.objects.values_list("pk", flat=True)
        )

    @pytest.mark.parametrize("text", ["0", "-1", "abc", "1.5", "last", "", "%00", "9" * 19])
    def test_what_is_no_page_number_is_refused(self, api, text):
        assert_refused(api.get(f"/numbered/?page={text}"), "page")

    def test_a_page_that_is_not_there_is_404(self, api, lend):
        lend(*range(3))

        for text in ("2", "9" * 18):
            assert api.get(f"/numbered/?page={text}").status_code == 404

    def test_no_rows_are_one_empty_page(self, api):
        assert api.get("/numbered/?page=1").json()["results"] == []

    def test_a_page_is_two_queries(self, api, lend):
        lend(*range(30))
        for size in (1, 30):
            with CaptureQueriesContext(connection) as captured:
                api.get(f"/numbered/?page_size={size}")
            assert len(captured) == 2
