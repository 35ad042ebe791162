"""The plan without DRF's view: ``read`` in a plain view of Django, as ``values`` is one."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from backstay.readplan import read
from benchmarks.peers import SIZE, bodies, keyset, serializers
from benchmarks.peers.values import newest


def full(request: HttpRequest) -> HttpResponse:
    shown = read(newest(request), serializers.OrderDetail(context={}))
    last = shown[SIZE - 1] if len(shown) > SIZE else None
    url = request.build_absolute_uri(request.path)
    position = last and keyset.parse(f"{last['created_at']}/{last['id']}")
    body = bodies.page(url, position, shown[:SIZE])
    return HttpResponse(body, content_type="application/json")


urlpatterns = [path("read/full", full)]
