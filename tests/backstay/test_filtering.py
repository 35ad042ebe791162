"""A parameter that is unknown, or cannot be used, is a 400 that says which and why."""

import time
from decimal import Decimal
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.exceptions import ImproperlyConfigured
from django.db import connection
from django.test import override_settings
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from rest_framework import pagination
from rest_framework.filters import BaseFilterBackend
from rest_framework.request import Request
from rest_framework.test import APIClient, APIRequestFactory

from backstay.filtering import (
    MAX_SEARCH_LENGTH,
    MAX_SEARCH_TERMS,
    DjangoFilterBackend,
    OrderingFilter,
    SearchFilter,
)
from tests.backstay.lists_urls import LoanViewSet, MixedTextLoanViewSet
from tests.backstay.testapp.models import Loan, Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.L3]

POSTGRESQL = connection.vendor == "postgresql"


@pytest.fixture
def api():
    with override_settings(ROOT_URLCONF="tests.backstay.lists_urls"):
        yield APIClient(raise_request_exception=False)


@pytest.fixture
def shelf():
    return Shelf.objects.create(name="A")


@pytest.fixture
def loan(shelf):
    return Loan.objects.create(shelf=shelf, reader="Ada Lovelace", fee="5.00", rank=1)


@pytest.fixture
def other(shelf):
    return Loan.objects.create(
        shelf=shelf, reader="Grace Hopper", fee="7.50", rank=2, urgent=True, score=-1
    )


def ids(api, query):
    response = api.get("/loans/", query)
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def refusal(response):
    """The one error of a refused query."""
    assert response.status_code == 400, response.content
    assert response.json()["code"] == "validation_error"
    (error,) = response.json()["errors"]
    return error


def shortened(text):
    return ascii(text[:30])


class TestUnknownParameter:
    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("fee_mn", "fee_min"),
            ("urgnt", "urgent"),
            ("serch", "search"),
            ("order", "ordering"),
            ("page_sise", "page_size"),
            ("curser", "cursor"),
        ],
    )
    def test_is_refused_with_the_nearest_name(self, api, name, nearest):
        error = refusal(api.get("/loans/", {name: "1"}))

        assert error["pointer"] == f"?{name}"
        assert error["code"] == "unknown_parameter"
        assert error["detail"].endswith(f"Did you mean {nearest!r}?")

    def test_far_from_any_is_told_the_known_ones(self, api):
        assert refusal(api.get("/loans/?xyz=1"))["detail"] == (
            "There is no parameter 'xyz'. Known: cursor, fee_min, format, lent_after, "
            "lent_before, ordering, page_size, search, shelf, urgent."
        )

    @pytest.mark.parametrize(
        "name",
        ["fee", "fee__gte", "shelf__name", "shelf__id__in", "pk", "page", "offset", "", "%00"],
    )
    def test_a_column_or_a_lookup_is_no_parameter(self, api, name):
        assert refusal(api.get(f"/loans/?{name}=1"))["code"] == "unknown_parameter"

    def test_is_refused_without_a_value_too(self, api):
        assert refusal(api.get("/loans/?xyz"))["pointer"] == "?xyz"

    @pytest.mark.parametrize("name", ["fee_min", "search", "ordering", "page"])
    def test_what_a_view_does_not_read_is_unknown_to_it(self, api, name):
        assert refusal(api.get("/plain/", {name: "1"}))["pointer"] == f"?{name}"

    @pytest.mark.parametrize("name", ["fee_min", "search", "ordering", "cursor", "page_size"])
    def test_one_object_reads_none(self, api, loan, name):
        assert refusal(api.get(f"/loans/{loan.pk}/", {name: "1"}))["pointer"] == f"?{name}"

    @pytest.mark.parametrize("path", ["/only-filtered/", "/only-searched/", "/only-ordered/"])
    def test_one_backend_is_enough_to_refuse_it(self, api, path):
        assert refusal(api.get(f"{path}?xyz=1"))["pointer"] == "?xyz"

    def test_the_format_is_known_everywhere(self, api, loan):
        for path in ("/loans/", "/plain/", f"/loans/{loan.pk}/"):
            assert api.get(f"{path}?format=json").status_code == 200

    def test_head_is_refused_as_get_is(self, api):
        assert api.head("/loans/?xyz=1").status_code == 400


