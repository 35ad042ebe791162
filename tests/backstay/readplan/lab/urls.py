"""Names that links are made of."""

from django.http import HttpRequest, HttpResponse
from django.urls import path


def nothing(request: HttpRequest, **kwargs: object) -> HttpResponse:
    return HttpResponse(status=204)


urlpatterns = [
    path("people/<int:pk>/", nothing, name="person-detail"),
    path("people/by-slug/<slug:slug>/", nothing, name="person-by-slug"),
    path("cities/<uuid:pk>/", nothing, name="city-detail"),
    path("labels/<int:pk>/", nothing, name="label-detail"),
    path("countries/<str:code>/", nothing, name="country-by-code"),
]
