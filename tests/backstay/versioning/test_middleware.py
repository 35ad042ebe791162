"""Every answer of a version tells when it ends, and after that there is one answer: 410."""

import pytest
import time_machine
from django.http import Http404
from django.urls import path
from rest_framework import viewsets
from rest_framework.exceptions import APIException
from rest_framework.permissions import AllowAny, IsAuthenticated
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.test import APIClient
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from backstay.caching import CachedResponsesMixin, CachePolicy
from backstay.errors import ServiceUnavailable
from backstay.serializers import ModelSerializer
from backstay.throttling.views import ThrottlesFirstMixin
from backstay.versioning import AnyVersioning, usage
from tests.backstay.testapp.models import Shelf

pytestmark = [pytest.mark.V1, pytest.mark.django_db]

LINK = "https://shop.example/v1-ends"
ENDS = {"v1": {"deprecated": "2027-01-01", "sunset": "2027-07-01", "link": LINK}}
TOLD = {"Deprecation": "@1798761600", "Sunset": "Thu, 01 Jul 2027 00:00:00 GMT"}

FAILURES = {
    "404": Http404(),
    "500": RuntimeError("a mistake"),
    "503": ServiceUnavailable(),
    "odd": APIException("odd"),
}


class View(ThrottlesFirstMixin, APIView):
    permission_classes = (AllowAny,)
    authentication_classes = ()
    throttle_classes = ()
    versioning_class = AnyVersioning

    def get(self, request: Request, **_: object) -> Response:
        return Response(request.version, headers={"Link": '</>; rel="next"'})


class Failing(View):
    def get(self, request: Request, **_: object) -> Response:
        raise FAILURES[request.query_params["with"]]


class Refusing(BaseThrottle):
    def allow_request(self, *_: object) -> bool:
        return False


class ShelfDetail(ModelSerializer):
    class Meta:
        model = Shelf
        fields = ["id", "name"]


class Shelves(CachedResponsesMixin, View, viewsets.ReadOnlyModelViewSet):
    get = None  # type: ignore[assignment]  # A viewset has its own.
    queryset = Shelf.objects.order_by("pk")
    serializer_class = ShelfDetail
    pagination_class = None
    cache = CachePolicy(seconds=86_400, audience="public")


urlpatterns = [
    path("<str:version>/view/", View.as_view()),
    path("<str:version>/failing/", Failing.as_view()),
    path("<str:version>/private/", View.as_view(permission_classes=[IsAuthenticated])),
    path("<str:version>/full/", View.as_view(throttle_classes=[Refusing])),
    path("<str:version>/shelves/", Shelves.as_view({"get": "list"})),
    path("shelves/", Shelves.as_view({"get": "list"})),
    path("accept/", View.as_view()),
    path("none/", View.as_view(versioning_class=None)),
]


@pytest.fixture
def api(settings):
    settings.ROOT_URLCONF = __name__
    settings.BACKSTAY = {
        **settings.BACKSTAY,
        "VERSIONS": ["v1", "v2"],
        "VERSION_POLICIES": ENDS,
    }
    return APIClient(raise_request_exception=False)


@pytest.fixture
def today():
    with time_machine.travel("2026-06-01T00:00Z", tick=False) as clock:
        yield clock


def told(response):
    return {name: response.headers[name] for name in TOLD if name in response.headers}


@pytest.mark.usefixtures("today")
class TestTold:
    @pytest.mark.parametrize(
        ("method", "url", "status"),
        [
            ("get", "/v1/view/", 200),
            ("head", "/v1/view/", 200),
            ("options", "/v1/view/", 200),
            ("post", "/v1/view/", 405),
            ("get", "/v1/failing/?with=404", 404),
            ("get", "/v1/failing/?with=odd", 500),
            ("get", "/v1/failing/?with=500", 500),
            ("get", "/v1/failing/?with=503", 503),
            # Refused before the view knows which version was asked for.
            ("get", "/v1/private/", 403),
            ("get", "/v1/full/", 429),
        ],
    )
    def test_by_every_answer(self, api, method, url, status):
        answer = getattr(api, method)(url)
        assert answer.status_code == status
        assert told(answer) == TOLD

    def test_by_one_to_a_body_that_is_not_read(self, api):
        answer = api.post("/v1/view/", CONTENT_LENGTH=str(10**9))
        assert (answer.status_code, told(answer)) == (413, TOLD)

    def test_by_one_that_accept_has_chosen(self, api):
        answer = api.get("/accept/", headers={"Accept": "*/*; version=1"})
        assert (answer.json(), told(answer)) == ("v1", TOLD)

    def test_beside_the_links_of_the_view(self, api):
        assert api.get("/v1/view/").headers["Link"] == (
            f'</>; rel="next", <{LINK}>; rel="deprecation", <{LINK}>; rel="sunset", '
            '</v2/view/>; rel="successor-version"'
        )

    @pytest.mark.parametrize("url", ["/v2/view/", "/accept/", "/none/", "/v9/view/", "/v1/"])
    def test_by_no_other(self, api, url):
        answer = api.get(url)
        assert told(answer) == {}
        assert "successor" not in answer.headers.get("Link", "")


