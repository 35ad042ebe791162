"""The peers on Django, as one site."""

from benchmarks.peers import drf, ninja, reading, values

urlpatterns = [
    *drf.urlpatterns,
    *reading.urlpatterns,
    *values.urlpatterns,
    *ninja.urlpatterns,
]
