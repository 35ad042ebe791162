"""Settings and URLs of the server under test: the service's, with a view that waits."""

import os
import time
from pathlib import Path

from django.http import HttpRequest, HttpResponse
from django.urls import path

from backstay.contrib.prometheus import metrics
from shop.settings import *  # noqa: F403  # Django's way to derive settings.

ROOT_URLCONF = __name__


def quick(_: HttpRequest) -> HttpResponse:
    return HttpResponse()


def held(_: HttpRequest) -> HttpResponse:
    """Say that it began, and wait for leave to end."""
    signs = Path(os.environ["SIGNS"])
    (signs / "began").touch()
    while not (signs / "may-end").exists():
        time.sleep(0.01)
    return HttpResponse()


urlpatterns = [path("", quick), path("held/", held), path("metrics", metrics)]