@pytest.mark.C1
class TestKept:
    def test_answers_tell_the_dates_of_the_day(self, api, today):
        Shelf.objects.create(name="A")
        answers = [api.get("/v1/shelves/") for _ in range(2)]
        etag = answers[1].headers["ETag"]
        answers.append(api.get("/v1/shelves/", headers={"If-None-Match": etag}))
        assert [answer.status_code for answer in answers] == [200, 200, 304]
        assert [told(answer) for answer in answers] == [TOLD] * 3
        assert {answer.headers["Link"].count("successor-version") for answer in answers} == {1}

    @pytest.mark.C4
    @pytest.mark.django_db(transaction=True)
    def test_one_url_has_an_answer_and_a_validator_for_each_version(self, api, today):
        """Also where the two have the same bytes."""
        accepts = [{"Accept": f"application/json; version={number}"} for number in (1, 2)]
        for status in ("fwd=miss; stored", "hit"):
            answers = [api.get("/shelves/", headers=accept) for accept in accepts]
            assert {one.headers["Cache-Status"] for one in answers} == {f"backstay; {status}"}
            assert answers[0].content == answers[1].content
        for accept, own, other in zip(accepts, answers, reversed(answers), strict=True):
            for answer, expected in ((own, 304), (other, 200)):
                condition = {"If-None-Match": answer.headers["ETag"]}
                assert api.get("/shelves/", headers=accept | condition).status_code == expected

    @pytest.mark.django_db(transaction=True)
    def test_a_date_that_changes_is_told_at_once(self, api, settings):
        assert api.get("/v1/shelves/").headers["Cache-Status"] == "backstay; fwd=miss; stored"
        for ends, expected in (
            ({"v1": {"sunset": "2030-01-01"}}, {"Sunset": "Tue, 01 Jan 2030 00:00:00 GMT"}),
            ({}, {}),
            (ENDS, TOLD),
        ):
            settings.BACKSTAY = {**settings.BACKSTAY, "VERSION_POLICIES": ends}
            hit = api.get("/v1/shelves/")
            assert hit.headers["Cache-Status"] == "backstay; hit"
            assert told(hit) == expected

    @pytest.mark.django_db(transaction=True)
    def test_answers_are_not_given_after_the_sunset(self, api, today):
        for _ in range(2):
            assert api.get("/v1/shelves/").status_code == 200
        today.move_to("2027-07-01T00:00Z")
        assert api.get("/v1/shelves/").status_code == 410
        assert api.get("/v1/shelves/", headers={"If-None-Match": "*"}).status_code == 410


class TestUsage:
    def test_of_every_version_is_counted_and_of_none_is_not(self, api, settings):
        settings.BACKSTAY = {**settings.BACKSTAY, "REDIS_URL": None}
        for url in ("/v1/view/", "/v1/private/", "/v2/view/", "/accept/", "/none/", "/v9/view/"):
            api.get(url, headers={"User-Agent": "okhttp/4.12"})
        counts = {(one.version, one.client): one.count for one in usage.totals()}
        assert counts == {("v1", "okhttp"): 2, ("v2", "okhttp"): 2}


class TestSunset:
    @pytest.mark.parametrize(
        ("now", "status"), [("2027-06-30T23:59:59Z", 200), ("2027-07-01T00:00:00Z", 410)]
    )
    def test_is_to_the_second(self, api, today, now, status):
        today.move_to(now)
        assert api.get("/v1/view/").status_code == status
        assert api.get("/v2/view/").status_code == 200

    @pytest.mark.E2
    @pytest.mark.parametrize("method", ["get", "head", "post", "put", "patch", "delete", "options"])
    def test_is_the_answer_to_everything(self, api, today, method):
        today.move_to("2028-01-01T00:00Z")
        answer = getattr(api, method)("/v1/view/")
        assert (answer.status_code, told(answer)) == (410, TOLD)
        assert answer.headers["Content-Type"] == "application/problem+json"
        assert answer.headers["Cache-Control"] == "no-store"
        assert '</v2/view/>; rel="successor-version"' in answer.headers["Link"]
        if method != "head":
            assert answer.json()["code"] == "version_sunset"

    def test_comes_before_permissions_and_after_limits(self, api, today):
        today.move_to("2028-01-01T00:00Z")
        assert api.get("/v1/private/").status_code == 410
        assert api.get("/v1/full/").status_code == 429

    def test_by_accept_too(self, api, today):
        today.move_to("2028-01-01T00:00Z")
        assert api.get("/accept/", headers={"Accept": "*/*; version=1"}).status_code == 410
        assert api.get("/accept/").status_code == 200

    def test_of_the_default_leaves_what_has_no_version(self, api, today, settings):
        today.move_to("2028-01-01T00:00Z")
        settings.BACKSTAY = {**settings.BACKSTAY, "DEFAULT_VERSION": "v1"}
        assert api.get("/accept/").status_code == 410
        assert api.get("/none/").status_code == 200