class TestFilters:
    def test_narrow_the_list(self, api, loan, other):
        assert ids(api, {}) == [loan.pk, other.pk]
        assert ids(api, {"fee_min": "5.01"}) == [other.pk]
        assert ids(api, {"urgent": "true"}) == [other.pk]
        assert ids(api, {"urgent": "false"}) == [loan.pk]
        assert ids(api, {"fee_min": "5", "urgent": "false"}) == [loan.pk]

    @pytest.mark.parametrize("name", ["fee_min", "urgent", "lent_after", "search", "ordering"])
    def test_an_empty_value_narrows_nothing(self, api, loan, name):
        assert ids(api, {name: ""}) == [loan.pk]

    @pytest.mark.parametrize("text", ["1", "0", "True", "yes", "null", "on", "\x00", "truee"])
    def test_a_flag_is_true_or_false(self, api, text):
        assert refusal(api.get("/loans/", {"urgent": text}))["pointer"] == "?urgent"

    @pytest.mark.E1
    def test_a_text_with_nul_is_refused(self, api):
        assert refusal(api.get("/loans/?shelf=a%00"))["pointer"] == "?shelf"

    def test_every_bad_value_is_told_at_once(self, api):
        response = api.get("/loans/?urgent=maybe&fee_min=cheap")

        assert response.status_code == 400
        assert {error["pointer"] for error in response.json()["errors"]} == {"?urgent", "?fee_min"}


@pytest.mark.E1
class TestMoneyFilter:
    @pytest.mark.parametrize("text", ["0", "5", "5.0", "5.00", "-3", "999999999999.99", "-0"])
    def test_takes_amounts(self, api, text):
        assert api.get("/loans/", {"fee_min": text}).status_code == 200

    @pytest.mark.parametrize(
        "text",
        [
            *["NaN", "sNaN", "-NaN", "nan", "Infinity", "-Infinity", "inf"],
            *["1e999999", "-1e999999", "1e-999999", "1e400", "1e99999999999999999999"],
            *["9999999999999.99", "5.001", "5,00", "0x10", "abc", "5€", "\x00", "5\x00"],
            *["9" * 5_000, "1" * 100_000, f"0.{'0' * 1_000}1"],
        ],
        ids=shortened,
    )
    def test_refuses_what_is_no_amount(self, api, text):
        assert refusal(api.get("/loans/", {"fee_min": text}))["pointer"] == "?fee_min"

    def test_compares_exactly(self, api, loan):
        Loan.objects.filter(pk=loan.pk).update(fee=Decimal("0.30"))

        assert ids(api, {"fee_min": "0.30"}) == [loan.pk]
        assert ids(api, {"fee_min": "0.31"}) == []


@pytest.mark.E1
class TestInstantFilter:
    @pytest.mark.parametrize(
        "text",
        [
            "2026-01-01T00:00:00Z",
            "2026-01-01T02:00:00+02:00",
            "2025-12-31T19:00:00-05:00",
            "2026-01-01T00:00:00.000Z",
            "2026-01-01T00:00:00",
        ],
    )
    def test_takes_an_instant_in_any_offset(self, api, loan, text):
        """The loan was lent at midnight UTC: not before it, and not after it."""
        assert ids(api, {"lent_after": text}) == [loan.pk]
        assert ids(api, {"lent_before": text}) == []

    @pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York", "Pacific/Kiritimati"])
    def test_without_an_offset_it_is_utc_wherever_the_server_stands(self, api, loan, zone):
        with override_settings(TIME_ZONE=zone):
            assert ids(api, {"lent_after": "2026-01-01T00:00:00"}) == [loan.pk]
            assert ids(api, {"lent_after": "2026-01-01T00:00:01"}) == []

    def test_an_hour_that_a_zone_skips_is_one_in_utc(self, api):
        with override_settings(TIME_ZONE="Europe/Berlin"):
            assert api.get("/loans/?lent_after=2026-03-29T02:30:00").status_code == 200

    @pytest.mark.parametrize(
        "text", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59+23:59"]
    )
    def test_takes_the_first_and_the_last_instant(self, api, loan, text):
        assert api.get("/loans/", {"lent_after": text}).status_code == 200
        assert api.get("/loans/", {"lent_before": text}).status_code == 200

    @pytest.mark.parametrize(
        "text",
        [
            "9999-12-31T23:59:59-23:59",
            "0001-01-01T00:00:00+23:59",
            "0000-01-01T00:00:00Z",
            "10000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "2026-02-30T00:00:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01T00:00:00+99:99",
            "yesterday",
            "1767225600",
            "NaN",
            "2026-01-01T00:00:00Z\x00",
            "\x00",
            "2" * 100_000,
        ],
        ids=shortened,
    )
    def test_refuses_what_is_no_instant(self, api, loan, text):
        assert refusal(api.get("/loans/", {"lent_after": text}))["pointer"] == "?lent_after"


