"""Under ASGI: DRF's views are synchronous and run in a thread, where a plan reads as ever."""

from inspect import iscoroutinefunction

import pytest
from asgiref.sync import async_to_sync, sync_to_async
from django.core.exceptions import SynchronousOnlyOperation
from django.test import AsyncClient, override_settings
from django.urls import path
from rest_framework import viewsets

from backstay.readplan import ReadPlanMixin, read
from backstay.readplan.reading import Page, attach, shown
from tests.backstay.readplan.lab.models import Person
from tests.backstay.readplan.lab.shown import GreetedPerson, serializer
from tests.backstay.readplan.lab.urls import urlpatterns as links

pytestmark = [
    pytest.mark.django_db,
    pytest.mark.L1,
    pytest.mark.usefixtures("rows"),
    pytest.mark.allow_queries,  # DRF is compared with, as it is.
]


Named = serializer(Person, "id", "name", "pets")


class Plain(viewsets.ReadOnlyModelViewSet):
    queryset = Person.objects.order_by("pk")
    serializer_class = GreetedPerson
    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    versioning_class = None
    pagination_class = None


class Planned(ReadPlanMixin, Plain):
    pass


class WithListOfItsOwn(ReadPlanMixin, Plain):
    """As packages of asynchronous views have one."""

    async def list(self, request):  # type: ignore[override]  # So it is.
        raise NotImplementedError


async def around(request):
    """An asynchronous view of Django's that asks one of DRF's."""
    return await sync_to_async(Planned.as_view({"get": "list"}))(request)


urlpatterns = [
    *links,
    path("plain/", Plain.as_view({"get": "list"})),
    path("plain/<int:pk>/", Plain.as_view({"get": "retrieve"})),
    path("planned/", Planned.as_view({"get": "list"})),
    path("planned/<int:pk>/", Planned.as_view({"get": "retrieve"})),
    path("around/", around),
]


@pytest.fixture
def asked():
    """The answer's bytes, by Django's handler of ASGI."""

    def get(url):
        with override_settings(ROOT_URLCONF=__name__):
            response = async_to_sync(AsyncClient().get)(url)
        assert response.status_code == 200
        return response.content

    return get


@pytest.fixture
def plans(monkeypatch):
    """The serializers whose rows were shown by plan."""
    made = []
    by_plan = Page.shown

    def noted(self, rows, serializer):
        made.append(type(serializer))
        return by_plan(self, rows, serializer)

    monkeypatch.setattr(Page, "shown", noted)
    return made


@pytest.mark.parametrize("path", ["", "{key}/"])
def test_a_view_of_drf_shows_the_same_bytes_by_plan(asked, plans, path):
    path = path.format(key=Person.objects.order_by("pk")[0].pk)
    plain = asked(f"/plain/{path}")
    assert not plans
    assert asked(f"/planned/{path}") == plain
    assert plans == [GreetedPerson]


def test_within_an_asynchronous_view_it_does_too(asked, plans):
    assert asked("/around/") == asked("/plain/")
    assert plans == [GreetedPerson]


def test_a_list_of_the_views_own_is_left_alone():
    assert iscoroutinefunction(WithListOfItsOwn().list)


def test_rows_may_be_awaited_and_shown_in_a_thread():
    async def bodies():
        named = Named()
        rows = [one async for one in attach(Person.objects.order_by("pk"), lambda: named)]
        return await sync_to_async(shown)(rows, named)

    found, _ = async_to_sync(bodies)()
    assert found == read(Person.objects.order_by("pk"), Named())


def test_read_in_an_event_loop_is_refused_as_djangos_queries_are():
    async def bodies():
        return read(Person.objects.order_by("pk"), Named())

    with pytest.raises(SynchronousOnlyOperation):
        async_to_sync(bodies)()
