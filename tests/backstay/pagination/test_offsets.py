"""Pages by number and by offset: what is counted, what is said of it, and how rows are found."""

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.db.models import BooleanField, Count, ExpressionWrapper, Q, Window
from django.db.models.functions import RowNumber
from django.test.utils import CaptureQueriesContext
from rest_framework import viewsets
from rest_framework.pagination import PageNumberPagination
from rest_framework.permissions import AllowAny
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.test import APIRequestFactory

from backstay.pagination import CursorPagination, PagePagination, counts, offsets
from backstay.pagination.counts import planned_rows
from backstay.readplan import ReadPlanMixin, reading
from tests.backstay.lists_urls import FivePerPage, LoanSerializer
from tests.backstay.pagination.walks import assert_refused, flat, ids, walk
from tests.backstay.testapp.models import Book, Loan

pytestmark = [pytest.mark.django_db, pytest.mark.L3]

POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def said(api):
    """What a list says of its size: the count, and how it is meant."""

    def ask(url):
        body = api.get(url).json()
        return body.get("count"), body.get("count_is")

    return ask


def counted(captured):
    return [query["sql"] for query in captured if "COUNT(" in query["sql"].upper()]


class TestCapped:
    @pytest.mark.parametrize("rows", [0, 1, 5, 9, 10])
    def test_up_to_the_cap_it_is_exact(self, said, lend, rows):
        lend(*range(rows))

        assert said("/capped/") == (rows, "exact")

    def test_beyond_it_is_a_least(self, said, lend):
        lend(*range(30))

        assert said("/capped/") == (10, "at_least")

    def test_a_page_beyond_it_knows_of_its_own_rows(self, said, lend):
        lend(*range(30))

        assert said("/capped/?page=4") == (21, "at_least")

    def test_the_last_page_knows_them_all(self, said, lend):
        lend(*range(28))

        assert said("/capped/?page=6") == (28, "exact")

    def test_no_more_than_the_cap_is_counted(self, api, lend):
        lend(*range(30))
        with CaptureQueriesContext(connection) as captured:
            api.get("/capped/")

        (counting,) = counted(captured)
        assert "LIMIT 11" in counting
        assert "ORDER BY" not in counting

    def test_the_walk_goes_on_beyond_it(self, api, lend):
        loans = lend(*range(28))

        assert flat(walk(api, "/capped/")) == [loan.pk for loan in loans]


