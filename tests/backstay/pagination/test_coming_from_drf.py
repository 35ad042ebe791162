"""
What a project has written for DRF's paginators goes on with ours in their place.

Each test runs with a subclass of DRF's class and with the same subclass of ours, and expects
the same of both, so that what "the same" means is not ours to say.
"""

from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.paginator import Paginator
from django.db.models.functions import Lower
from django.test import override_settings
from rest_framework import filters, pagination, viewsets
from rest_framework.permissions import AllowAny
from rest_framework.renderers import BrowsableAPIRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIRequestFactory

from backstay import pagination as ours
from backstay.filtering import OrderingFilter
from tests.backstay.testapp.models import Loan, Shelf

pytestmark = [pytest.mark.django_db, pytest.mark.L2]

by_cursor = pytest.mark.parametrize(
    "base", [pagination.CursorPagination, ours.CursorPagination], ids=["drf", "ours"]
)
by_offset = pytest.mark.parametrize(
    "base", [pagination.LimitOffsetPagination, ours.LimitOffsetPagination], ids=["drf", "ours"]
)
by_number = pytest.mark.parametrize(
    "base", [pagination.PageNumberPagination, ours.PagePagination], ids=["drf", "ours"]
)


class Ranks(viewsets.ReadOnlyModelViewSet):
    """Loans, each as its rank, so that a page is easily read."""

    queryset = Loan.objects.order_by("pk")
    authentication_classes = ()
    permission_classes = (AllowAny,)
    renderer_classes = (JSONRenderer,)
    versioning_class = None
    filter_backends = ()

    def get_serializer(self, rows, **kwargs):
        ranks = [row["rank"] if isinstance(row, dict) else row.rank for row in rows]
        return type("Shown", (), {"data": ranks})

    def get_serializer_class(self):
        raise NotImplementedError


def ask(base, url="/", view=(), **attributes):
    """The answer of a list by a subclass of *base* with these attributes."""
    kind = type("Project", (base,), attributes)
    listing: Any = type("Listing", (Ranks,), {"pagination_class": kind, **dict(view)})
    return listing.as_view({"get": "list"})(APIRequestFactory().get(url)).render()


def shown(*args, **kwargs):
    return ask(*args, **kwargs).data["results"]


def request_of(url):
    return Request(APIRequestFactory().get(url))


@by_cursor
class TestCursor:
    @pytest.fixture(autouse=True)
    def _ten(self, lend):
        lend(*range(10))

    def test_its_ordering_goes_before_the_querysets(self, base):
        view = {"queryset": Loan.objects.order_by("pk")}
        assert shown(base, view=view, page_size=3, ordering="-rank") == [9, 8, 7]

    def test_its_ordering_may_be_a_tuple(self, base):
        assert shown(base, page_size=3, ordering=("urgent", "-rank")) == [9, 8, 7]

    @pytest.mark.parametrize("filter_class", [filters.OrderingFilter, OrderingFilter])
    def test_a_filters_choice_goes_before_its_ordering(self, base, filter_class):
        view: dict[str, Any] = {"filter_backends": (filter_class,), "ordering_fields": ("rank",)}
        asked = shown(base, "/?ordering=-rank", view, page_size=3, ordering="rank")
        assert asked == [9, 8, 7]
        assert shown(base, "/", view, page_size=3, ordering="rank") == [0, 1, 2]
        view["ordering"] = "-rank"
        assert shown(base, "/", view, page_size=3, ordering="rank") == [9, 8, 7]

    def test_get_ordering_may_be_overridden(self, base):
        def get_ordering(self, request, queryset, view):
            newest = "newest" in request.query_params
            return ("-rank",) if newest else base.get_ordering(self, request, queryset, view)

        own = {"page_size": 3, "ordering": "rank", "get_ordering": get_ordering}
        assert shown(base, "/?newest=1", **own) == [9, 8, 7]
        assert shown(base, "/", **own) == [0, 1, 2]
        following = ask(base, "/?newest=1", **own).data["next"]
        assert shown(base, following, **own) == [6, 5, 4]

    def test_its_parameters_may_be_named(self, base):
        own = {"cursor_query_param": "after", "page_size_query_param": "n", "page_size": 3}
        answer = ask(base, "/?n=4", ordering="rank", **own)
        assert set(parse_qs(urlsplit(answer.data["next"]).query)) == {"after", "n"}
        assert shown(base, answer.data["next"], ordering="rank", **own) == [4, 5, 6, 7]

    def test_a_size_is_only_asked_where_a_parameter_is_named(self, base):
        own = {"page_size": 3, "page_size_query_param": None, "ordering": "rank"}
        assert shown(base, "/?page_size=5", **own) == [0, 1, 2]

    def test_a_size_is_capped(self, base):
        own = {"page_size": 3, "page_size_query_param": "n", "max_page_size": 4}
        assert shown(base, "/?n=9", ordering="rank", **own) == [0, 1, 2, 3]

    def test_no_size_is_no_pages(self, base):
        answer = ask(base, ordering="rank", get_page_size=lambda self, request: None)
        assert len(answer.data) == 10

    def test_a_body_may_show_what_the_page_is(self, base):
        def body(self, rows):
            links = [self.get_previous_link() is None, self.get_next_link() is None]
            more = [self.has_previous, self.has_next]
            at = [self.cursor is None, self.base_url, [loan.rank for loan in self.page]]
            return Response([self.page_size, *links, *more, *at, rows])

        own = {"page_size": 3, "page_size_query_param": "n", "ordering": "rank"}
        answer = ask(base, "/?n=2", get_paginated_response=body, **own)
        expected = [2, True, False, False, True, True, "http://testserver/?n=2", [0, 1], [0, 1]]
        assert answer.data == expected

    def test_a_cursor_may_be_shown_without_its_address(self, base):
        def encode_cursor(self, cursor):
            query = urlsplit(base.encode_cursor(self, cursor)).query
            return parse_qs(query)[self.cursor_query_param][0]

        own = {"page_size": 3, "ordering": "rank", "encode_cursor": encode_cursor}
        answer = ask(base, **own)
        assert "http" not in answer.data["next"]
        following = APIRequestFactory().get("/", {"cursor": answer.data["next"]})
        assert shown(base, following.get_full_path(), **own) == [3, 4, 5]

    def test_rows_may_be_dictionaries(self, base):
        view = {"queryset": Loan.objects.values("id", "rank")}
        following = ask(base, view=view, page_size=3, ordering="rank").data["next"]
        assert shown(base, following, view, page_size=3, ordering="rank") == [3, 4, 5]

    def test_the_browsable_page_has_its_controls(self, base):
        view = {"renderer_classes": (BrowsableAPIRenderer,)}
        assert b'class="pager"' in ask(base, view=view, page_size=3, ordering="rank").content
        assert b'class="pager"' not in ask(base, view=view, page_size=30, ordering="rank").content


