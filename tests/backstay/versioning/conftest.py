"""A project that speaks three versions."""

import pytest
from django.test import override_settings
from rest_framework.test import APIClient


@pytest.fixture
def api():
    with override_settings(
        ROOT_URLCONF="tests.backstay.versioning.urls",
        BACKSTAY={"VERSIONS": ["v1", "v2", "v3"]},
    ):
        yield APIClient()