class TestEstimated:
    def test_a_large_table_is_guessed_by_postgresql_and_counted_elsewhere(
        self, api, said, lend, analyze
    ):
        lend(*range(300))
        analyze()
        with CaptureQueriesContext(connection) as captured:
            count, certainty = said("/guessed/")

        assert certainty == ("estimated" if POSTGRESQL else "exact")
        assert 250 <= count <= 350
        assert bool(counted(captured)) is not POSTGRESQL

    def test_a_small_one_is_counted(self, said, lend, analyze):
        lend(*range(8))
        analyze()

        assert said("/guessed/") == (8, "exact")

    def test_where_the_guess_was_too_small_counting_ends_at_the_cap(self, said, lend, monkeypatch):
        lend(*range(33))
        monkeypatch.setattr(counts, "planned_rows", lambda queryset: 3)

        assert said("/guessed/") == ((10, "at_least") if POSTGRESQL else (33, "exact"))

    def test_the_last_page_knows_better(self, said, lend, analyze):
        lend(*range(300))
        analyze()
        Loan.objects.filter(rank__gte=42).delete()

        assert said("/guessed/?page=9") == (42, "exact")

    @pytest.mark.skipif(not POSTGRESQL, reason="PostgreSQL's planner")
    def test_filters_are_part_of_the_guess(self, lend, analyze):
        lend(*[0] * 400, *[1] * 100)
        analyze()

        assert 300 <= planned_rows(Loan.objects.filter(rank=0)) <= 500
        assert 50 <= planned_rows(Loan.objects.filter(rank=1).order_by("score")) <= 150

    def test_what_can_match_nothing_is_not_asked_for(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert planned_rows(Loan.objects.filter(pk__in=[])) == 0


class TestUncounted:
    def test_says_nothing_of_the_size_and_asks_nothing(self, api, lend):
        lend(*range(12))
        with CaptureQueriesContext(connection) as captured:
            body = api.get("/uncounted/").json()

        assert body.keys() == {"next", "previous", "results"}
        assert len(captured) == 1
        assert not counted(captured)

    @pytest.mark.parametrize("rows", [0, 1, 5, 6, 10, 12])
    def test_the_links_are_right_all_the_same(self, api, lend, rows):
        loans = lend(*range(rows))
        pages = walk(api, "/uncounted/")

        assert flat(pages) == [loan.pk for loan in loans]
        assert len(pages) == max(1, -(-rows // 5))

    def test_a_page_past_the_end_is_404(self, api, lend):
        lend(*range(10))

        for number in (3, 10**6, 10**18 - 1):
            assert api.get(f"/uncounted/?page={number}").status_code == 404


class TestExact:
    def test_a_row_that_came_after_the_count_is_on_the_next_page(self, lend, monkeypatch):
        lend(*range(10))
        paginator = FivePerPage()
        count = paginator.measure
        monkeypatch.setattr(paginator, "measure", lambda rows: count(rows.filter(rank__lt=5)))
        paginator.paginate_queryset(Loan.objects.all(), request_of("/"))

        assert paginator.get_next_link() is not None
        assert paginator.page.paginator.count == 6
        assert paginator.known.certainty == "at_least"


RANKS = Loan.objects.values("rank").annotate(loans=Count("pk")).order_by("-loans")
DISTINCT = Loan.objects.order_by("rank").values("rank").distinct()


class TestGroups:
    @pytest.mark.parametrize("deep", [1, 1000])
    def test_are_paged_as_such(self, lend, monkeypatch, deep):
        monkeypatch.setattr(offsets, "DEEP", deep)
        lend(*range(7), 3)
        walked = [
            FivePerPage().paginate_queryset(RANKS.all(), request_of(f"/?page={page}"))
            for page in (1, 2)
        ]
        counts = [{"rank": rank, "loans": 1} for rank in (0, 1, 2, 4, 5, 6)]
        assert flat(walked) == [{"rank": 3, "loans": 2}, *counts]

    @pytest.mark.parametrize("deep", [1, 1000])
    def test_distinct_values_stay_distinct(self, lend, monkeypatch, deep):
        monkeypatch.setattr(offsets, "DEEP", deep)
        lend(*range(7), *range(7))
        walked = [
            FivePerPage().paginate_queryset(DISTINCT.all(), request_of(f"/?page={page}"))
            for page in (1, 2)
        ]
        assert flat(walked) == [{"rank": rank} for rank in range(7)]

    @pytest.mark.parametrize("groups", [RANKS, DISTINCT])
    def test_have_no_pages_by_cursor(self, groups):
        with pytest.raises(ImproperlyConfigured, match="Groups"):
            CursorPagination().paginate_queryset(groups.all(), request_of("/"))


class TestDeepPage:
    """From a depth on, keys are looked for first; here from the first row on."""

    @pytest.fixture(autouse=True)
    def _deep(self, monkeypatch):
        monkeypatch.setattr(offsets, "DEEP", 1)

    def test_reads_keys_at_the_offset_and_rows_by_their_keys(self, api, lend):
        lend(*range(12))
        with CaptureQueriesContext(connection) as captured:
            api.get("/uncounted/?page=2")

        (sql,) = (query["sql"] for query in captured)
        assert " IN (SELECT " in sql
        assert sql.index("OFFSET 5") < sql.rindex(")")
        assert sql.count("OFFSET") == 1

    def test_has_the_same_rows(self, api, lend):
        lend(*[3, 1, 2, 1] * 6)
        expected = list(Loan.objects.order_by("rank", "id").values_list("pk", flat=True))

        assert flat(walk(api, "/numbered/")) == expected
        assert flat(walk(api, "/offset/")) == expected
        assert flat(walk(api, "/numbered/?ordering=-rank")) == list(
            Loan.objects.order_by("-rank", "-id").values_list("pk", flat=True)
        )

    def test_a_row_that_a_join_repeats_stays_repeated(self, shelf, lend):
        books = [Book.objects.create(shelf=shelf, position=n, title="b") for n in range(3)]
        for loan in lend(*range(4)):
            loan.books.set(books)
        queryset = Loan.objects.filter(books__title="b")

        found = []
        for number in (1, 2, 3):
            page = FivePerPage().paginate_queryset(queryset, request_of(f"/?page={number}"))
            found += [loan.pk for loan in page or ()]
        assert found == list(queryset.order_by("pk").values_list("pk", flat=True))

    def test_what_is_computed_over_a_window_of_rows_is_over_all_of_them(self, lend):
        lend(*range(12))
        place = Window(RowNumber(), order_by="rank")
        rows = Loan.objects.annotate(place=place)
        page = FivePerPage().paginate_queryset(rows, request_of("/?page=2"))

        assert [loan.place for loan in page or ()] == [6, 7, 8, 9, 10]

    @pytest.mark.parametrize("condition", [Q(pk__in=()), ~Q(pk__in=())])
    def test_may_be_in_the_order_of_a_condition_that_all_rows_meet_or_none(self, lend, condition):
        loans = lend(*range(12))
        holds = ExpressionWrapper(condition, output_field=BooleanField())
        rows = Loan.objects.annotate(holds=holds).order_by("holds", "pk")

        assert FivePerPage().paginate_queryset(rows, request_of("/?page=2")) == loans[5:10]

    @pytest.mark.parametrize("counting", ["exact", "capped", "none"])
    @pytest.mark.L1
    def test_is_read_by_a_plan(self, lend, monkeypatch, counting):
        lend(*range(12))
        kind = type("Deep", (PagePagination,), {"page_size": 5, "counting": counting})
        read = []
        shown = reading.Page.shown

        def seen(page, rows, serializer):
            read.append(len(rows))
            return shown(page, rows, serializer)

        monkeypatch.setattr(reading.Page, "shown", seen)
        view = Planned.as_view({"get": "list"}, pagination_class=kind)
        with CaptureQueriesContext(connection) as captured:
            response = view(APIRequestFactory().get("/?page=2"))

        assert [row["rank"] for row in response.data["results"]] == [5, 6, 7, 8, 9]
        assert read == [5]
        assert len(captured) == (1 if counting == "none" else 2)
        assert " IN (SELECT " in captured[0]["sql"]


class Planned(ReadPlanMixin, viewsets.ReadOnlyModelViewSet):
    queryset = Loan.objects.order_by("rank")
    serializer_class = LoanSerializer
    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    versioning_class = None
    filter_backends = ()


class TestLimitOffset:
    def test_count_and_links(self, api, lend):
        loans = lend(*range(12))
        body = api.get("/offset/?offset=5").json()

        assert body["count"] == 12
        assert [row["id"] for row in body["results"]] == [loan.pk for loan in loans[5:10]]
        assert body["next"] == "http://testserver/offset/?limit=5&offset=10"
        assert body["previous"] == "http://testserver/offset/?limit=5"
        assert list(body) == ["count", "next", "previous", "results"]

    @pytest.mark.parametrize("path", ["/offset/", "/uncounted-offset/"])
    def test_a_walk_has_every_row_once(self, api, lend, path):
        loans = lend(*[7] * 23)

        assert flat(walk(api, path)) == [loan.pk for loan in loans]

    def test_more_than_the_maximum_is_capped(self, api, lend):
        lend(*range(15))

        for text in ("11", "1000000000", "9" * 18):
            assert len(ids(api.get(f"/offset/?limit={text}"))) == 10

    @pytest.mark.parametrize("path", ["/offset/", "/uncounted-offset/"])
    @pytest.mark.parametrize("offset", [12, 10**9, 10**18 - 1])
    def test_past_the_end_is_an_empty_page(self, api, lend, path, offset):
        lend(*range(12))
        body = api.get(f"{path}?offset={offset}").json()

        assert body["results"] == []
        assert body["next"] is None
        assert body.get("count", 12) == 12

    @pytest.mark.E1
    @pytest.mark.parametrize(
        "query",
        [
            *["limit=0", "limit=-1", "limit=abc", "limit=", "limit=1.5", "limit=%00"],
            *["offset=-1", "offset=abc", "offset=", "offset=1e3", "offset=%00"],
            *["limit=9999999999999999999", "offset=9999999999999999999"],
        ],
    )
    def test_what_is_no_whole_number_is_refused(self, api, query):
        assert_refused(api.get(f"/offset/?{query}"), query.partition("=")[0])

    def test_other_parameters_are_unknown(self, api):
        assert_refused(api.get("/offset/?page=2"), "page")


class TestSubclassesOfDrf:
    """What a project wrote for DRF's class goes on with ours in its place."""

    @pytest.mark.parametrize("base", [PageNumberPagination, PagePagination])
    def test_attributes_and_overrides_are_the_same(self, lend, base):
        lend(*range(12))

        class Project(base):  # type: ignore[valid-type, misc]  # Each of the two.
            page_size = 4
            page_query_param = "p"
            page_size_query_param = "size"
            max_page_size = 6

            def get_paginated_response(self, data):
                page = self.page
                return {
                    "pages": page.paginator.num_pages,
                    "total": page.paginator.count,
                    "page": page.number,
                    "more": page.has_next(),
                    "of": [page.start_index(), page.end_index()],
                    "links": [self.get_next_link(), self.get_previous_link()],
                    "rows": data,
                }

        def ask(query):
            paginator = Project()
            queryset = Loan.objects.order_by("rank", "pk")
            rows = paginator.paginate_queryset(queryset, request_of(f"/?{query}"))
            return paginator.get_paginated_response([row.rank for row in rows])

        assert ask("p=2&size=5") == {
            "pages": 3,
            "total": 12,
            "page": 2,
            "more": True,
            "of": [6, 10],
            "links": ["http://testserver/?p=3&size=5", "http://testserver/?size=5"],
            "rows": [5, 6, 7, 8, 9],
        }
        assert ask("size=7")["rows"] == [0, 1, 2, 3, 4, 5]
        assert ask("p=3")["links"] == [None, "http://testserver/?p=2"]


def request_of(url):
    return Request(APIRequestFactory().get(url))