@by_offset
class TestLimitOffset:
    @pytest.fixture(autouse=True)
    def _ten(self, lend):
        lend(*range(10))

    def test_its_parameters_may_be_named(self, base):
        own = {"default_limit": 3, "limit_query_param": "n", "offset_query_param": "from"}
        answer = ask(base, "/?from=4&n=2", **own)
        assert answer.data == {
            "count": 10,
            "next": "http://testserver/?from=6&n=2",
            "previous": "http://testserver/?from=2&n=2",
            "results": [4, 5],
        }

    def test_a_limit_is_only_asked_where_a_parameter_is_named(self, base):
        assert shown(base, "/?limit=5", default_limit=3, limit_query_param=None) == [0, 1, 2]

    def test_a_limit_is_capped(self, base):
        assert shown(base, "/?limit=9", default_limit=3, max_limit=4) == [0, 1, 2, 3]

    def test_get_count_may_be_overridden(self, base):
        answer = ask(base, default_limit=3, get_count=lambda self, queryset: 1_000)
        assert answer.data["count"] == 1_000

    def test_get_limit_may_be_overridden(self, base):
        assert shown(base, get_limit=lambda self, request: 2) == [0, 1]
        assert len(ask(base, get_limit=lambda self, request: None).data) == 10

    def test_get_offset_may_be_overridden(self, base):
        assert shown(base, default_limit=3, get_offset=lambda self, request: 5) == [5, 6, 7]

    def test_a_body_may_show_what_the_page_is(self, base):
        def body(self, rows):
            return Response([self.count, self.limit, self.offset, self.get_next_link(), rows])

        answer = ask(base, "/?offset=8", default_limit=3, get_paginated_response=body)
        assert answer.data == [10, 3, 8, None, [8, 9]]

    def test_a_list_has_pages_too(self, base):
        paginator = type("Project", (base,), {"default_limit": 2})()
        assert list(paginator.paginate_queryset(["a", "b", "c"], request_of("/?offset=1"))) == [
            "b",
            "c",
        ]
        assert paginator.count == 3


