"""Page numbers up to a threshold, a cursor beyond; nothing is counted for each request."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from backstay import tables
from backstay.pagination.counts import RecentSizes, Size, recent
from tests.backstay.pagination.walks import assert_refused, flat, ids, responses, walk
from tests.backstay.testapp.models import Loan

pytestmark = [pytest.mark.django_db, pytest.mark.L3]


@pytest.fixture
def small(lend, analyze):
    loans = lend(*range(12))
    analyze()
    return loans


@pytest.fixture
def large(lend, analyze):
    loans = lend(*range(13))
    analyze()
    return loans


def measuring(captured):
    return [one["sql"] for one in captured if "COUNT(" in one["sql"] or "EXPLAIN" in one["sql"]]


class TestKind:
    def test_a_small_list_has_page_numbers(self, api, small):
        body = api.get("/adaptive/").json()

        assert body["next"] == "http://testserver/adaptive/?page=2"
        assert (body["count"], body["count_is"]) == (12, "exact")

    @pytest.mark.L2
    def test_a_large_list_has_a_cursor(self, api, large):
        body = api.get("/adaptive/").json()

        assert "?cursor=" in body["next"]
        assert body.keys() == {"next", "previous", "results"}
        assert body["previous"] is None

    def test_what_is_large_depends_on_the_filters(self, api, large):
        assert "cursor=" in api.get("/adaptive/").json()["next"]
        Loan.objects.filter(rank__lt=6).update(urgent=True)

        body = api.get("/adaptive/?urgent=true").json()
        assert body["next"] == "http://testserver/adaptive/?page=2&urgent=true"

    @pytest.mark.parametrize("rows", ["small", "large"])
    @pytest.mark.L2
    def test_a_walk_has_every_row_once_and_leads_back(self, api, request, rows):
        loans = [loan.pk for loan in request.getfixturevalue(rows)]
        forward = list(responses(api.get, "/adaptive/"))
        back = walk(api, forward[-1].json()["previous"], "previous")

        assert flat(ids(page) for page in forward) == loans
        assert back == [ids(page) for page in forward[-2::-1]]


class TestStaysOfOneKind:
    def test_a_walk_by_number_goes_on_by_number_when_the_list_has_grown(
        self, api, small, lend, analyze
    ):
        second = api.get("/adaptive/").json()["next"]
        lend(*range(20, 40))
        analyze()
        recent.clear()

        pages = [response.json() for response in responses(api.get, second)]
        assert all("page=" in (page["next"] or "page=") for page in pages)
        assert len(pages) == 6
        assert pages[0]["previous"] == "http://testserver/adaptive/?page=1"
        assert api.get(pages[0]["previous"]).json()["next"].endswith("?page=2")

    @pytest.mark.L2
    def test_a_walk_by_cursor_goes_on_by_cursor_when_the_list_has_shrunk(self, api, large):
        second = api.get("/adaptive/").json()["next"]
        Loan.objects.filter(pk__in=[loan.pk for loan in large[:4]]).delete()
        recent.clear()

        pages = list(responses(api.get, second))
        assert flat(map(ids, pages)) == [loan.pk for loan in large[5:]]
        assert "count" not in pages[0].json()
        assert "cursor=" in pages[0].json()["previous"]

    def test_a_walk_that_begins_anew_is_of_the_other_kind(self, api, small, lend, analyze):
        assert "page=" in api.get("/adaptive/").json()["next"]
        lend(*range(20, 40))
        analyze()
        recent.clear()

        assert "cursor=" in api.get("/adaptive/").json()["next"]

    def test_both_at_once_are_refused(self, api, large):
        link = api.get("/adaptive/").json()["next"]

        assert_refused(api.get(f"{link}&page=2"), "page")


class TestCost:
    def test_what_fits_on_a_page_is_one_query(self, api, lend, django_assert_num_queries):
        lend(*range(5))
        with django_assert_num_queries(1):
            assert api.get("/adaptive/").json()["count"] == 5

    @pytest.mark.parametrize("rows", ["small", "large"])
    def test_the_size_is_asked_for_once_and_not_for_each_request(self, api, request, rows):
        request.getfixturevalue(rows)
        with CaptureQueriesContext(connection) as captured:
            for _ in range(3):
                flat(walk(api, "/adaptive/"))

        assert len([one for one in measuring(captured) if "COUNT(" in one]) <= 1
        assert 1 <= len(measuring(captured)) <= 2
        assert len(captured) == 9 + len(measuring(captured))

    def test_no_more_rows_than_the_threshold_are_counted(self, api, small):
        with CaptureQueriesContext(connection) as captured:
            api.get("/adaptive/")

        (counting,) = (one for one in measuring(captured) if "COUNT(" in one)
        assert "LIMIT 14" in counting

    def test_a_count_from_a_moment_ago_is_told_to_be_one(self, api, small, lend):
        api.get("/adaptive/")
        lend(100)
        body = api.get("/adaptive/").json()

        assert (body["count"], body["count_is"]) == (12, "estimated")

    def test_the_last_page_knows_better(self, api, small, lend):
        api.get("/adaptive/")
        lend(100)
        body = api.get("/adaptive/?page=3").json()

        assert (body["count"], body["count_is"]) == (13, "exact")


class TestRecentSizes:
    def test_are_measured_anew_after_their_lifetime(self, lend, django_assert_num_queries):
        lend(*range(3))
        now = [100.0]
        sizes = RecentSizes(lambda: now[0])
        assert sizes.of(Loan.objects.all(), 10_000) == Size(3)
        lend(4)

        now[0] += 9.9
        with django_assert_num_queries(0):
            assert sizes.of(Loan.objects.order_by("rank"), 10_000) == Size(3, "estimated")
        now[0] += 0.2
        assert sizes.of(Loan.objects.all(), 10_000) == Size(4)

    @pytest.mark.C2
    def test_are_measured_anew_for_an_answer_that_is_kept(self, lend):
        """It lasts until somebody writes, and a size that is old already would last with it."""
        lend(*range(3))
        sizes = RecentSizes()
        sizes.of(Loan.objects.all(), 10_000)
        lend(4)

        with tables.recording() as reads:
            assert sizes.of(Loan.objects.all(), 10_000) == Size(3, "estimated")
            reads.kept = True
            assert sizes.of(Loan.objects.all(), 10_000) == Size(4)
        assert "testapp_loan" in reads.tags
        assert not reads.opaque

    def test_are_of_one_filter_and_its_values(self, lend):
        lend(1, 1, 2)
        sizes = RecentSizes()

        assert [sizes.of(Loan.objects.filter(rank=n), 10_000).rows for n in (1, 2, 3)] == [2, 1, 0]

    def test_where_nothing_can_match_nothing_is_asked(self, django_assert_num_queries):
        with django_assert_num_queries(0):
            assert RecentSizes().of(Loan.objects.none(), 10) == Size(0)

    def test_their_number_is_bounded(self, lend, monkeypatch):
        monkeypatch.setattr(RecentSizes, "MOST", 3)
        sizes = RecentSizes()
        for rank in range(8):
            sizes.of(Loan.objects.filter(rank=rank), 10_000)

        assert len(sizes._kept) <= 3