class TestSearch:
    def test_finds_all_terms_in_any_case(self, api, loan, other):
        assert ids(api, {"search": "LOVELACE ada"}) == [loan.pk]
        assert ids(api, {"search": "ada hopper"}) == []

    @pytest.mark.parametrize("text", ["%", "_", "\\", "' OR 1=1 --", "(", "[a-z]", "😀"])
    def test_signs_stand_for_themselves(self, api, loan, text):
        assert ids(api, {"search": text}) == []

    def test_a_quoted_phrase_is_one_term(self, api, loan, other):
        assert ids(api, {"search": '"a love"'}) == [loan.pk]
        assert ids(api, {"search": '"lovelace ada"'}) == []

    def test_takes_up_to_the_bounds(self, api, loan):
        assert ids(api, {"search": " ".join("a" * MAX_SEARCH_TERMS)}) == [loan.pk]
        assert ids(api, {"search": "x" * MAX_SEARCH_LENGTH}) == []

    @pytest.mark.parametrize(
        "text",
        [
            " ".join("a" * (MAX_SEARCH_TERMS + 1)),
            ",".join("a" * (MAX_SEARCH_TERMS + 1)),
            "x" * (MAX_SEARCH_LENGTH + 1),
            "a " * 3_000,
            "a\x00",
        ],
        ids=["terms", "terms by comma", "length", "3,000 terms", "NUL"],
    )
    def test_beyond_the_bounds_is_refused_at_once(self, api, text):
        began = time.perf_counter()

        assert refusal(api.get("/loans/", {"search": text}))["pointer"] == "?search"
        assert time.perf_counter() - began < 1


class TestFullText:
    """``@``: PostgreSQL searches words, another database what it searches otherwise."""

    @pytest.fixture
    def found(self, api):
        def search(text, path="/full-text/"):
            response = api.get(path, {"search": text})
            assert response.status_code == 200, response.content
            return [row["id"] for row in response.json()["results"]]

        return search

    def test_finds_words_of_all_columns_together(self, found, loan, other):
        assert found("LOVELACE ada") == [loan.pk]
        assert found("hopper a") == [other.pk]
        assert found("ada hopper") == []
        assert found("") == found(" ") == [loan.pk, other.pk]

    @pytest.mark.skipif(not POSTGRESQL, reason="PostgreSQL's full text")
    def test_a_part_of_a_word_is_none(self, found, loan):
        assert found("love") == []

    @pytest.mark.skipif(POSTGRESQL, reason="databases without a full text")
    def test_elsewhere_a_term_is_found_anywhere(self, found, loan):
        assert found("love") == [loan.pk]

    @pytest.mark.skipif(not POSTGRESQL, reason="PostgreSQL's full text")
    def test_takes_the_syntax_of_the_web(self, found, loan, other):
        assert found("ada or grace") == [loan.pk, other.pk]
        assert found("a -ada") == [other.pk]
        assert found('"ada lovelace"') == [loan.pk]
        assert found('"lovelace ada"') == []

    @pytest.mark.skipif(not POSTGRESQL, reason="PostgreSQL's full text")
    def test_knows_the_words_of_the_configured_language(self, found, shelf):
        loan = Loan.objects.create(shelf=shelf, reader="the running readers")

        assert found("a reader who runs", "/english/") == [loan.pk]
        assert found("a reader who runs") == []

    @pytest.mark.skipif(not POSTGRESQL, reason="PostgreSQL's full text")
    def test_an_index_of_the_vector_serves_it(self, api, shelf):
        # It needs PostgreSQL's driver, which whoever runs on SQLite alone does not have.
        from django.contrib.postgres.indexes import GinIndex
        from django.contrib.postgres.search import SearchVector

        index = GinIndex(SearchVector("reader", config="english"), name="loan_words")
        with connection.schema_editor() as editor:
            editor.add_index(Loan, index)
        Loan.objects.bulk_create(Loan(shelf=shelf, reader=f"reader {n}") for n in range(2_000))
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE testapp_loan")
        with CaptureQueriesContext(connection) as captured:
            assert len(api.get("/english/", {"search": "1234"}).json()["results"]) == 1
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN {captured[0]['sql']}")
            plan = " ".join(line for (line,) in cursor.fetchall())

        assert "Bitmap Index Scan on loan_words" in plan

    @pytest.mark.parametrize(
        "text", ["&", "a & | b", "!", "(", ":*", "'", "\\", "a:b", "<->", '"', "-", "😀", "%"]
    )
    def test_no_text_is_a_mistake(self, found, loan, text):
        found(text)

    @pytest.mark.parametrize("text", ["a " * 11, "x" * 201, "a " * 3_000, "a\x00"], ids=shortened)
    def test_is_bounded_as_every_search_is(self, api, text):
        assert refusal(api.get("/full-text/", {"search": text}))["pointer"] == "?search"

    def test_some_columns_of_a_full_text_and_some_not_are_refused(self, loan):
        view = MixedTextLoanViewSet()
        request = Request(APIRequestFactory().get("/?search=ada"))
        with pytest.raises(ImproperlyConfigured, match="all, or none"):
            SearchFilter().filter_queryset(request, Loan.objects.all(), view)