@by_number
class TestPageNumber:
    @pytest.fixture(autouse=True)
    def _ten(self, lend):
        lend(*range(10))

    def test_get_page_number_may_be_overridden(self, base):
        def from_zero(self, request, paginator):
            return int(request.query_params.get("page", 0)) + 1

        assert shown(base, "/?page=1", page_size=3, get_page_number=from_zero) == [3, 4, 5]

    def test_a_paginator_that_knows_its_count_is_asked(self, base):
        class Known(Paginator):
            count = property(lambda self: 1_000)

        answer = ask(base, page_size=3, django_paginator_class=Known)
        assert answer.data["count"] == 1_000

    def test_a_size_is_only_asked_where_a_parameter_is_named(self, base):
        own = {"page_size": 3, "page_size_query_param": None}
        assert shown(base, "/?page_size=5", **own) == [0, 1, 2]

    def test_no_size_is_no_pages(self, base):
        assert len(ask(base, get_page_size=lambda self, request: None).data) == 10

    def test_fewer_rows_than_come_without_asking_are_given_where_asked(self, base):
        own = {"page_size": 200, "page_size_query_param": "n"}
        paginator = type("Project", (base,), own)()
        assert paginator.get_page_size(request_of("/?n=150")) == 150

    def test_a_list_has_pages_too(self, base):
        paginator = type("Project", (base,), {"page_size": 2})()
        assert list(paginator.paginate_queryset(["a", "b", "c"], request_of("/?page=2"))) == ["c"]
        assert paginator.page.paginator.count == 3

    @pytest.mark.parametrize("ordering", ["shelf", Lower("shelf__name").desc(), "books__title"])
    def test_any_order_that_sql_has_will_do(self, base, ordering):
        Loan.objects.filter(rank__lt=5).update(shelf=Shelf.objects.create(name="B"))
        view = {"queryset": Loan.objects.order_by(ordering, "-rank")}
        pages = [shown(base, f"/?page={n}", view, page_size=4) for n in (1, 2, 3)]
        expected = [loan.rank for loan in Loan.objects.order_by(ordering, "-rank")]
        assert [rank for page in pages for rank in page] == expected


class TestDocuments:
    @pytest.mark.parametrize(
        ("base", "name", "size"),
        [
            (ours.CursorPagination, "cursor", "page_size"),
            (ours.LimitOffsetPagination, "offset", "limit"),
            (ours.PagePagination, "page", "page_size"),
        ],
    )
    def test_descriptions_are_the_projects_and_no_parameter_is_without_a_name(
        self, base, name, size
    ):
        own = {f"{name}_query_description": "Ours.", f"{size}_query_description": "How many."}
        found = type("Project", (base,), own)().get_schema_operation_parameters(None)
        assert {one["name"]: one["description"] for one in found} == {
            name: "Ours.",
            size: "How many.",
        }
        unasked = type("Project", (base,), {f"{size}_query_param": None})()
        assert [one["name"] for one in unasked.get_schema_operation_parameters(None)] == [name]

    @pytest.mark.parametrize(
        ("base", "get"),
        [
            (ours.CursorPagination, "get_page_size"),
            (ours.LimitOffsetPagination, "get_limit"),
            (ours.PagePagination, "get_page_size"),
            (ours.AdaptivePagination, "get_page_size"),
        ],
    )
    def test_the_size_is_that_of_the_projects_settings(self, base, get):
        with override_settings(REST_FRAMEWORK={"PAGE_SIZE": 7}):
            assert getattr(base(), get)(request_of("/")) == 7
            sizes = [
                one["schema"].get("default") for one in base().get_schema_operation_parameters(None)
            ]
            assert 7 in sizes
        assert getattr(base(), get)(request_of("/")) == 20


def test_what_is_told_of_a_bad_cursor_may_be_the_projects(lend):
    answer = ask(ours.CursorPagination, "/?cursor=x", ordering="rank", invalid_cursor_message="No.")
    assert answer.status_code == 400
    assert answer.data["errors"][0]["detail"] == "No."


def test_an_order_that_no_cursor_has_is_a_bad_parameter(lend):
    """DRF's first page was in it, and what followed was wrong."""
    view = {"filter_backends": (OrderingFilter,), "ordering_fields": ("rank", "shelf")}
    answer = ask(ours.CursorPagination, "/?ordering=shelf", view, ordering="rank")
    assert answer.status_code == 400
    assert answer.data["errors"][0]["pointer"] == "?ordering"


@pytest.mark.parametrize(
    ("query", "controls"), [("", b"pager"), ("page=2", b"pagination"), ("cursor", b"pager")]
)
def test_an_adaptive_list_has_the_browsable_page_of_its_kind(lend, query, controls):
    lend(*range(20))
    own = {"page_size": 3, "threshold": 10, "ordering": "rank"}
    if query == "cursor":
        query = urlsplit(ask(ours.AdaptivePagination, **own).data["next"]).query
    view = {"renderer_classes": (BrowsableAPIRenderer,)}
    answer = ask(ours.AdaptivePagination, f"/?{query}", view, **own)
    assert answer.status_code == 200
    assert b'class="%b"' % controls in answer.content
