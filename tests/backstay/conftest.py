"""The library's tests: none of the shop's limits, unless a test sets its own."""

import pytest
from rest_framework.views import APIView


@pytest.fixture(autouse=True)
def no_default_limits(monkeypatch) -> None:
    """DRF takes the default classes from the settings once, at its import: the shop's."""
    monkeypatch.setattr(APIView, "throttle_classes", ())