class TestOrdering:
    def test_orders_by_the_listed_fields(self, api, loan, other):
        assert ids(api, {"ordering": "-rank"}) == [other.pk, loan.pk]
        assert ids(api, {"ordering": "score,rank"}) == [other.pk, loan.pk]

    @pytest.mark.parametrize(
        "text",
        ["fee", "shelf", "-", "--rank", "?", "owner__password", "rank__x", "pk", "RANK", "\x00"],
    )
    def test_over_anything_else_is_refused(self, api, text):
        assert refusal(api.get("/loans/", {"ordering": text}))["pointer"] == "?ordering"

    def test_one_bad_field_among_good_ones_is_refused(self, api):
        error = refusal(api.get("/loans/?ordering=rank,scor"))

        assert error["detail"] == "There is no ordering 'scor'. Did you mean 'score'?"

    @pytest.mark.parametrize(
        "text", ["rank,rank", "rank,-rank", ",".join(["rank"] * 3_000)], ids=shortened
    )
    def test_a_field_twice_is_refused(self, api, text):
        """Each would be one more column of every comparison."""
        assert refusal(api.get("/loans/", {"ordering": text}))["pointer"] == "?ordering"

    def test_blanks_and_empty_parts_do_not_matter(self, api, loan, other):
        assert ids(api, {"ordering": " -rank , , score,"}) == [other.pk, loan.pk]


@pytest.mark.E1
class TestAnyQuery:
    @hypothesis_settings(
        max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        path=st.sampled_from(["/loans/", "/numbered/", "/plain/"]),
        query=st.dictionaries(
            st.sampled_from(
                [
                    *["fee_min", "lent_after", "urgent", "shelf", "search", "ordering"],
                    *["cursor", "page", "page_size", "format", "xyz"],
                ]
            ),
            st.text(max_size=20) | st.from_regex(r"[-0-9T:Z+.e]{1,12}"),
            max_size=3,
        ),
    )
    def test_is_answered_or_refused_and_never_fails(self, api, loan, path, query):
        assert api.get(path, query).status_code in {200, 400, 404}


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("fee_mn=1", "?fee_mn: There is no parameter 'fee_mn'. Did you mean 'fee_min'?"),
        ("fee_min=x&urgent=y", "?fee_min: Enter a number. ?urgent: Select a valid choice."),
        ("page_size=0", "?page_size: Expected a whole number from 1 on."),
    ],
)
def test_what_is_wrong_is_said_where_drfs_own_handler_answers(query, said):
    settings = {"EXCEPTION_HANDLER": "rest_framework.views.exception_handler"}
    with override_settings(REST_FRAMEWORK={**django_settings.REST_FRAMEWORK, **settings}):
        response = LoanViewSet.as_view({"get": "list"})(APIRequestFactory().get(f"/?{query}"))
    assert response.status_code == 400
    assert list(response.data) == ["detail"]
    assert response.data["detail"].startswith(said)


class TestBesideOthers:
    """A project that takes the filters alone keeps its paginator, and its other filters."""

    class Nearby(BaseFilterBackend):
        def filter_queryset(self, request, queryset, view):
            return queryset.filter(rank=request.query_params.get("near", 1))

        def get_schema_operation_parameters(self, view):
            return [{"name": "near", "in": "query", "schema": {"type": "integer"}}]

    def ask(self, url, paginator):
        attributes = {
            "pagination_class": type("Project", (paginator,), {"page_size": 1, "default_limit": 1}),
            "filter_backends": (self.Nearby, DjangoFilterBackend, OrderingFilter),
            "ordering": ("rank",),
        }
        listing: Any = type("Listing", (LoanViewSet,), attributes)
        return listing.as_view({"get": "list"})(APIRequestFactory().get(url)).render()

    @pytest.mark.parametrize(
        ("paginator", "query"),
        [
            (pagination.PageNumberPagination, "page=1"),
            (pagination.LimitOffsetPagination, "limit=1&offset=0"),
            (pagination.CursorPagination, "cursor=cD0w"),
        ],
    )
    def test_their_parameters_are_known(self, loan, other, paginator, query):
        response = self.ask(f"/?near=2&{query}", paginator)
        assert [row["rank"] for row in response.data["results"]] == [2]
        assert "Did you mean 'near'?" in str(self.ask("/?nearr=2", paginator).data["errors"])
