"""The peers on Django, as one site."""

from benchmarks.peers import drf, ninja, values

urlpatterns = [*drf.urlpatterns, *values.urlpatterns, *ninja.urlpatterns]
